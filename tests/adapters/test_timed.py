"""Reads with a deadline: what they do to their connections, and that a database that is only slow is waited for."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from time import monotonic
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from smart_redirect.adapters.postgres.pool import open_pool
from smart_redirect.adapters.postgres.timed import TimedReads, lent
from smart_redirect.errors import DatabaseUnavailable
from tests.fakes.tcp_proxy import TcpProxy, Weather

BACKEND = "SELECT pg_backend_pid()"
SLEEP = "SELECT pg_backend_pid() FROM pg_sleep($1::float8)"
OTHERS = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"


class Reads(TimedReads):
    """Timed reads, with the pool and the proxy that they use."""

    def __init__(self, pool: Any, proxy: TcpProxy, dsn: str) -> None:
        super().__init__(pool)
        self.pool, self.proxy, self.dsn = pool, proxy, dsn

    async def get(self, query: str = BACKEND, *values: object, within: float = 0.285) -> int:
        """Return the value of a one-value query within so many seconds."""
        row = await self.row(query, *values, deadline=monotonic() + within)
        return int(row[0])

    def is_whole(self) -> bool:
        """Tell whether every connection is where it belongs: nothing leaked, nobody waits."""
        free_places = self.pool.get_max_size() - self.idle
        return (self._kept._places, len(self._kept._waiting)) == (free_places, 0)


@pytest.fixture
async def reads(database_url: str, database_tcp_url: str) -> AsyncIterator[Reads]:
    parts = urlsplit(database_tcp_url)
    async with TcpProxy((parts.hostname or "", parts.port or 0)) as proxy:
        netloc = parts.netloc.rpartition(":")[0] + f":{proxy.port}"
        pool = await open_pool(urlunsplit(parts._replace(netloc=netloc, query="sslmode=disable")), size=2)
        yield Reads(pool, proxy, database_url)
        pool.terminate()
        await asyncio.sleep(0)


async def lose_some(reads: Reads, times: int) -> None:
    """Let reads fail on a database that hangs."""
    reads.proxy.set(Weather.STALLED)
    for _ in range(times):
        with pytest.raises(DatabaseUnavailable):
            await reads.get(within=0.06)
    reads.proxy.set(Weather.FAIR)


async def test_reads_share_a_connection(reads: Reads) -> None:
    assert len({await reads.get() for _ in range(20)}) == 1
    assert (reads.idle, reads.is_whole()) == (1, True)


async def test_a_read_whose_time_is_over_leaves_the_connection_and_the_database_alone(reads: Reads) -> None:
    backend = await reads.get()
    for _ in range(5):
        with pytest.raises(DatabaseUnavailable):
            await reads.get(within=-0.001)
    assert (reads.healthy, await reads.get(), reads.proxy.accepted) == (True, backend, 1)


async def test_a_new_connection_may_take_all_the_time_there_is(reads: Reads) -> None:
    reads.proxy.delay = 0.02
    assert await reads.get(within=0.5) > 0


@pytest.mark.parametrize("failures", [3, 20])
async def test_a_database_that_is_slow_to_connect_is_found_again(reads: Reads, failures: int) -> None:
    await reads.get()
    await lose_some(reads, failures)
    reads.proxy.delay = 0.012
    answered = 0
    for _ in range(12):
        with contextlib.suppress(DatabaseUnavailable):
            answered += await reads.get(within=0.4) > 0
    assert answered
    assert reads.healthy


async def test_a_connection_that_died_in_silence_costs_half_of_the_time(reads: Reads) -> None:
    await reads.get()
    reads.proxy.drop_server_side()
    began = monotonic()
    await reads.get(within=0.4)
    assert 0.2 <= monotonic() - began < 0.4


async def test_one_slow_query_costs_at_most_one_connection_that_others_kept(reads: Reads) -> None:
    kept = await asyncio.gather(*(reads.get(SLEEP, 0.02, within=2) for _ in range(2)))
    assert await reads.get(SLEEP, 0.3, within=0.5) in kept
    await asyncio.sleep(0.1)
    assert (reads.healthy, reads.idle, reads.is_whole()) == (True, 1, True)


async def test_a_slow_query_is_asked_a_second_time_beside_and_the_first_answer_counts(reads: Reads) -> None:
    await reads.get()
    backend = await reads.get("SELECT pg_backend_pid() FROM pg_sleep(0.3)", within=0.5)
    assert backend == await reads.get()
    await asyncio.sleep(0.5)
    assert (reads.is_whole(), reads.proxy.accepted) == (True, 2)


async def test_with_all_connections_dead_in_silence_each_reader_is_answered(reads: Reads) -> None:
    await asyncio.gather(*(reads.get(SLEEP, 0.02, within=2) for _ in range(2)))
    reads.proxy.drop_server_side()
    backends = await asyncio.gather(*(reads.get(within=1) for _ in range(6)))
    assert all(backends)
    assert reads.is_whole()


async def test_a_reader_who_is_cancelled_in_his_second_half_leaves_nothing_behind(reads: Reads) -> None:
    await reads.get()
    reader = asyncio.create_task(reads.get(SLEEP, 1.0, within=0.4))
    await asyncio.sleep(0.3)
    reader.cancel()
    await asyncio.gather(reader, return_exceptions=True)
    await asyncio.sleep(0.5)
    assert (reader.cancelled(), reads.is_whole()) == (True, True)


async def test_without_a_place_for_a_second_attempt_a_slow_query_goes_on_if_others_are_answered(reads: Reads) -> None:
    await asyncio.gather(*(reads.get(SLEEP, 0.02, within=2) for _ in range(2)))
    assert await asyncio.gather(*(reads.get(SLEEP, seconds, within=0.6) for seconds in (0.4, 0.2, 0.2)))
    assert (reads.proxy.accepted, reads.idle, reads.is_whole()) == (2, 2, True)


async def test_a_cancelled_reader_gives_its_place_back(reads: Reads) -> None:
    readers = [asyncio.create_task(reads.get(SLEEP, 1.0, within=5)) for _ in range(4)]
    await asyncio.sleep(0.1)
    for reader in readers:
        reader.cancel()
    await asyncio.gather(*readers, return_exceptions=True)
    assert all(reader.cancelled() for reader in readers)
    assert reads.is_whole()
    assert await reads.get() > 0


async def test_who_waits_for_a_connection_gets_the_next_free_one(reads: Reads) -> None:
    backends = await asyncio.gather(*(reads.get(SLEEP, 0.02, within=1) for _ in range(10)))
    assert len(set(backends)) == 2
    assert (reads.idle, reads.is_whole()) == (2, True)


async def test_who_waits_in_vain_leaves_the_connections_to_the_others(reads: Reads) -> None:
    slow = [asyncio.create_task(reads.get(SLEEP, 0.3, within=2)) for _ in range(2)]
    await asyncio.sleep(0.1)
    with pytest.raises(DatabaseUnavailable):
        await reads.get(within=0.05)
    assert len(set(await asyncio.gather(*slow))) == 2
    assert (reads.proxy.accepted, reads.is_whole()) == (2, True)


async def test_answers_that_come_with_the_deadline_leak_nothing(reads: Reads) -> None:
    for number in range(40):
        with contextlib.suppress(DatabaseUnavailable):
            await reads.get(SLEEP, 0.01, within=0.008 + number * 0.0004)
    # A connection that was begun is made, though its caller is gone.
    await asyncio.sleep(0.5)
    assert reads.is_whole()
    assert await reads.get(within=1) > 0


async def test_an_error_of_the_query_is_unavailable_and_leaks_nothing(reads: Reads) -> None:
    for _ in range(5):
        with pytest.raises(DatabaseUnavailable, match="UndefinedTableError"):
            await reads.get("SELECT * FROM nowhere")
    assert reads.is_whole()


async def test_queries_that_hang_on_a_lock_leave_no_backend_behind(reads: Reads) -> None:
    await reads.get()
    connection = await asyncpg.connect(reads.dsn)
    async with connection.transaction():
        await connection.execute("LOCK TABLE caller_history IN ACCESS EXCLUSIVE MODE")
        for _ in range(6):
            with pytest.raises(DatabaseUnavailable):
                await reads.get("SELECT count(*) FROM caller_history")
        await asyncio.sleep(1.5)
        left = await connection.fetchval(OTHERS)
    await connection.close()
    assert left <= 2


async def test_a_lent_connection_is_cut_when_its_time_is_over(reads: Reads) -> None:
    began = monotonic()
    async with lent(reads.pool, 0.2) as connection:
        reads.proxy.set(Weather.STALLED)
        with pytest.raises((asyncpg.PostgresConnectionError, asyncpg.InterfaceError)):
            await connection.fetchval(BACKEND)
    assert monotonic() - began < 0.6
    reads.proxy.set(Weather.FAIR)
    async with lent(reads.pool, 1) as connection:
        assert await connection.fetchval(BACKEND)


async def test_a_connection_that_cannot_be_lent_in_time_is_a_timeout(reads: Reads) -> None:
    async with lent(reads.pool, 1), lent(reads.pool, 1):
        with pytest.raises(TimeoutError):
            async with lent(reads.pool, 0.05):
                raise AssertionError("there is no third connection")
    assert reads.pool.get_idle_size() == reads.pool.get_size()
