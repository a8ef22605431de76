"""What several tests of use cases start from."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from smart_redirect.adapters.postgres.pool import open_pool
from tests.usecases.mirrored import KEY, Mirrored


@pytest.fixture
async def mirrored(database_url: str) -> AsyncIterator[Mirrored]:
    """A database with one enterprise, and one connection to an empty CRM."""
    pool = await open_pool(database_url, size=4)
    mirrored = Mirrored(pool)
    await mirrored.connect(KEY)
    yield mirrored
    pool.terminate()
    await asyncio.sleep(0.01)
