"""One contract for both ends of an import: memory and PostgreSQL give, keep and give back alike."""

import contextlib
import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from smart_redirect.adapters.memory_import import MemoryTarget
from smart_redirect.adapters.platform.memory import MemoryPlatform
from smart_redirect.adapters.platform.source import PlatformDatabase, PlatformError
from smart_redirect.adapters.platform.tables import CALLS, CUSTOMERS, PARTICIPANTS, SETTINGS
from smart_redirect.adapters.postgres.import_settings import PostgresTarget
from smart_redirect.domain.caller_history import CallerHistory, CallTalk
from smart_redirect.domain.enterprise import Extension
from smart_redirect.domain.event_fields import CallType
from smart_redirect.domain.facts import Talk
from smart_redirect.domain.history import CallStatus, Participant
from smart_redirect.domain.platform.calls import PastCall
from smart_redirect.domain.platform.move import Order
from smart_redirect.domain.platform.report import Report
from smart_redirect.domain.platform.tables import CALL_TOKENS, ENTERPRISES, SHOPS, Changes
from smart_redirect.usecases.import_platform import ImportPlatform, Outcome
from tests.conftest import Server
from tests.fakes.platform_import import KEY, NOW, SCHEMA, Silent, connect

TALK = Talk("150", 31, 25, 1795417808.0)
CALL = PastCall(
    unique_id="1795417798.1",
    started_at=1795417798.0,
    phone="80291112233",
    caller="+375291112233",
    line_id="0001363",
    call_type=CallType.INBOUND,
    answered_at=TALK.at,
    ended_at=1795417920.0,
    participants=(Participant("150", 1, CallStatus.ANSWERED, TALK.at),),
    talks=(TALK,),
    own={"150": Extension("150", 31, 25)},
    answered=True,
)
HISTORY = CallerHistory(CallTalk(CALL.key, TALK), CallTalk(CALL.key, TALK))


@dataclass
class Ends:
    """A platform and a target."""

    platform: Any
    target: Any

    async def run(self) -> Outcome:
        order = Order(number="0367", key=KEY, key_id=1, now=NOW)
        return await ImportPlatform(self.platform, self.target, order, Silent())()


@pytest.fixture
async def stored(postgres: Server, database_names: Iterator[str], database_url: str) -> AsyncIterator[Ends]:
    name = next(database_names)
    admin, ours = await connect(postgres.url("postgres")), await connect(database_url)
    await admin.execute(f"CREATE DATABASE {name} TEMPLATE template0")
    theirs = await connect(postgres.url(name))
    await theirs.execute(SCHEMA)
    async with PlatformDatabase.reading(theirs, 2) as platform:
        yield Ends(platform, PostgresTarget(ours, dry_run=False))
    for connection in (theirs, ours):
        await connection.close()
    await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await admin.close()


@pytest.fixture
async def remembered(stored: Ends) -> Ends:
    tables = {}
    for source in (*SETTINGS, CUSTOMERS, CALLS, PARTICIPANTS):
        rows = await stored.platform._connection.fetch(f"SELECT to_jsonb(t)::text FROM {source.table} t")
        tables[source.table] = [json.loads(row[0]) for row in rows]
    return Ends(MemoryPlatform(tables, 2), MemoryTarget())


@pytest.fixture(params=["stored", "remembered"])
def ends(request: pytest.FixtureRequest) -> Ends:
    return request.getfixturevalue(request.param)


async def test_a_platform_gives_the_rows_of_one_enterprise_and_not_its_passwords(ends):
    theirs = await ends.platform.settings("0367", Report())
    assert {table: len(rows) for table, rows in theirs.tables.items() if table != "dial_schemas"} == {
        **{"enterprises": 1, "users": 2, "user_internal_phones": 5, "gsm_lines": 2, "sip_unit": 2, "shops": 1},
        **{"shop_lines": 1, "shop_sip_lines": 2, "departments": 1, "department_members": 2},
    }
    assert not [row for rows in theirs.tables.values() for row in rows if "password" in row or "secret" in row]


