"""Delivering a batch: recorded, buried or kept, each call by itself."""

import asyncpg
import pytest

from smart_redirect.adapters.postgres.history import PostgresLedger
from smart_redirect.adapters.postgres.pool import open_pool
from smart_redirect.domain.phone import normalise
from smart_redirect.errors import DatabaseUnavailable
from smart_redirect.usecases.deliver_events import DeliverEvents, Outcome
from smart_redirect.usecases.record_event import RecordEvent
from tests.fakes.pbx import Pbx, dial, event, hangup, set_up, start, talk

RECORDED, BURIED, KEPT = Outcome.RECORDED, Outcome.BURIED, Outcome.KEPT


@pytest.fixture
async def connection(database_url):
    connection = await asyncpg.connect(database_url)
    await set_up(connection)
    yield connection
    await connection.close()


@pytest.fixture
async def ledger(database_url):
    pool = await open_pool(database_url, size=3)
    yield PostgresLedger(pool)
    await pool.close()


@pytest.fixture
def deliver(ledger, connection) -> DeliverEvents:
    return DeliverEvents(RecordEvent(ledger, normalise), ledger)


def broken_phone(raw: str, country: str, area_code: str = "") -> str | None:
    if raw == "poison":
        raise ZeroDivisionError(raw)
    return normalise(raw, country, area_code)


async def reasons(connection) -> list[str]:
    return [row["reason"] for row in await connection.fetch("SELECT reason FROM dead_events ORDER BY id")]


async def test_a_batch_of_several_calls_is_recorded(deliver, connection):
    told = [start(), start(call="1.2"), dial("150"), hangup(talk("150")), hangup("", call="1.2")]
    assert await deliver([each.message() for each in told]) == [RECORDED] * 5
    assert await connection.fetchval("SELECT count(*) FROM calls") == 2


async def test_an_empty_batch_is_nothing(deliver):
    assert await deliver([]) == []


async def test_what_can_not_be_recorded_is_buried_and_blocks_nobody(deliver, connection):
    told = ["not a message", start(token="stranger").message(), start().message()]
    assert await deliver(told) == [BURIED, BURIED, RECORDED]
    assert sorted(await reasons(connection)) == ["TokenUnknown: ", "unreadable"]
    assert told[1] in [row["message"] for row in await connection.fetch("SELECT message FROM dead_events")]


async def test_a_poison_event_blocks_not_even_its_own_call(ledger, connection):
    deliver = DeliverEvents(RecordEvent(ledger, broken_phone), ledger)
    told = [event("start", Phone="poison"), dial("150"), hangup(talk("150"))]
    assert await deliver([told[1].message(), told[2].message(), told[0].message()]) == [RECORDED, RECORDED, BURIED]
    assert await Pbx(deliver, connection).ends() == ("150", "150")
    assert await reasons(connection) == ["ZeroDivisionError: poison"]


async def test_an_event_that_the_database_refuses_is_buried(deliver, connection):
    await connection.execute("ALTER TABLE calls ADD CONSTRAINT no CHECK (line_id <> 'bad')")
    assert await deliver([start(Trunk="bad").message(), start(call="1.2").message()]) == [BURIED, RECORDED]
    assert (await reasons(connection))[0].startswith("CheckViolationError")


async def test_a_missing_table_keeps_the_events(deliver, connection):
    await connection.execute("ALTER TABLE calls RENAME TO calls_away")
    assert await deliver([start().message()]) == [KEPT]


async def test_without_a_database_everything_is_kept(tmp_path):
    pool = await open_pool(f"postgresql://nobody@/nothing?host={tmp_path}")
    ledger = PostgresLedger(pool)
    deliver = DeliverEvents(RecordEvent(ledger, normalise), ledger)
    assert await deliver([start().message(), "not a message"]) == [KEPT, KEPT]
    pool.terminate()


async def test_connections_that_died_cost_nothing(deliver, connection):
    await deliver([start(call=f"1.{number}").message() for number in range(9)])
    await connection.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    assert await deliver([start().message()]) == [RECORDED]


async def test_strangers_events_push_out_none_of_another_reason(ledger, connection):
    fill = "INSERT INTO dead_events (reason, message) SELECT $1, n FROM generate_series(1, 10000) AS n"
    for reason in ("CheckViolationError: x", "TokenUnknown: "):
        await connection.execute(fill, reason)
    for _ in range(200):
        await ledger.bury("newest", "TokenUnknown: ")
    count = "SELECT count(*) FROM dead_events WHERE reason = $1"
    assert await connection.fetchval(count, "CheckViolationError: x") == 10_000
    assert 10_000 <= await connection.fetchval(count, "TokenUnknown: ") < 10_100
    assert await connection.fetchval("SELECT count(*) FROM dead_events WHERE message = 'newest'") == 200


async def test_one_call_that_fails_again_and_again_blocks_nobody(ledger, connection):
    class Stuck(RecordEvent):
        async def __call__(self, events):
            if events[0].unique_id == "1.666":
                raise DatabaseUnavailable("stuck")
            await super().__call__(events)

    deliver = DeliverEvents(Stuck(ledger, normalise), ledger, at_once=1)
    told = [dial(str(number), call="1.666").message() for number in range(20)]
    assert await deliver([*told, start().message()]) == [KEPT] * 20 + [RECORDED]


async def test_a_database_that_hangs_is_not_asked_for_every_event_of_a_batch(ledger, connection):
    asked = []

    class Hanging(RecordEvent):
        async def __call__(self, events):
            asked.append(events)
            raise DatabaseUnavailable("hangs")

    deliver = DeliverEvents(Hanging(ledger, normalise), ledger)
    assert await deliver([start(call=f"1.{number}").message() for number in range(50)]) == [KEPT] * 50
    assert 8 <= len(asked) <= 12
