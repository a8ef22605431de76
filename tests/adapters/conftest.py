"""What the contract tests of the mirrors run against: PostgreSQL, and the same ports in memory."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from smart_redirect.adapters.postgres.pool import open_pool
from tests.adapters.mirror_stores import MemoryStore, PostgresStore, Store


@pytest.fixture(params=["postgres", "memory"])
def store_url(request: pytest.FixtureRequest) -> str | None:
    """Address of the database, None for memory; here, because a database is made while no loop runs."""
    return request.getfixturevalue("database_url") if request.param == "postgres" else None


@pytest.fixture
async def store(store_url: str | None) -> AsyncIterator[Store]:
    if store_url is None:
        yield MemoryStore.make()
        return
    pool = await open_pool(store_url, size=4)
    yield PostgresStore.on(pool)
    pool.terminate()
    await asyncio.sleep(0.01)
