"""The budgets of requests in PostgreSQL: one bucket a connection, taken from in one statement."""

from typing import Any

import asyncpg

from smart_redirect.adapters.postgres.dialplan import borrowed
from smart_redirect.adapters.postgres.queries import load
from smart_redirect.domain.crm_budget import Rate
from smart_redirect.usecases.ports_mirror import Grant, Key


class PostgresBudgets:
    """The Budgets that every process of the deployment shares; time is the database's."""

    def __init__(self, pool: "asyncpg.Pool[Any]") -> None:
        self._pool = pool
        self._query = load("mirror")["take"]

    async def take(self, key: Key, wanted: int, rate: Rate, keep: int) -> Grant:
        """Take from the bucket; a connection that is gone gets nothing and may ask again in a minute."""
        values = wanted, rate.per_second, rate.burst, keep
        async with borrowed(self._pool) as connection:
            row = await connection.fetchrow(self._query, key.enterprise_id, key.connection_id, *values)
        if row is None:
            return Grant(0, 60.0)
        lacking = max(0.0, keep + 1 - row["tokens"])
        return Grant(row["granted"], 0.0 if row["granted"] else lacking / rate.per_second)
