"""Who has called lately, and whose results of look-ups are to be refreshed, in PostgreSQL."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import asyncpg

from smart_redirect.adapters.postgres.dialplan import borrowed
from smart_redirect.adapters.postgres.mirror import read_account
from smart_redirect.adapters.postgres.queries import load
from smart_redirect.usecases.ports_mirror import Key
from smart_redirect.usecases.ports_warm import CLAIMED_SECONDS, FOUND_SOON_SECONDS, OPEN_SECONDS, SOON_SECONDS, Ending

_BETWEEN = timedelta(seconds=CLAIMED_SECONDS), timedelta(seconds=SOON_SECONDS)
_FOUND = timedelta(seconds=FOUND_SOON_SECONDS)
_OPEN = timedelta(seconds=OPEN_SECONDS)


class PostgresRecent:
    """The RecentCallers on the pool of the mirrors."""

    def __init__(self, pool: "asyncpg.Pool[Any]") -> None:
        self._pool = pool
        self._queries = load("warm")

    async def enterprises(self, limit: int) -> Sequence[int]:
        """Return enterprises by the time of their latest decision."""
        async with borrowed(self._pool) as connection:
            return [row["id"] for row in await connection.fetch(self._queries["recent_enterprises"], limit)]


class PostgresEnding:
    """The EndingLedger on the pool of the mirrors, one statement each."""

    def __init__(self, pool: "asyncpg.Pool[Any]") -> None:
        self._pool = pool
        self._queries = load("warm")

    async def ending(self, limit: int) -> Sequence[Ending]:
        """Return callers of whom something ends soon."""
        async with borrowed(self._pool) as connection:
            rows = await connection.fetch(self._queries["ending"], limit, *_BETWEEN, _OPEN, _FOUND)
        return [Ending(read_account(Key(row[0], row[1]), row), row["phone"], tuple(row["ages"])) for row in rows]

    async def claim(self, key: Key, phone: str) -> bool:
        """Shorten what is known of a caller, unless somebody has."""
        async with borrowed(self._pool) as connection:
            values = key.enterprise_id, key.connection_id, phone, *_BETWEEN, _FOUND
            return bool(await connection.fetchval(self._queries["claim"], *values))
