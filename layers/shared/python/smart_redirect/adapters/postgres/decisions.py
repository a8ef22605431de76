"""Stores decision records in batches."""

import asyncio
from collections.abc import Sequence
from typing import Any

import asyncpg

from smart_redirect.adapters.postgres.losses import type_of_loss
from smart_redirect.adapters.postgres.queries import load
from smart_redirect.adapters.postgres.timed import lent
from smart_redirect.errors import DatabaseUnavailable

# What a record itself can be guilty of (SQLSTATE classes 22 and 23); every other error is the database's, and may pass.
GUILTY = (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError)
_SECONDS = 5.0
# As many keep the database from others for a quarter of a millisecond.
_AT_ONCE = 25


class PostgresDecisions:
    """Appends to the decisions table; the caller batches and retries."""

    def __init__(self, pool: "asyncpg.Pool[Any]") -> None:
        self._pool = pool
        self._query = load("decisions")["insert_decisions"]

    async def append(self, lines: Sequence[str], over: float = 0.0) -> None:
        """Store records given as JSON texts, all or none; asyncpg's error if one is to blame, else DatabaseUnavailable.

        They are spread over so many seconds: many at once are all that the database does meanwhile, and calls wait for
        it too. It is one transaction, because each would wait for the disk.
        """
        parts = [lines[start : start + _AT_ONCE] for start in range(0, len(lines), _AT_ONCE)] if over else [lines]
        try:
            async with lent(self._pool, _SECONDS + over) as connection:
                await self._insert(connection, parts, over / len(parts))
        except GUILTY:
            raise
        except (*type_of_loss, asyncpg.PostgresError) as error:
            # One that only reads, as after a failover, may be another server's tomorrow: it is not asked again.
            await self._pool.expire_connections()
            raise DatabaseUnavailable(type(error).__name__) from error

    async def _insert(self, connection: Any, parts: Sequence[Sequence[str]], pause: float) -> None:
        if len(parts) == 1:
            await connection.execute(self._query, f"[{','.join(parts[0])}]")
            return
        async with connection.transaction():
            for part in parts:
                await connection.execute(self._query, f"[{','.join(part)}]")
                await asyncio.sleep(pause)
