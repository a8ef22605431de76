"""What the database tells of a change: every table of settings counts, and a wrong row is no error page."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from time import monotonic

import asyncpg
import pytest

from smart_redirect.adapters.postgres.callers import PostgresCallers, PostgresSettings
from smart_redirect.adapters.postgres.pool import open_pool
from smart_redirect.adapters.postgres.timed import TimedReads
from smart_redirect.domain.enterprise import Enterprise
from smart_redirect.domain.facts import CallerFacts, Contact
from smart_redirect.domain.token import token_hash
from smart_redirect.local.demo import DEMO_TOKEN, load_demo
from smart_redirect.usecases.ports import FactsAnswer, FactsQuestion

KEY = b"k" * 32
CALLER = "+375291112233"


@dataclass
class Database:
    """The demo data, a connection that changes it, and the adapters that read it."""

    connection: asyncpg.Connection
    settings: PostgresSettings
    callers: PostgresCallers

    async def ask(self, caller: str | None = CALLER, version: int = 0) -> FactsAnswer | None:
        return await self.callers.ask(FactsQuestion(1, caller, version), monotonic() + 5)

    async def facts(self, caller: str) -> CallerFacts:
        answer = await self.ask(caller)
        assert answer is not None
        return answer.facts

    async def now(self, version: int = 0) -> Enterprise | None:
        """Return the settings as an asker with this version gets them: None if it is the current one."""
        answer = await self.ask(version=version)
        assert answer is not None
        return answer.newer


@pytest.fixture
async def demo(database_url: str) -> AsyncIterator[Database]:
    connection = await asyncpg.connect(database_url)
    await load_demo(connection, KEY, 1)
    pool = await open_pool(database_url, size=2)
    reads = TimedReads(pool)
    yield Database(connection, PostgresSettings(reads), PostgresCallers(reads))
    await connection.close()
    pool.terminate()
    await asyncio.sleep(0.01)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE enterprises SET shadow = true",
        "UPDATE pbx_hosts SET allowed_addresses = '{192.0.2.0/24}'",
        "UPDATE pbx_hosts SET announced_pool = loaded_pool",
        "INSERT INTO pbx_hosts (enterprise_id, name) VALUES (1, 'second')",
        "DELETE FROM call_tokens",
        "UPDATE user_internal_phones SET number = '250' WHERE number = '150'",
        "UPDATE lines SET algorithms = '{}'",
        "DELETE FROM lines WHERE line_id = '0001366'",
        "UPDATE shops SET name = 'Салон'",
        "DELETE FROM shop_lines",
        "UPDATE crm_connections SET position = position + 2",
        "INSERT INTO user_extensions VALUES (1, 2, '9', '153')",
        "TRUNCATE user_extensions",
    ],
)
async def test_a_change_of_any_setting_comes_with_the_next_facts_and_once(demo: Database, change: str) -> None:
    before = await demo.now()
    assert before is not None
    assert await demo.now(before.version) is None
    await demo.connection.execute(change)
    after = await demo.now(before.version)
    assert after is not None
    assert after.version > before.version
    assert await demo.now(after.version) is None


async def test_a_change_of_another_enterprise_is_not_ours(demo: Database) -> None:
    before = await demo.now()
    assert before is not None
    await demo.connection.execute("INSERT INTO enterprises (number, name) VALUES ('0400', 'Другие')")
    await demo.connection.execute("INSERT INTO pbx_hosts (enterprise_id, name) VALUES (2, 'theirs')")
    assert await demo.now(before.version) is None


async def test_the_switch_for_all_and_the_epoch_come_without_a_new_version(demo: Database) -> None:
    before = await demo.now()
    assert before is not None
    await demo.connection.execute("UPDATE deployment SET switched_off = true")
    await demo.connection.execute("UPDATE settings_versions SET cache_epoch = 5")
    answer = await demo.ask(version=before.version)
    assert answer is not None
    assert (answer.all_switched_off, answer.cache_epoch, answer.newer) == (True, 5, None)


async def test_an_enterprise_that_is_deleted_is_gone(demo: Database) -> None:
    await demo.connection.execute("DELETE FROM enterprises")
    assert await demo.ask() is None
    assert await demo.settings.load(token_hash(KEY, DEMO_TOKEN), monotonic() + 5) is None


async def test_contacts_come_with_the_responsible_first_and_then_the_newest(demo: Database) -> None:
    await demo.connection.execute(
        "INSERT INTO crm_contacts (enterprise_id, phone, connection_id, external_id, name, responsible_id, updated_at) VALUES"
        " (1, '+375290000001', 1, 'a', 'old', NULL, '2025-01-01'), (1, '+375290000001', 1, 'b', 'new', NULL, '2025-02-01'),"
        " (1, '+375290000001', 1, 'c', 'led', '17', '2024-01-01')"
    )
    assert [each.name for each in (await demo.facts("+375290000001")).contacts] == ["led", "new", "old"]


async def test_a_caller_of_another_enterprise_is_unknown_to_us(demo: Database) -> None:
    await demo.connection.execute("INSERT INTO enterprises (number, name) VALUES ('0400', 'Другие')")
    await demo.connection.execute("INSERT INTO contacts VALUES (2, '+375290000002', 'чужой')")
    assert (await demo.facts("+375290000002")).own_name == ""


@pytest.mark.parametrize(
    ("ends", "routes", "counts"),
    [("NULL", 60.0, True), ("270", 60.0, True), ("230", 60.0, False), ("5", 60.0, False), ("5", 300.0, True)],
    ids=["the mirror's own", "looked up just now", "a minute ago", "five minutes ago", "as long as the name"],
)
async def test_the_responsible_of_a_look_up_counts_for_a_shorter_time_than_the_name(
    demo: Database, ends: str, routes: float, counts: bool
) -> None:
    demo.callers.routes_for = routes
    await demo.connection.execute(
        "INSERT INTO crm_contacts (enterprise_id, phone, connection_id, external_id, name, responsible_id, updated_at,"
        f" responsible_extension, expires_at) VALUES (1, '+375290000001', 1, 'a', 'Вера', '17', 'epoch', '150',"
        f" now() + {ends} * interval '1 s')"
    )
    responsible = ("17", "150") if counts else ("", "")
    assert (await demo.facts("+375290000001")).contacts == (Contact(1, "Вера", *responsible, 0.0, not counts),)


async def test_a_name_alone_says_nothing_of_a_second_owner_whom_the_mirror_has(demo: Database) -> None:
    await demo.connection.execute(
        "INSERT INTO crm_contacts (enterprise_id, phone, connection_id, external_id, name, responsible_id, expires_at)"
        " VALUES (1, '+375290000001', 1, 'a', 'Вера', '17', now() + interval '1 minute'),"
        " (1, '+375290000001', 1, 'b', 'Олег', '18', NULL)"
    )
    contacts = (await demo.facts("+375290000001")).contacts
    assert {each.name: each.responsible_id for each in contacts} == {"Вера": "", "Олег": "18"}