async def test_a_platform_without_the_enterprise_says_so(ends):
    with pytest.raises(PlatformError, match="the platform has no enterprise 0999"):
        await ends.platform.settings("0999", Report())


async def test_a_platform_gives_calls_in_batches_with_their_participants(ends):
    await ends.platform.settings("0367", Report())
    batches = [batch async for batch in ends.platform.calls("0367")]
    assert [len(batch) for batch in batches] == [2, 2, 2, 2]
    assert [(call["id"], len(rows)) for call, rows in batches[0]] == [(1, 2), (2, 2)]
    assert await ends.platform.count("calls", "0367") == 8
    assert await ends.platform.count("customers", "0367") == len(
        [row async for batch in ends.platform.customers("0367") for row in batch]
    )


async def begun(target: Any, token: bytes = b"t" * 32) -> int:
    row = {"number": "0367", "name": "x", "country": "BY", "time_zone": "Europe/Minsk", "mode": "off"}
    shops = tuple({"id": number, "name": f"shop {number}"} for number in (1, 2))
    tokens = ({"token_hash": token.hex(), "key_id": 1},)
    async with target.open() as opened:
        changes = (Changes(ENTERPRISES, (row,)), Changes(CALL_TOKENS, tokens), Changes(SHOPS, shops))
        return await opened.write(0, changes)


async def test_a_target_gives_back_what_was_written_changed_and_removed(ends):
    enterprise_id = await begun(ends.target)
    async with ends.target.open() as opened:
        changed, gone = {"id": 1, "name": "other"}, {"id": 2, "name": "shop 2"}
        assert await opened.write(enterprise_id, [Changes(SHOPS, changed=(changed,), gone=(gone,))]) == enterprise_id
        ours = await opened.read("0367", "")
    assert (ours.id, (ours.enterprise or {})["name"]) == (enterprise_id, "x")
    assert [(row["id"], row["name"]) for row in ours.rows(SHOPS)] == [(1, "other")]


async def test_a_target_knows_a_token_of_another_enterprise(ends):
    await begun(ends.target)
    async with ends.target.open() as opened:
        taken = (b"t" * 32).hex()
        assert [(await opened.read(number, taken)).another_has_token for number in ("0367", "0400")] == [False, True]


async def test_an_error_takes_back_what_the_transaction_wrote(ends):
    enterprise_id = await begun(ends.target)
    with contextlib.suppress(ZeroDivisionError):
        async with ends.target.open() as opened:
            await opened.write_names(enterprise_id, {"+375291112233": "x"})
            raise ZeroDivisionError
    async with ends.target.open() as opened:
        assert await opened.names(enterprise_id, ["+375291112233"]) == {}


async def test_a_target_keeps_names_calls_and_histories(ends):
    enterprise_id = await begun(ends.target)
    await ends.target.make_room([CALL])
    async with ends.target.open() as opened:
        await opened.write_names(enterprise_id, {"+375291112233": "Петрова"})
        await opened.write_calls(enterprise_id, [CALL])
        await opened.write_histories(enterprise_id, {"+375291112233": HISTORY})
    async with ends.target.open() as opened:
        assert await opened.names(enterprise_id, ["+375291112233", "+375290000000"]) == {"+375291112233": "Петрова"}
        assert await opened.known_calls(enterprise_id, [CALL, replace(CALL, unique_id="2.2")]) == {
            CALL.unique_id: False
        }
        assert await opened.histories(enterprise_id, ["+375291112233"]) == {"+375291112233": HISTORY}


async def test_an_import_does_the_same_from_memory_to_memory_as_between_databases(stored, remembered):
    first = [await ends.run() for ends in (stored, remembered)]
    second = [await ends.run() for ends in (stored, remembered)]
    assert first[0].tallies == first[1].tallies
    assert first[0].report.counts == first[1].report.counts
    assert set(first[0].report.remarks) == set(first[1].report.remarks)
    assert [outcome.changed_anything for outcome in (*first, *second)] == [True, True, False, False]
