"""After an outage nothing is left behind: the next call is answered in full, and no connection is lost."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Awaitable
from typing import Any

import asyncpg
import pytest

from smart_redirect.domain.reply import NOTHING
from smart_redirect.local.demo import DEMO_QUESTION
from smart_redirect.local.embedded import EmbeddedPostgres
from tests.fakes.tcp_proxy import Weather
from tests.faults.conftest import KNOWN, NAMES, Answer, Rig, through_proxy

NEW_CALLER = DEMO_QUESTION.replace("80291112233", "80445550000")
OTHERS = " FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"


async def warm(rig: Rig) -> None:
    """Fill the pool of eight, for an enterprise that may call as often as it likes."""
    await rig.sql("UPDATE enterprises SET requests_per_second = 100000")
    await rig.ask()
    await asyncio.gather(*(rig.ask() for _ in range(40)))
    assert rig.call_path.reads.idle == 8


async def ask_many(rig: Rig, times: int = 100) -> list[Answer]:
    return await asyncio.gather(*(rig.ask(NEW_CALLER) for _ in range(times)))


async def is_whole(rig: Rig) -> bool:
    """Tell whether our side and the server count the same connections, none of them in use."""
    pool, reads = rig.call_path.pool, rig.call_path.reads
    counts: list[Any] = []
    for _ in range(40):
        backends = await rig.sql(f"SELECT count(*){OTHERS}")
        counts = [reads.idle, pool.get_size() - pool.get_idle_size(), backends]
        if len(set(counts)) == 1:
            return True
        await asyncio.sleep(0.05)
    raise AssertionError(f"idle, taken, at the server: {counts}")


@pytest.mark.parametrize("weather", [Weather.STALLED, Weather.HALF_ANSWERS, Weather.REFUSING])
async def test_a_hundred_calls_at_once_during_an_outage(rig: Rig, weather: Weather) -> None:
    await warm(rig)
    rig.proxy.set(weather)
    if weather is Weather.REFUSING:
        rig.proxy.cut()
    answers = await ask_many(rig)
    assert {answer.body for answer in answers} == {NAMES}
    assert all(answer.in_time() for answer in answers)
    rig.proxy.set(Weather.FAIR)
    assert await rounds_until_all_are_from_the_database(rig) <= 3
    assert await is_whole(rig)


async def rounds_until_all_are_from_the_database(rig: Rig) -> int:
    """Ask a hundred times at once, again and again: on a busy machine a few of the first may still be from memory."""
    for number in range(1, 10):
        answers = await ask_many(rig)
        assert {answer.body for answer in answers} == {NAMES}
        if {record.facts_source for record in rig.log.records[-100:]} == {"database"}:
            return number
    raise AssertionError("the database is not used again")


async def test_a_hundred_cold_calls_at_once_during_an_outage_and_after_it(rig: Rig) -> None:
    rig.proxy.set(Weather.STALLED)
    answers = await ask_many(rig)
    assert {(answer.status, answer.body) for answer in answers} == {(503, NOTHING)}
    assert all(answer.in_time() for answer in answers)
    rig.proxy.set(Weather.FAIR)
    assert (await rig.ask()).body == KNOWN
    assert await is_whole(rig)


async def kill(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


async def test_a_backend_that_is_killed_in_mid_query_costs_at_most_the_facts(own_rig: Rig) -> None:
    await own_rig.ask()
    own_rig.proxy.delay = 0.03
    asked = asyncio.create_task(own_rig.ask())
    await asyncio.sleep(0.01)
    pids = await own_rig.sql(f"SELECT array_agg(pid){OTHERS}")
    await kill(pids, signal.SIGKILL)
    own_rig.proxy.delay = 0.0
    answer = await asked
    assert (answer.body, answer.in_time()) == (KNOWN, True)
    await wait_until_up(own_rig)
    assert (await own_rig.ask(NEW_CALLER)).body == NAMES
    assert own_rig.log.records[-1].facts_source == "database"


async def wait_until_up(rig: Rig) -> None:
    """Wait: the death of one backend makes PostgreSQL start all of them anew."""
    for _ in range(200):
        with contextlib.suppress(asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
            await rig.sql("SELECT 1")
            return
        await asyncio.sleep(0.05)


async def test_a_server_that_stands_still_and_goes_on(own_rig: Rig, own_postgres: EmbeddedPostgres) -> None:
    await warm(own_rig)
    pids = await own_rig.sql(f"SELECT array_agg(pid){OTHERS}")
    await kill([own_postgres.pid, *pids], signal.SIGSTOP)
    try:
        answers = await ask_many(own_rig, 30)
    finally:
        await kill([own_postgres.pid, *pids], signal.SIGCONT)
    assert all(answer.in_time() and answer.body == NAMES for answer in answers)
    assert (await own_rig.ask()).body == KNOWN
    assert own_rig.log.records[-1].facts_source == "database"
    assert await is_whole(own_rig)


@pytest.mark.parametrize("reset", [True, False])
async def test_connections_cut_in_mid_query_are_asked_again(rig: Rig, reset: bool) -> None:
    await warm(rig)
    rig.proxy.delay = 0.03
    asked = [asyncio.create_task(rig.ask()) for _ in range(20)]
    await asyncio.sleep(0.015)
    rig.proxy.cut(reset=reset)
    rig.proxy.delay = 0.0
    answers = await asyncio.gather(*asked)
    assert {answer.body for answer in answers} == {KNOWN}
    assert all(answer.in_time() for answer in answers)
    assert await is_whole(rig)


async def test_outages_one_after_the_other_leak_nothing(rig: Rig) -> None:
    await warm(rig)
    for weather in (Weather.STALLED, Weather.REFUSING, Weather.HALF_ANSWERS) * 2:
        rig.proxy.set(weather)
        await asyncio.gather(*(rig.ask(NEW_CALLER) for _ in range(10)))
        rig.proxy.drop_server_side()
        rig.proxy.set(Weather.FAIR)
        answer = await rig.ask()
        assert (answer.body, rig.log.records[-1].facts_source) == (KNOWN, "database")
    await warm(rig)
    assert await is_whole(rig)


async def count_queries(rig: Rig, *asked: Awaitable[Answer]) -> int:
    """Return how many queries these calls send over the one connection of the rig."""
    (connection,) = rig.call_path.reads._kept.free
    queries: list[str] = []

    def note(record: Any) -> None:
        queries.append(record.query)

    connection.add_query_logger(note)
    assert {answer.body for answer in await asyncio.gather(*asked)} == {KNOWN}
    await asyncio.sleep(0)
    connection.remove_query_logger(note)
    return len(queries)


async def test_a_warm_call_is_one_query_a_cold_one_two_and_cold_calls_share_the_first(
    database_url: str, database_tcp_url: str
) -> None:
    async with through_proxy(database_url, database_tcp_url, pool_size=1) as rig:
        await rig.ask()
        assert await count_queries(rig, rig.ask()) == 1
        rig.call_path.snapshots.drop(1)
        assert await count_queries(rig, rig.ask()) == 2
        rig.call_path.snapshots.drop(1)
        assert await count_queries(rig, *(rig.ask() for _ in range(20))) == 1 + 20


async def test_settings_changed_while_the_database_was_away_count_at_once(rig: Rig) -> None:
    await rig.ask()
    rig.proxy.set(Weather.STALLED)
    await rig.ask()
    await rig.sql("UPDATE enterprises SET switched_off = true")
    rig.proxy.set(Weather.FAIR)
    assert (await rig.ask()).body == NOTHING


@pytest.mark.parametrize("takes", [0.1, 0.16, 0.25])
async def test_a_slow_database_is_waited_for_while_there_is_time(rig: Rig, takes: float) -> None:
    await rig.ask()
    rig.proxy.delay = takes / 2
    answers = [await rig.ask(NEW_CALLER) for _ in range(3)]
    assert [(answer.body, answer.in_time()) for answer in answers] == [(NAMES, True)] * 3
    assert {record.facts_source for record in rig.log.records} == {"database"}
    rig.proxy.delay = 0.0
    assert await is_whole(rig)
