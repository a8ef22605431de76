"""OAuth tokens of CRM connections in PostgreSQL, sealed; one process renews at a time."""

import json
from collections.abc import Awaitable, Callable
from hashlib import sha256
from typing import Any

import asyncpg

from smart_redirect.adapters.postgres.dialplan import borrowed
from smart_redirect.adapters.postgres.queries import load
from smart_redirect.adapters.sealed import Seal
from smart_redirect.errors import DatabaseUnavailable
from smart_redirect.usecases.ports_crm import Tokens
from smart_redirect.usecases.ports_mirror import Account

# A renewal waits for the vendor in between, and for whoever renews just now.
_RENEWING = 30.0
Refresh = Callable[[Tokens | None], Awaitable[Tokens]]


class PostgresTokens:
    """The TokenStore of one connection."""

    def __init__(self, pool: "asyncpg.Pool[Any]", seal: Seal, account: Account) -> None:
        self._pool = pool
        self._seal = seal
        self._key = account.key
        self._grown_from = sha256(account.sealed).digest()
        self._queries = load("tokens")

    async def current(self) -> Tokens | None:
        """Return the newest tokens; those of former credentials are none."""
        async with borrowed(self._pool) as connection:
            return await self._read(connection)

    async def renew(self, stale: Tokens | None, refresh: Refresh) -> Tokens:
        """Renew under the lock of the connection's row.

        What `refresh` raises leaves all as it was. The transaction holds nothing but this row, which nobody else needs.
        """
        async with borrowed(self._pool, _RENEWING) as connection, connection.transaction():
            await connection.execute(self._queries["begin"], *self._place)
            if not await connection.fetchval(self._queries["hold"], *self._place):
                raise DatabaseUnavailable("the connection is gone")
            newest = await self._read(connection)
            if newest is not None and newest != stale:
                return newest
            fresh = await refresh(newest)
            await connection.execute(self._queries["keep"], *self._place, self._grown_from, *self._sealed(fresh))
            return fresh

    @property
    def _place(self) -> tuple[int, int]:
        return self._key.enterprise_id, self._key.connection_id

    async def _read(self, connection: Any) -> Tokens | None:
        row = await connection.fetchrow(self._queries["current"], *self._place, self._grown_from)
        if row is None:
            return None
        return Tokens(*json.loads(self._seal.open(row["sealed"], row["key_id"], *self._place)))

    def _sealed(self, tokens: Tokens) -> tuple[bytes, int]:
        text = json.dumps([tokens.access, tokens.refresh, tokens.expires_at])
        return self._seal.close(text, *self._place), self._seal.key_id
