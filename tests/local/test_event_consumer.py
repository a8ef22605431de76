"""From the spool to the database: at once, after an outage, and never the same call twice."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Sequence

import asyncpg
import pytest

from smart_redirect.local.call_events import open_events
from smart_redirect.local.event_consumer import EventConsumer, Progress
from smart_redirect.local.spool import Depth, Spool
from smart_redirect.settings import Settings
from smart_redirect.usecases.deliver_events import Outcome
from tests.fakes.clock import Clock
from tests.fakes.pbx import KEY, START, TOKEN, Pbx, hangup, set_up, start, talk
from tests.parity import Sent, ask_locally

BODY = b'{"UniqueId":"1795417798.12","Phone":"80291112233","Trunk":"0001363","CallType":"0","Talks":"150@1795417808"}'
SENT = Sent("/api/callevent/hangup", BODY, (("Token", TOKEN),))


class Scripted:
    """Delivers as it is told: the messages that hold `stuck` are kept."""

    def __init__(self) -> None:
        self.stuck: tuple[str, ...] = ()
        self.buried: list[str] = []
        self.batches: list[int] = []

    async def __call__(self, messages: Sequence[str]) -> list[Outcome]:
        self.batches.append(len(messages))
        return [Outcome.KEPT if any(each in one for each in self.stuck) else Outcome.RECORDED for one in messages]

    async def bury(self, message: str, reason: str) -> Outcome:
        self.buried.append(message)
        return Outcome.BURIED


@pytest.fixture
async def spool(tmp_path) -> AsyncIterator[Spool]:
    spool = Spool(tmp_path / "events.sqlite")
    await spool.start()
    yield spool
    await spool.stop()


@pytest.fixture
def deliver() -> Scripted:
    return Scripted()


@pytest.fixture
def consumer(spool, deliver) -> EventConsumer:
    return EventConsumer(spool, deliver)


@contextlib.asynccontextmanager
async def running(consumer: EventConsumer) -> AsyncIterator[None]:
    task = asyncio.create_task(consumer.run())
    yield
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def until(condition) -> float:
    """Wait for at most five seconds; return for how long."""
    begun = time.monotonic()
    while not condition():
        assert time.monotonic() - begun < 5
        await asyncio.sleep(0.002)
    return time.monotonic() - begun


async def test_what_was_delivered_leaves_the_spool(spool, consumer):
    await spool.put(start())
    assert [await consumer.step(), await consumer.step()] == [Progress.SOME, Progress.EMPTY]
    assert (await spool.depth(), consumer.state.recorded) == (Depth(0, None), 1)


async def test_a_new_event_is_delivered_at_once(spool, consumer):
    async with running(consumer):
        await asyncio.sleep(0.05)
        await spool.put(start())
        assert await until(lambda: consumer.state.recorded == 1) < 1


async def test_what_is_kept_stays_and_its_age_shows(spool, deliver, consumer):
    deliver.stuck = ("1795417798.12",)
    await spool.put(start(at=time.time() - 30))
    assert await consumer.step() is Progress.NONE
    assert consumer.state.depth.waiting == 1
    assert 30 <= consumer.state.oldest_age < 40


async def test_after_an_outage_delivery_goes_on_by_itself(spool, deliver, consumer):
    deliver.stuck = ("start",)
    await spool.put(start())
    async with running(consumer):
        await until(lambda: len(deliver.batches) > 2)
        deliver.stuck = ()
        await until(lambda: consumer.state.recorded == 1)


async def test_an_outage_is_not_asked_without_a_pause(spool, deliver, consumer):
    deliver.stuck = ("start",)
    await spool.put(start())
    async with running(consumer):
        await asyncio.sleep(0.5)
    assert 2 <= len(deliver.batches) <= 5


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def timed(spool, deliver, clock) -> EventConsumer:
    return EventConsumer(spool, deliver, clock)


async def test_the_stuck_is_not_given_up_while_nothing_is_recorded(spool, deliver, timed, clock):
    deliver.stuck = ("1.666",)
    await spool.put(start(call="1.666"))
    for _ in range(50):
        clock.now += 100
        await timed.step()
    assert deliver.buried == []


async def record_others(spool, timed: EventConsumer, clock: Clock, times: int, every: float) -> None:
    for number in range(times):
        clock.now += every
        await spool.put(start(call=f"1.{number}"))
        await timed.step()


async def test_the_stuck_is_given_up_after_many_tries_and_a_quarter_of_an_hour(spool, deliver, timed, clock):
    deliver.stuck = ("1.666",)
    await spool.put(start(call="1.666"))
    await record_others(spool, timed, clock, 200, 0.01)
    assert deliver.buried == []
    await record_others(spool, timed, clock, 14, 60.0)
    assert deliver.buried == []
    await record_others(spool, timed, clock, 10, 60.0)
    assert (deliver.buried, timed.state.buried) == ([start(call="1.666").message()], 1)
    assert (await spool.depth()).waiting == 0


async def test_time_alone_gives_up_nothing(spool, deliver, timed, clock):
    deliver.stuck = ("1.666",)
    await spool.put(start(call="1.666"))
    await record_others(spool, timed, clock, 10, 3600.0)
    assert deliver.buried == []


async def test_what_fails_rests_ever_longer_and_hides_nothing_behind_it(spool, deliver, timed, clock):
    deliver.stuck = ("2.",)
    for number in range(300):
        await spool.put(start(call=f"2.{number}"))
    await record_others(spool, timed, clock, 30, 0.1)
    assert timed.state.recorded == 30
    before = len(deliver.batches)
    await record_others(spool, timed, clock, 20, 0.01)
    assert (timed.state.recorded, sum(deliver.batches[before:]) < 1000) == (50, True)


async def test_what_rests_is_tried_again_by_itself(spool, deliver, consumer):
    deliver.stuck = ("1.666",)
    async with running(consumer):
        await asyncio.gather(spool.put(start(call="1.666")), spool.put(start(call="1.1")))
        await until(lambda: consumer.state.recorded == 1)
        deliver.stuck = ()
        await until(lambda: consumer.state.recorded == 2)


async def test_a_spool_that_can_not_be_read_does_not_end_the_consumer(spool, consumer):
    await spool.stop()
    async with running(consumer):
        await asyncio.sleep(0.1)
        await spool.start()
        await spool.put(start())
        await until(lambda: consumer.state.recorded == 1)


# --- with a real database


@pytest.fixture
async def connection(database_url):
    connection = await asyncpg.connect(database_url)
    await set_up(connection)
    yield connection
    await connection.close()


def settings(database_url: str, tmp_path) -> Settings:
    return Settings(database_url=database_url, key=KEY.decode(), data_dir=str(tmp_path / "data"))


async def ask(endpoint, sent: Sent = SENT) -> tuple[int, bytes]:
    answered = await ask_locally(endpoint, sent)
    return answered.status, answered.body


async def test_an_event_goes_all_the_way(connection, database_url, tmp_path):
    async with open_events(settings(database_url, tmp_path), print) as events:
        assert await ask(events.endpoints["/api/callevent/hangup"]) == (202, b"{}")
        await until(lambda: events.state.recorded == 1)
    assert await Pbx(None, connection).ends() == ("150", "150")


async def test_events_wait_on_disk_through_a_restart_without_a_database(connection, database_url, tmp_path):
    nowhere = f"postgresql://nobody@/nothing?host={tmp_path}"
    async with open_events(settings(nowhere, tmp_path), print) as events:
        assert await ask(events.endpoints["/api/callevent/hangup"]) == (202, b"{}")
    async with open_events(settings(database_url, tmp_path), print) as events:
        await until(lambda: events.state.recorded == 1)
    assert await Pbx(None, connection).ends() == ("150", "150")


async def count_calls(dsn: str) -> int:
    connection = await asyncpg.connect(dsn)
    found = await connection.fetchval("SELECT count(*) FROM calls WHERE status = 'answered'")
    await connection.close()
    return found


@pytest.fixture
async def spooled_calls(own_postgres, tmp_path) -> None:
    """Six hundred events on disk, for a database that knows their enterprise."""
    connection = await asyncpg.connect(own_postgres.dsn)
    await set_up(connection)
    await connection.close()
    spool = Spool(tmp_path / "data" / "spool" / "events.sqlite")
    await spool.start()
    told = (hangup(talk("150", 10, START + number), call=f"{START + number}.{number}") for number in range(600))
    await asyncio.gather(*(spool.put(each) for each in told))
    await spool.stop()


async def test_a_database_that_is_killed_in_the_middle_gets_every_event(spooled_calls, own_postgres, tmp_path):
    async with open_events(settings(own_postgres.dsn, tmp_path), print) as events:
        while await count_calls(own_postgres.dsn) < 50:
            await asyncio.sleep(0.005)
        own_postgres.kill()
        assert events.state.recorded < 600
        await asyncio.to_thread(own_postgres.start)
        await until(lambda: events.state.recorded == 600)
    assert await count_calls(own_postgres.dsn) == 600


async def test_a_token_that_everybody_knows_counts_from_this_machine_only(connection, database_url, tmp_path):
    known = start().token_hash
    async with open_events(settings(database_url, tmp_path), print, frozenset({known})) as events:
        endpoint = events.endpoints["/api/callevent/hangup"]
        await ask(endpoint)
        await until(lambda: events.state.recorded == 1)
        await endpoint_from("10.0.0.1", endpoint)
        await until(lambda: events.state.buried == 1)


async def endpoint_from(address: str, endpoint) -> None:
    """Post the event from another address."""

    async def relocated(scope, receive, send):
        await endpoint({**scope, "client": (address, 5)}, receive, send)

    assert (await ask(relocated))[0] == 202
