"""Who has called lately, read from PostgreSQL."""

from collections.abc import Sequence
from typing import Any

import asyncpg

from smart_redirect.adapters.postgres.dialplan import borrowed
from smart_redirect.adapters.postgres.queries import load


class PostgresRecent:
    """The RecentCallers on the pool of the mirrors."""

    def __init__(self, pool: "asyncpg.Pool[Any]") -> None:
        self._pool = pool
        self._queries = load("warm")

    async def enterprises(self, limit: int) -> Sequence[int]:
        """Return enterprises by the time of their latest decision."""
        async with borrowed(self._pool) as connection:
            return [row["id"] for row in await connection.fetch(self._queries["recent_enterprises"], limit)]
