"""A pool whose connections died while nobody used it lends none of them, and none is left behind."""

import asyncio
import time
from collections.abc import AsyncIterator
from urllib.parse import urlsplit, urlunsplit

import pytest

from smart_redirect.adapters.postgres.losses import type_of_loss
from smart_redirect.adapters.postgres.pool import Pool, open_pool
from smart_redirect.adapters.postgres.timed import lent
from tests.conftest import Server
from tests.fakes.tcp_proxy import TcpProxy, Weather

SIZE = 3
END_ALL = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{}'"
A_WHILE = 0.6


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    pool = await open_pool(database_url, size=SIZE)
    yield pool
    pool.terminate()


async def pids(pool: Pool) -> set[int]:
    """Use as many connections at once as the pool may have."""
    together = asyncio.Barrier(SIZE)

    async def pid() -> int:
        async with lent(pool, 5) as connection:
            await together.wait()
            return int(await connection.fetchval("SELECT pg_backend_pid()"))

    return set(await asyncio.gather(*(pid() for _ in range(SIZE))))


async def test_after_a_sleep_in_which_all_died_all_are_new(pool: Pool, postgres: Server, database: str) -> None:
    before = await pids(pool)
    await asyncio.to_thread(postgres.execute, END_ALL.format(database))
    await asyncio.sleep(A_WHILE)
    after = await pids(pool)
    assert (len(before), len(after), before & after) == (SIZE, SIZE, set())


async def pids_of_one(pool: Pool) -> None:
    async with lent(pool, 5) as connection:
        await connection.fetchval("SELECT 1")


async def test_a_connection_in_use_is_not_tried_again(pool: Pool) -> None:
    before = await pids(pool)
    assert await pids(pool) == before


@pytest.fixture
async def far(database_tcp_url: str) -> AsyncIterator[tuple[Pool, TcpProxy]]:
    """A pool behind a network that breaks; nobody has used it for a while."""
    parts = urlsplit(database_tcp_url)
    async with TcpProxy((parts.hostname or "", parts.port or 0)) as proxy:
        netloc = parts.netloc.rpartition(":")[0] + f":{proxy.port}"
        pool = await open_pool(urlunsplit(parts._replace(netloc=netloc, query="sslmode=disable")), size=SIZE)
        await pids(pool)
        pool.alive_at = 0.0
        yield pool, proxy
        pool.terminate()
        await asyncio.sleep(0)


async def test_who_waits_no_longer_leaves_the_pool_whole(far: tuple[Pool, TcpProxy]) -> None:
    pool, proxy = far
    proxy.set(Weather.STALLED)
    with pytest.raises(TimeoutError):
        async with lent(pool, 0.1):
            pass
    proxy.set(Weather.FAIR)
    await pids_of_one(pool)


async def test_one_that_died_in_silence_is_given_up_after_a_second(far: tuple[Pool, TcpProxy]) -> None:
    pool, proxy = far
    proxy.drop_server_side()
    await pids_of_one(pool)
    proxy.set(Weather.FAIR)
    assert len(await pids(pool)) == SIZE


async def test_one_loss_is_enough_to_find_the_others(far: tuple[Pool, TcpProxy]) -> None:
    pool, proxy = far
    proxy.drop_server_side()
    # Used a moment ago, so none is tried.
    pool.alive_at = time.time() + 3600
    with pytest.raises(type_of_loss):
        async with lent(pool, 0.2) as connection:
            await connection.fetchval("SELECT 1")
    assert len(await asyncio.wait_for(pids(pool), 3)) == SIZE
