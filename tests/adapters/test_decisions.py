"""Decision records are stored all or none, and evenly when there is time for it."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from smart_redirect.adapters.decision_json import as_line
from smart_redirect.adapters.postgres.decisions import PostgresDecisions
from smart_redirect.adapters.postgres.pool import Pool, open_pool
from smart_redirect.errors import DatabaseUnavailable
from tests.samples import record

STORED = "SELECT unique_id FROM decisions ORDER BY unique_id::float8"
BETWEEN_PARTS = " FROM pg_stat_activity WHERE state = 'idle in transaction'"


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    pool = await open_pool(database_url, size=2)
    await pool.execute("INSERT INTO enterprises (number, name) VALUES ('0367', 'x')")
    yield pool
    pool.terminate()


def lines(count: int) -> list[str]:
    return [as_line(record(unique_id=f"{number}.0"), 1_764_374_400.0) for number in range(count)]


async def stored(pool: Pool) -> list[str]:
    return [row[0] for row in await pool.fetch(STORED)]


async def until(pool: Pool, condition: str) -> None:
    """Wait until a query says true, two seconds at most."""
    async with asyncio.timeout(2):
        while not await pool.fetchval(condition):
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("count", [1, 25, 26, 60])
@pytest.mark.parametrize("over", [0.0, 0.05])
async def test_all_are_stored(pool: Pool, count: int, over: float) -> None:
    await PostgresDecisions(pool).append(lines(count), over)
    assert await stored(pool) == [f"{number}.0" for number in range(count)]


async def test_many_are_stored_in_small_parts_and_seen_together(pool: Pool) -> None:
    storing = asyncio.create_task(PostgresDecisions(pool).append(lines(100), 0.4))
    seen = set()
    while not storing.done():
        seen.add(len(await stored(pool)))
        await asyncio.sleep(0.01)
    await storing
    assert seen <= {0, 100}
    parts = await pool.fetchval("SELECT count(DISTINCT cmin::text) FROM decisions")
    assert (len(await stored(pool)), parts) == (100, 4)


async def test_one_that_is_refused_keeps_all_out(pool: Pool) -> None:
    bad = as_line(record(), 1.0).replace('"host":1', '"host":"x"')
    with pytest.raises(asyncpg.DataError):
        await PostgresDecisions(pool).append([*lines(60), bad], 0.05)
    assert await stored(pool) == []
    await PostgresDecisions(pool).append(lines(1))
    assert await stored(pool) == ["0.0"]


async def test_a_connection_that_is_lost_between_two_parts_leaves_nothing(pool: Pool) -> None:
    storing = asyncio.create_task(PostgresDecisions(pool).append(lines(100), 2.0))
    await until(pool, "SELECT coalesce(bool_or(pg_terminate_backend(pid)), false)" + BETWEEN_PARTS)
    with pytest.raises(DatabaseUnavailable):
        await storing
    assert await stored(pool) == []


async def test_a_pooler_keeps_no_session_for_longer_than_a_statement(pool: Pool) -> None:
    storing = asyncio.create_task(PostgresDecisions(pool, is_pooled=True).append(lines(100), 5.0))
    await asyncio.wait_for(storing, 2)
    assert await pool.fetchval("SELECT count(DISTINCT cmin::text) FROM decisions") == 1


async def test_one_who_is_cancelled_between_two_parts_is_gone_at_once_and_has_left_nothing(pool: Pool) -> None:
    storing = asyncio.create_task(PostgresDecisions(pool).append(lines(100), 5.0))
    await until(pool, "SELECT count(*) > 0" + BETWEEN_PARTS)
    storing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(storing, 1)
    await until(pool, "SELECT count(*) = 0" + BETWEEN_PARTS)
    assert await stored(pool) == []
