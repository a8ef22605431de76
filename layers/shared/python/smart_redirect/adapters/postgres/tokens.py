"""OAuth tokens of CRM connections in PostgreSQL, sealed; one process renews at a time."""

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from datetime import timedelta
from hashlib import sha256
from typing import Any, TypeVar

import asyncpg

from smart_redirect.adapters.postgres.dialplan import borrowed
from smart_redirect.adapters.postgres.queries import load
from smart_redirect.adapters.sealed import Seal
from smart_redirect.errors import CrmUnavailable, DatabaseUnavailable
from smart_redirect.usecases.ports_crm import Tokens
from smart_redirect.usecases.ports_mirror import Account

# Of a renewal: its turn among the requests, the vendor's answer, and the writing.
_RENEWING = timedelta(seconds=90)
_WAITING = 20.0
_NAP = 0.2
Refresh = Callable[[Tokens | None], Awaitable[Tokens]]
T = TypeVar("T")


class Renewals:
    """Renewals that run. Each goes on to its end, also when nobody waits for it any more.

    A refresh token works once: a renewal that is cancelled after the vendor has been asked would lose the account.
    """

    def __init__(self) -> None:
        self._running: set[asyncio.Task[Any]] = set()

    async def run(self, renewal: Coroutine[Any, Any, T]) -> T:
        """Return what a renewal returns."""
        task = asyncio.create_task(renewal)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return await asyncio.shield(task)

    async def finish(self, seconds: float = 15.0) -> None:
        """Wait for those that run, before the pool is closed."""
        if self._running:
            await asyncio.wait(self._running, timeout=seconds)


class PostgresTokens:
    """The TokenStore of one connection."""

    def __init__(
        self, pool: "asyncpg.Pool[Any]", seal: Seal, account: Account, renewals: Renewals | None = None
    ) -> None:
        self._pool = pool
        self._seal = seal
        self._key = account.key
        self._grown_from = sha256(account.sealed).digest()
        self._queries = load("tokens")
        self._renewals = renewals or Renewals()

    async def current(self) -> Tokens | None:
        """Return the newest tokens; those of former credentials are none."""
        async with borrowed(self._pool) as connection:
            return await self._read(connection)

    async def renew(self, stale: Tokens | None, refresh: Refresh) -> Tokens:
        """Renew under a lease of the connection's row; what `refresh` raises leaves all as it was.

        No database connection is held while the vendor is asked: the turn for that request needs one too, and some
        renewals at once would take all there are. CrmUnavailable when somebody else renews for too long.
        """
        until = asyncio.get_running_loop().time() + _WAITING
        while (claim := await self._claim()) is None:
            newest = await self.current()
            if newest is not None and newest != stale:
                return newest
            if asyncio.get_running_loop().time() >= until:
                raise CrmUnavailable("somebody else renews its tokens")
            await asyncio.sleep(_NAP)
        return await self._renewals.run(self._renew(claim, stale, refresh))

    async def _claim(self) -> tuple[Any, Any] | None:
        async with borrowed(self._pool) as connection, connection.transaction():
            await connection.execute(self._queries["begin"], *self._place)
            row = await connection.fetchrow(self._queries["claim"], *self._place, _RENEWING)
            if row is None and not await connection.fetchval(self._queries["exists"], *self._place):
                raise DatabaseUnavailable("the connection is gone")
            return None if row is None else (row["renewing_until"], row["renewed_at"])

    async def _renew(self, claim: tuple[Any, Any], stale: Tokens | None, refresh: Refresh) -> Tokens:
        try:
            newest = await self.current()
            if newest is None or newest == stale:
                newest = await refresh(newest)
                await self._keep(newest, claim[1])
        except BaseException:
            with contextlib.suppress(DatabaseUnavailable):
                await self._release(claim[0])
            raise
        await self._release(claim[0])
        return newest

    async def _release(self, claim: Any) -> None:
        async with borrowed(self._pool) as connection:
            await connection.execute(self._queries["release"], *self._place, claim)

    async def _keep(self, fresh: Tokens, renewed_at: Any) -> None:
        """Write them, by another connection if one is lost: the vendor takes the old ones no more."""
        values = *self._place, self._grown_from, *self._sealed(fresh), renewed_at
        for wait in (_NAP, 5 * _NAP):
            with contextlib.suppress(DatabaseUnavailable, TimeoutError):
                return await self._write(values)
            await asyncio.sleep(wait)
        return await self._write(values)

    async def _write(self, values: Sequence[Any]) -> None:
        async with borrowed(self._pool) as connection:
            await connection.fetchval(self._queries["keep"], *values)

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
