"""What live look-ups read and leave in PostgreSQL, one statement each."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg

from smart_redirect.adapters.postgres.dialplan import borrowed
from smart_redirect.adapters.postgres.mirror import read_account
from smart_redirect.adapters.postgres.queries import load
from smart_redirect.domain.crm import Manager
from smart_redirect.domain.crm_mirror import Owner
from smart_redirect.usecases.ports_mirror import Account, Askable, Key


class PostgresLive:
    """The LiveLedger, on the pool of the mirrors."""

    def __init__(self, pool: "asyncpg.Pool[Any]") -> None:
        self._pool = pool
        self._queries = load("live")

    async def accounts(self, enterprise_id: int, seconds: float) -> Sequence[Account]:
        """Return the connections with `live` in their settings, in their order."""
        async with borrowed(self._pool, seconds) as connection:
            rows = await connection.fetch(self._queries["accounts"], enterprise_id)
            return [read_account(Key(enterprise_id, row["id"]), row) for row in rows]

    async def askable(self, enterprise_id: int, phone: str, seconds: float) -> Askable:
        """Return connections without an open breaker that have not missed the phone lately."""
        async with borrowed(self._pool, seconds) as connection:
            rows = await connection.fetch(self._queries["askable"], enterprise_id, phone)
        found: dict[int, list[Manager]] = {row["id"]: [] for row in rows}
        for connection_id, manager_id, extension, is_active in rows:
            if manager_id is not None:
                found[connection_id].append(Manager(manager_id, "", extension, is_active))
        return found

    async def limited(self, key: Key, seconds: float) -> None:
        """Open the breaker of all."""
        await self._pause("limited", key, seconds)

    async def refused(self, key: Key, seconds: float) -> None:
        """Open the breaker of look-ups."""
        await self._pause("refused", key, seconds)

    async def _pause(self, query: str, key: Key, seconds: float) -> None:
        async with borrowed(self._pool) as connection:
            values = key.enterprise_id, key.connection_id, timedelta(seconds=seconds)
            await connection.execute(self._queries[query], *values)

    async def found(self, key: Key, owners: Sequence[Owner], extensions: Mapping[str, str], seconds: float) -> None:
        """Write a row for each phone of each owner."""
        rows = [(each, phone) for each in owners for phone in each.phones]
        columns: list[list[object]] = [
            [each.external_id for each, _ in rows],
            [phone for _, phone in rows],
            [each.name for each, _ in rows],
            [each.responsible_id for each, _ in rows],
            [extensions.get(each.responsible_id or "") for each, _ in rows],
            [datetime.fromtimestamp(each.updated_at, UTC) for each, _ in rows],
            [each.is_lead for each, _ in rows],
        ]
        async with borrowed(self._pool) as connection:
            values = key.enterprise_id, key.connection_id, *columns, timedelta(seconds=seconds)
            await connection.execute(self._queries["found"], *values)

    async def missed(self, key: Key, phone: str, seconds: float) -> None:
        """Write a miss."""
        async with borrowed(self._pool) as connection:
            values = key.enterprise_id, key.connection_id, phone, timedelta(seconds=seconds)
            await connection.execute(self._queries["missed"], *values)
