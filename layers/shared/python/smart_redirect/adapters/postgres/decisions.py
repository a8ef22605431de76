"""Stores decision records in batches."""

from typing import Any

import asyncpg

from smart_redirect.adapters.postgres.losses import type_of_loss
from smart_redirect.adapters.postgres.queries import load
from smart_redirect.adapters.postgres.timed import lent
from smart_redirect.errors import DatabaseUnavailable

# What a record itself can be guilty of (SQLSTATE classes 22 and 23); every other error is the database's, and may pass.
GUILTY = (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError)
_SECONDS = 5.0


class PostgresDecisions:
    """Appends to the decisions table; the caller batches and retries."""

    def __init__(self, pool: "asyncpg.Pool[Any]") -> None:
        self._pool = pool
        self._query = load("decisions")["insert_decisions"]

    async def append(self, lines: list[str]) -> None:
        """Store records given as JSON texts; asyncpg's error if one of them is to blame, else DatabaseUnavailable."""
        try:
            async with lent(self._pool, _SECONDS) as connection:
                await connection.execute(self._query, f"[{','.join(lines)}]")
        except GUILTY:
            raise
        except (*type_of_loss, asyncpg.PostgresError) as error:
            # One that only reads, as after a failover, may be another server's tomorrow: it is not asked again.
            await self._pool.expire_connections()
            raise DatabaseUnavailable(type(error).__name__) from error
