"""Whatever the database or the network to it does, a call is answered rightly and in time, and so is the next."""

import asyncio

import asyncpg
import pytest

from smart_redirect.domain.reply import NOTHING
from smart_redirect.local.demo import DEMO_QUESTION
from smart_redirect.local.embedded import EmbeddedPostgres
from tests.fakes.tcp_proxy import Weather
from tests.faults.conftest import KNOWN, NAMES, Rig

NEW_CALLER = DEMO_QUESTION.replace("80291112233", "80445550000")


async def test_a_warm_call_costs_one_round_trip(rig: Rig) -> None:
    for _ in range(3):
        await rig.ask()
    before = rig.proxy.requests
    assert (await rig.ask()).body == KNOWN
    assert (rig.proxy.requests - before, rig.proxy.accepted) == (1, 1)


@pytest.mark.parametrize("weather", [Weather.STALLED, Weather.HALF_ANSWERS])
async def test_a_hanging_database_leaves_what_is_remembered(rig: Rig, weather: Weather) -> None:
    await rig.ask()
    rig.proxy.set(weather)
    known, new = await asyncio.gather(rig.ask(), rig.ask(NEW_CALLER))
    assert (known.body, new.body) == (KNOWN, NAMES)
    assert known.in_time()
    assert new.in_time()
    assert sorted(record.facts_source for record in rig.log.records) == ["cache", "database", "none"]


async def test_a_dead_database_stops_costing_the_full_budget(rig: Rig) -> None:
    await rig.ask()
    rig.proxy.set(Weather.STALLED)
    for _ in range(3):
        await rig.ask()
    assert (await rig.ask()).seconds < 0.15


async def test_a_cold_process_without_a_database_answers_nothing(rig: Rig) -> None:
    rig.proxy.set(Weather.STALLED)
    answer = await rig.ask()
    assert (answer.status, answer.body, answer.in_time()) == (503, NOTHING, True)


@pytest.mark.parametrize("weather", [Weather.STALLED, Weather.HALF_ANSWERS, Weather.REFUSING])
@pytest.mark.parametrize("calls_meanwhile", [1, 8])
async def test_the_first_call_after_an_outage_works(rig: Rig, weather: Weather, calls_meanwhile: int) -> None:
    await rig.ask()
    rig.proxy.set(weather)
    rig.proxy.cut()
    for _ in range(calls_meanwhile):
        answer = await rig.ask(NEW_CALLER)
        assert (answer.body, answer.in_time()) == (NAMES, True)
    rig.proxy.set(Weather.FAIR)
    answer = await rig.ask(NEW_CALLER)
    assert (answer.body, answer.in_time()) == (NAMES, True)
    assert rig.log.records[-1].facts_source == "database"


@pytest.mark.parametrize("reset", [True, False])
async def test_connections_cut_while_idle_never_fail_a_call(rig: Rig, reset: bool) -> None:
    await asyncio.gather(*(rig.ask() for _ in range(20)))
    rig.proxy.cut(reset=reset)
    answers = await asyncio.gather(*(rig.ask() for _ in range(20)))
    assert {answer.body for answer in answers} == {KNOWN}
    assert {record.facts_source for record in rig.log.records} == {"database"}


async def test_half_open_connections_never_fail_a_call(rig: Rig) -> None:
    await asyncio.gather(*(rig.ask() for _ in range(20)))
    rig.proxy.drop_server_side()
    answer = await rig.ask(NEW_CALLER)
    assert answer.in_time()
    assert rig.log.records[-1].facts_source == "database"


async def test_backends_that_the_server_ended_never_fail_a_call(rig: Rig) -> None:
    await asyncio.gather(*(rig.ask() for _ in range(20)))
    await rig.sql(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    answers = await asyncio.gather(*(rig.ask() for _ in range(20)))
    assert {answer.body for answer in answers} == {KNOWN}


async def test_a_query_whose_backend_is_ended_is_asked_again(rig: Rig) -> None:
    await rig.ask()
    rig.proxy.delay = 0.05
    asked = asyncio.create_task(rig.ask())
    await asyncio.sleep(0.02)
    await rig.sql(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    rig.proxy.delay = 0.0
    answer = await asked
    assert (answer.body, answer.in_time()) == (KNOWN, True)


async def test_a_burst_during_a_hang_is_answered_and_leaves_no_connection_behind(rig: Rig) -> None:
    await rig.ask()
    rig.proxy.set(Weather.STALLED)
    answers = await asyncio.gather(*(rig.ask(NEW_CALLER) for _ in range(60)))
    assert all(answer.in_time() and answer.is_safe() for answer in answers)
    rig.proxy.set(Weather.FAIR)
    assert (await rig.ask()).body == KNOWN
    pool, reads = rig.call_path.pool, rig.call_path.reads
    assert reads.idle + pool.get_idle_size() == pool.get_size() <= 8


async def test_an_exhausted_pool_costs_its_callers_only_the_budget(rig: Rig) -> None:
    await rig.ask()
    held = [await rig.call_path.pool.acquire() for _ in range(8 - rig.call_path.reads.idle)]
    held.append(rig.call_path.reads._kept.free.pop())
    answer = await rig.ask(NEW_CALLER)
    assert (answer.body, answer.in_time()) == (NAMES, True)
    for connection in held:
        await rig.call_path.pool.release(connection)
    assert (await rig.ask()).body == KNOWN


async def test_a_locked_table_costs_only_the_budget(rig: Rig) -> None:
    await rig.ask()
    async with asyncpg.create_pool(rig.dsn) as pool, pool.acquire() as connection, connection.transaction():
        await connection.execute("LOCK TABLE caller_history IN ACCESS EXCLUSIVE MODE")
        answer = await rig.ask(NEW_CALLER)
    assert (answer.body, answer.in_time()) == (NAMES, True)


async def test_a_restart_and_a_crash_of_the_server_are_survived(own_rig: Rig, own_postgres: EmbeddedPostgres) -> None:
    assert (await own_rig.ask()).body == KNOWN
    await asyncio.to_thread(own_postgres.restart)
    assert (await own_rig.ask()).body == KNOWN
    await asyncio.to_thread(own_postgres.kill)
    down = await own_rig.ask(NEW_CALLER)
    assert (down.body, down.in_time()) == (NAMES, True)
    await asyncio.to_thread(own_postgres.start)
    up = await own_rig.ask()
    assert (up.body, up.in_time()) == (KNOWN, True)
    assert own_rig.log.records[-1].facts_source == "database"


async def test_a_missing_table_is_an_answer_and_not_an_error(rig: Rig) -> None:
    await rig.ask()
    await rig.sql("ALTER TABLE caller_history RENAME TO moved")
    answer = await rig.ask(NEW_CALLER)
    assert (answer.status, answer.body) == (200, NAMES)
    await rig.sql("ALTER TABLE moved RENAME TO caller_history")
    assert (await rig.ask()).body == KNOWN
