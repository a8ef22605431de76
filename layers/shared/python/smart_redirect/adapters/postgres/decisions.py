"""Stores decision records in batches."""

import asyncio
from collections.abc import Sequence
from typing import Any

import asyncpg

from smart_redirect.adapters.postgres.losses import lost, type_of_loss
from smart_redirect.adapters.postgres.queries import load
from smart_redirect.adapters.postgres.timed import lent
from smart_redirect.errors import DatabaseUnavailable

# What a record itself can be guilty of (SQLSTATE classes 22 and 23); every other error is the database's, and may pass.
GUILTY = (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError)
_SECONDS = 5.0
# As many keep the database from others for a quarter of a millisecond.
_AT_ONCE = 25


class PostgresDecisions:
    """Appends to the decisions table; the caller batches and retries.

    `is_pooled` says that the connections are a pooler's: none of its sessions is held longer than a statement takes.
    """

    def __init__(self, pool: "asyncpg.Pool[Any]", *, is_pooled: bool = False) -> None:
        self._pool = pool
        self._is_pooled = is_pooled
        self._query = load("decisions")["insert_decisions"]

    async def append(self, lines: Sequence[str], over: float = 0.0) -> None:
        """Store records given as JSON texts, all or none; asyncpg's error if one is to blame, else DatabaseUnavailable.

        They are spread over so many seconds: many at once are all that the database does meanwhile, and calls wait for
        it too. It is one transaction, because each would wait for the disk.
        """
        parts = [lines]
        if over and not self._is_pooled and len(lines) > _AT_ONCE:
            parts = [lines[start : start + _AT_ONCE] for start in range(0, len(lines), _AT_ONCE)]
        try:
            async with lent(self._pool, _SECONDS + over) as connection:
                await self._insert(connection, parts, over / len(parts))
        except GUILTY:
            raise
        except AttributeError as error:
            # asyncpg's own words for a connection that is lost between a statement and its run.
            raise DatabaseUnavailable(type(lost()).__name__) from error
        except (*type_of_loss, asyncpg.PostgresError) as error:
            # One that only reads, as after a failover, may be another server's tomorrow: it is not asked again.
            await self._pool.expire_connections()
            raise DatabaseUnavailable(type(error).__name__) from error

    async def _insert(self, connection: Any, parts: Sequence[Sequence[str]], pause: float) -> None:
        if len(parts) == 1:
            await connection.execute(self._query, f"[{','.join(parts[0])}]")
            return
        await connection.execute("BEGIN")
        try:
            for part in parts:
                await connection.execute(self._query, f"[{','.join(part)}]")
                await asyncio.sleep(pause)
        except Exception:
            # Not when it is cancelled: then the connection is cut, and the server may be one that does not answer.
            await connection.execute("ROLLBACK")
            raise
        await connection.execute("COMMIT")
