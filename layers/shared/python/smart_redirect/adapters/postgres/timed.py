"""Reads that end by a deadline, whatever the database does: hang, die in mid-query, restart, refuse."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import asyncpg

from smart_redirect.adapters.postgres.deadlines import Deadlines, Guard, Read, cut
from smart_redirect.adapters.postgres.kept import KeptConnections
from smart_redirect.adapters.postgres.losses import lost, type_of_loss
from smart_redirect.adapters.postgres.pool import alive
from smart_redirect.adapters.postgres.second import cut_first, of_second
from smart_redirect.errors import DatabaseUnavailable

_PATIENCE = 3
_TRIAL = 0.1
_WHOLE_TRIAL_EVERY = 5
_LEAST_PROOF = 0.05


@contextlib.asynccontextmanager
async def lent(pool: "asyncpg.Pool[Any]", seconds: float) -> AsyncIterator[Any]:
    """Lend a connection for so many seconds at most; after that, or when its borrower is cancelled, it is cut.

    Without the cut, giving back a connection whose query was cancelled waits for a server that may be gone. A loss
    says as much of all that were connected before it: none of them is lent again.
    """
    async with asyncio.timeout(seconds):
        connection = await alive(pool)
    timer = asyncio.get_running_loop().call_later(seconds, cut, connection)
    try:
        yield connection
    except asyncio.CancelledError:
        cut(connection)
        raise
    except type_of_loss:
        await pool.expire_connections()
        raise
    finally:
        timer.cancel()
        await pool.release(connection, timeout=seconds)


class TimedReads:
    """Idempotent reads through a pool, each within a deadline of the event loop's clock (seconds).

    When a connection that was kept has not answered in half of the time, the same read is begun on a new one beside
    it, and the first answer counts: one that died in silence costs half of the time, one that is slow nothing. A new
    connection gets all of the time. After three reads in a row that ran out of time each call gives a dead
    database 100 ms only, so every call still tries, and the first one after an outage succeeds; every fifth gives
    all its time, because a database that takes longer than that to connect to would never be found again.

    Nobody else uses the pool: its connections are kept between reads (`KeptConnections`).
    """

    def __init__(self, pool: "asyncpg.Pool[Any]") -> None:
        self._kept = KeptConnections(pool)
        self._late = 0
        self._answers = 0
        self._deadlines = Deadlines(self._half_time)

    @property
    def healthy(self) -> bool:
        """Tell whether the last reads were answered."""
        return self._late < _PATIENCE

    @property
    def idle(self) -> int:
        """How many connections are kept and not in use."""
        return len(self._kept.free)

    async def row(self, query: str, *values: object, deadline: float) -> Any:
        """Return the first row or None; DatabaseUnavailable by the deadline."""
        rows = await self.rows(query, *values, deadline=deadline)
        return rows[0] if rows else None

    async def rows(self, query: str, *values: object, deadline: float) -> list[Any]:
        """Return the rows; DatabaseUnavailable by the deadline."""
        now = asyncio.get_running_loop().time()
        if now >= deadline:
            # To begin would only cost a healthy connection: it would be cut at once.
            raise DatabaseUnavailable("no time left")
        half, limit = now + (deadline - now) / 2, deadline
        if self._late >= _PATIENCE and self._late % _WHOLE_TRIAL_EVERY:
            half = limit = min(deadline, now + _TRIAL)
        try:
            try:
                if self._kept.free:
                    rows = await self._on_kept(query, values, half, limit)
                else:
                    rows = await self._on_new(query, values, limit)
            except type_of_loss as error:
                rows = await self._once_more(query, values, limit, error)
        except (*type_of_loss, asyncpg.PostgresError, DatabaseUnavailable) as error:
            # A caller who came late himself says nothing about the database.
            self._late += deadline - now >= _LEAST_PROOF
            raise DatabaseUnavailable(type(error).__name__) from error
        self._late = 0
        self._answers += 1
        return rows

    async def _once_more(self, query: str, values: tuple[object, ...], limit: float, loss: BaseException) -> list[Any]:
        """Read on a new connection what a lost one did not answer, if there is time left."""
        await self._kept.renew()
        if asyncio.get_running_loop().time() >= limit:
            raise loss
        return await self._on_new(query, values, limit)

    async def _on_kept(self, query: str, values: tuple[object, ...], half: float, limit: float) -> list[Any]:
        """Read on a connection that was kept, and beside it on a second one when half of the time is over."""
        guard = self._deadlines.guard(half)
        connection = guard.connection = self._kept.free.pop()
        if half < limit:
            guard.read = (query, values, limit, self._answers)
        try:
            rows: list[Any] = await connection.fetch(query, *values)
        except BaseException as error:
            guard.stand_down()
            await self._kept.throw_away(connection)
            return await of_second(guard.second, lost() if isinstance(error, AttributeError) else error)
        guard.stand_down()
        if guard.second is not None:
            guard.second.cancel()
        self._kept.pass_on(connection)
        return rows

    def _half_time(self, guard: Guard, read: Read) -> None:
        """Begin a second attempt; where there is no place for it, make one of the first, unless others were answered.

        Others' answers say that the way to the database is open, and that it is only slow.
        """
        query, values, limit, answers = read
        self._deadlines.again(guard, limit)
        if self._kept.has_place or self._kept.free:
            guard.second = asyncio.ensure_future(self._beside(query, values, limit, answers))
            guard.second.add_done_callback(partial(cut_first, guard))
        elif self._answers == answers:
            cut(guard.connection)

    async def _beside(self, query: str, values: tuple[object, ...], limit: float, answers: int) -> list[Any]:
        """Read on a connection that is made for it."""
        if not self._kept.has_place and self._kept.free:
            await self._kept.throw_away(self._kept.free.pop(0))
        return await self._on_new(query, values, limit, answers)

    async def _on_new(
        self, query: str, values: tuple[object, ...], limit: float, beside: int | None = None
    ) -> list[Any]:
        """Read on a free connection or a new one; `beside` a read that began after so many answers, on a new one."""
        guard = self._deadlines.guard(limit)
        try:
            is_kept = self._kept.free and beside is None
            connection = guard.connection = self._kept.free.pop() if is_kept else await self._kept.borrow()
            rows: list[Any] = await connection.fetch(query, *values)
        except BaseException as error:
            if isinstance(error, asyncio.CancelledError) and guard.has_cancelled():
                raise DatabaseUnavailable("no connection in time") from None
            await self._kept.throw_away(guard.connection)
            if isinstance(error, AttributeError):
                raise lost() from error
            raise
        finally:
            guard.stand_down()
        if beside == self._answers and connection is self._kept.newest:
            # Nobody else was answered meanwhile: what is kept is as dead as the one that this read was begun beside.
            await self._kept.renew()
        self._kept.pass_on(connection)
        return rows
