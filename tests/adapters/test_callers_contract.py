"""One contract for the sources of settings and facts: the memory of the unit tests and PostgreSQL keep it alike."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from time import monotonic
from typing import Any

import asyncpg
import pytest

from smart_redirect.adapters.memory import MemoryDatabase
from smart_redirect.adapters.postgres.callers import PostgresCallers, PostgresSettings
from smart_redirect.adapters.postgres.pool import open_pool
from smart_redirect.adapters.postgres.timed import TimedReads
from smart_redirect.domain.enterprise import Enterprise, Mode
from smart_redirect.domain.facts import Freshness
from smart_redirect.domain.token import token_hash
from smart_redirect.errors import DatabaseUnavailable
from smart_redirect.local.demo import DEMO_TOKEN, load_demo
from smart_redirect.usecases.ports import FactsQuestion

KEY = b"k" * 32
HASH = token_hash(KEY, DEMO_TOKEN)
CALLER = "+375291112233"


class Postgres:
    """The real thing."""

    def __init__(self, pool: Any) -> None:
        self.pool = pool
        reads = TimedReads(pool)
        self.settings, self.callers = PostgresSettings(reads), PostgresCallers(reads)

    async def change_mode(self, mode: Mode) -> None:
        connection = await asyncpg.connect(self.dsn)
        await connection.execute("UPDATE enterprises SET mode = $1", mode.value)
        await connection.close()

    dsn = ""


class Memory:
    """The same data in memory."""

    def __init__(self, database: MemoryDatabase) -> None:
        self.database = self.settings = self.callers = database

    async def change_mode(self, mode: Mode) -> None:
        self.database.save(replace(self.database.enterprises[1], mode=mode))


@pytest.fixture
async def stored(database_url: str) -> AsyncIterator[Postgres]:
    connection = await asyncpg.connect(database_url)
    await load_demo(connection, KEY, 1)
    await connection.close()
    pool = await open_pool(database_url, size=2)
    source = Postgres(pool)
    source.dsn = database_url
    yield source
    pool.terminate()
    await asyncio.sleep(0.01)


@pytest.fixture(params=["postgres", "memory"])
async def source(request: pytest.FixtureRequest, stored: Postgres) -> Postgres | Memory:
    if request.param == "postgres":
        return stored
    loaded = await stored.settings.load(HASH, monotonic() + 5)
    assert loaded is not None
    memory = MemoryDatabase(loaded)
    answer = await stored.callers.ask(FactsQuestion(1, CALLER, loaded.version), monotonic() + 5)
    assert answer is not None
    memory.facts[1, CALLER] = answer.facts
    return Memory(memory)


async def loaded(source: Postgres | Memory) -> Enterprise:
    enterprise = await source.settings.load(HASH, monotonic() + 5)
    assert enterprise is not None
    return enterprise


async def test_a_token_names_its_enterprise(source: Postgres | Memory) -> None:
    enterprise = await loaded(source)
    assert (enterprise.number, enterprise.mode, len(enterprise.extensions)) == ("0367", Mode.ROUTING_AND_NAME, 7)
    assert enterprise.lines["0001363"].shop == "Салон на Немиге"
    assert await source.settings.load(b"nobody", monotonic() + 5) is None


async def test_the_current_version_is_answered_with_facts_only(source: Postgres | Memory) -> None:
    enterprise = await loaded(source)
    answer = await source.callers.ask(FactsQuestion(1, CALLER, enterprise.version), monotonic() + 5)
    assert answer is not None
    assert (answer.newer, answer.facts.source) == (None, Freshness.DATABASE)
    assert answer.facts.last is not None
    assert (answer.facts.last.extension, answer.facts.contacts[0].responsible_id) == ("150", "17")


async def test_a_changed_setting_comes_with_the_facts(source: Postgres | Memory) -> None:
    enterprise = await loaded(source)
    await source.change_mode(Mode.OFF)
    answer = await source.callers.ask(FactsQuestion(1, CALLER, enterprise.version), monotonic() + 5)
    assert answer is not None
    assert answer.newer is not None
    assert (answer.newer.mode, answer.newer.version > enterprise.version) == (Mode.OFF, True)


async def test_a_caller_without_identity_has_no_facts(source: Postgres | Memory) -> None:
    answer = await source.callers.ask(FactsQuestion(1, None, 0), monotonic() + 5)
    assert answer is not None
    assert (answer.facts.last, answer.facts.contacts, answer.facts.own_name) == (None, (), "")


async def test_an_enterprise_that_is_not_there_is_none(source: Postgres | Memory) -> None:
    assert await source.callers.ask(FactsQuestion(999, CALLER, 0), monotonic() + 5) is None
    assert await source.settings.reload(999, monotonic() + 5) is None


async def test_a_deadline_that_has_passed_is_unavailable(source: Postgres | Memory) -> None:
    with pytest.raises(DatabaseUnavailable):
        await source.settings.reload(1, 0.0)
