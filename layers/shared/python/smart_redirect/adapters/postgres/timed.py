"""Reads that end by a deadline, whatever the database does: hang, die in mid-query, restart, refuse."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import asyncpg

from smart_redirect.errors import DatabaseUnavailable

type_of_loss = (
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
)
_PATIENCE = 3
_TRIAL = 0.06


@contextlib.asynccontextmanager
async def lent(pool: "asyncpg.Pool[Any]", seconds: float) -> AsyncIterator[Any]:
    """Lend a connection for so many seconds at most; after that, or when its borrower is cancelled, it is cut.

    Without the cut, giving back a connection whose query was cancelled waits for a server that may be gone.
    """
    async with asyncio.timeout(seconds):
        connection = await pool.acquire()
    cut = asyncio.get_running_loop().call_later(seconds, connection.terminate)
    try:
        yield connection
    except asyncio.CancelledError:
        connection.terminate()
        raise
    finally:
        cut.cancel()
        await pool.release(connection, timeout=seconds)


class TimedReads:
    """Idempotent reads through a pool, each within a deadline of the event loop's clock (seconds).

    A first attempt gets half of the time, so that a connection that died in silence leaves the other half for a
    new one. After three reads in a row that ran out of time each call gives a dead database 60 ms only, so every
    call still tries, and the first one after an outage succeeds.
    """

    def __init__(self, pool: "asyncpg.Pool[Any]") -> None:
        self._pool = pool
        self._late = 0

    @property
    def healthy(self) -> bool:
        """Tell whether the last reads were answered."""
        return self._late < _PATIENCE

    async def row(self, query: str, *values: object, deadline: float) -> Any:
        """Return the first row or None; DatabaseUnavailable by the deadline."""
        now = asyncio.get_running_loop().time()
        limit = deadline if self.healthy else min(deadline, now + _TRIAL)
        try:
            row = await self._twice(query, values, now, limit)
        except (*type_of_loss, asyncpg.PostgresError, DatabaseUnavailable) as error:
            self._late += 1
            raise DatabaseUnavailable(type(error).__name__) from error
        self._late = 0
        return row

    async def _twice(self, query: str, values: tuple[object, ...], now: float, limit: float) -> Any:
        try:
            return await self._attempt(query, values, now + (limit - now) / 2, limit)
        except type_of_loss:
            await self._pool.expire_connections()
            return await self._attempt(query, values, limit, limit)

    async def _attempt(self, query: str, values: tuple[object, ...], until: float, limit: float) -> Any:
        connection = await self._acquire(limit)
        cut = asyncio.get_running_loop().call_at(until, connection.terminate)
        try:
            return await connection.fetchrow(query, *values)
        except BaseException:
            connection.terminate()
            raise
        finally:
            cut.cancel()
            await self._pool.release(connection, timeout=0.05)

    async def _acquire(self, limit: float) -> Any:
        try:
            async with asyncio.timeout_at(limit):
                return await self._pool.acquire()
        except TimeoutError as error:
            # A busy pool is no reason to throw its connections away.
            raise DatabaseUnavailable("no connection in time") from error
