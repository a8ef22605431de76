"""Stores decision records in batches."""

from typing import Any

import asyncpg

from smart_redirect.adapters.postgres.losses import type_of_loss
from smart_redirect.adapters.postgres.queries import load
from smart_redirect.adapters.postgres.timed import lent
from smart_redirect.errors import DatabaseUnavailable

_SECONDS = 5.0


class PostgresDecisions:
    """Appends to the decisions table; the caller batches and retries."""

    def __init__(self, pool: "asyncpg.Pool[Any]") -> None:
        self._pool = pool
        self._query = load("decisions")["insert_decisions"]

    async def append(self, lines: list[str]) -> None:
        """Store records given as JSON texts; DatabaseUnavailable, or asyncpg's error about a record in them."""
        try:
            async with lent(self._pool, _SECONDS) as connection:
                await connection.execute(self._query, f"[{','.join(lines)}]")
        except type_of_loss as error:
            raise DatabaseUnavailable(type(error).__name__) from error
