"""Webhooks and the operator's questions about CRMs, in PostgreSQL: one statement each."""

import json
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import asyncpg

from smart_redirect.adapters.postgres.dialplan import borrowed
from smart_redirect.adapters.postgres.queries import load
from smart_redirect.usecases.ports_mirror import Hook, Key

# A webhook is answered at once or not at all: its sender tries again, and the increments bring what it said anyway.
_SECONDS = 2.0


class PostgresHooks:
    """The Hooks on the pool of the mirrors."""

    def __init__(self, pool: "asyncpg.Pool[Any]") -> None:
        self._pool = pool
        self._queries = load("hooks")

    async def hook(self, name: str) -> Hook | None:
        """Return the connection of a webhook's address."""
        try:
            hook = UUID(name)
        except ValueError:
            return None
        async with borrowed(self._pool, _SECONDS) as connection:
            row = await connection.fetchrow(self._queries["hook"], hook)
        return None if row is None else Hook(Key(row[0], row[1]), row[2], row[3])

    async def hint(self, key: Key, external_ids: Sequence[str]) -> None:
        """Mark people and have the connection synced; waits for no page of a sync."""
        place, ids = (key.enterprise_id, key.connection_id), list(dict.fromkeys(external_ids))
        async with borrowed(self._pool, _SECONDS) as connection:
            if ids:
                await connection.execute(self._queries["hint"], *place, ids)
            else:
                await connection.execute(self._queries["hint_nobody"], *place)

    async def clear_caches(self, number: str | None) -> int:
        """Raise the cache epoch of an enterprise, or of all; say of how many."""
        async with borrowed(self._pool) as connection:
            return len(await connection.fetch(self._queries["clear_caches"], number))

    async def policy(self, number: str) -> dict[str, Any] | None:
        """Return mode, order of the connections and the lines' algorithms of an enterprise, None if there is none."""
        async with borrowed(self._pool) as connection:
            found = await connection.fetchval(self._queries["policy"], number)
        return None if found is None else json.loads(found)
