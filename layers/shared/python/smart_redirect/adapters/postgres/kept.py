"""The connections that reads keep: handed from one read to the next, and made where there is a place for one."""

import asyncio
from collections import deque
from typing import Any

import asyncpg

from smart_redirect.adapters.postgres.deadlines import cut

# Longer than a busy machine needs for a handshake, and shorter than anybody would wait after an outage.
_OPENING = 0.4
# Seconds for which a server that had no connection left for us is not asked for one, while we have others.
_REFUSED = 1.0
# Seconds before it is asked again when we have none and nobody else is asking: it still counts a connection that has
# just ended, and may refuse all of some that come together though there is room for one.
_PAUSES = (0.005, 0.02, 0.08)
# What a server says that has no connection left for us; the second is the word of older pgbouncers.
none_left = (asyncpg.InsufficientResourcesError, asyncpg.ProtocolViolationError)


class KeptConnections:
    """All connections of a pool, which nobody else uses: taking one from it and giving it back costs as much as a read.

    Where the server makes no more of them, those that there are go round: who needs one waits for it.
    """

    def __init__(self, pool: "asyncpg.Pool[Any]") -> None:
        self._pool = pool
        self.free: list[Any] = []
        """Those that nobody uses, the last used at the end."""
        self.newest: Any = None
        """The last that was made."""
        self._waiting: deque[asyncio.Future[Any]] = deque()
        self._most = self._places = pool.get_max_size()
        self._refused_until = 0.0
        self._pauses = iter(_PAUSES)

    @property
    def has_place(self) -> bool:
        """Tell whether another one may be made."""
        is_refused = self._places < self._most and asyncio.get_running_loop().time() < self._refused_until
        return self._places > 0 and not is_refused

    async def borrow(self) -> Any:
        """Return a new one where there is a place for it, else the one, or its place, of whoever is done first.

        The error that making one ended with; where the server has none left for us, only if there is none to wait for.
        """
        while True:
            if self.has_place:
                self._places -= 1
            elif (connection := await self._in_line()) is not None:
                return connection
            try:
                return await self._connect()
            except none_left:
                # Who had one when this began may have been answered before the server refused another.
                if self.free:
                    return self.free.pop()
                if self._places == self._most:
                    raise

    async def _in_line(self) -> Any:
        """Wait for a connection, or for the place of a lost one, which is None."""
        turn: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            return await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                self.pass_on(turn.result())
            raise

    def pass_on(self, connection: Any) -> None:
        """Give a connection, or the place of a lost one (None), to who waits longest, or keep it."""
        if (turn := self._next_in_line()) is not None:
            turn.set_result(connection)
        elif connection is None:
            self._places += 1
        else:
            self.free.append(connection)

    def _next_in_line(self) -> "asyncio.Future[Any] | None":
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                return turn
        return None

    async def throw_away(self, connection: Any) -> None:
        """Cut one, and pass its place on; None is none."""
        if connection is not None:
            cut(connection)
            # It leaves room on the server too.
            self._refused_until = 0.0
            await self._pool.release(connection)
            self.pass_on(None)

    async def renew(self) -> None:
        """Throw away what was connected before a loss: it is lost too."""
        await self._pool.expire_connections()
        while self.free:
            await self.throw_away(self.free.pop())

    async def _connect(self) -> Any:
        """Connect in a task of its own: who has no time left leaves what was begun to the next.

        After an outage, with many callers at once, connections that were given up with their callers would never
        be made: each would begin anew what takes longer than its trial.
        """
        opening = asyncio.ensure_future(self._open())
        try:
            return await asyncio.shield(opening)
        except asyncio.CancelledError:
            opening.add_done_callback(self._take_over)
            raise

    async def _open(self) -> Any:
        try:
            async with asyncio.timeout(_OPENING):
                connection = await self._acquire()
        except none_left as error:
            # Who waits waits for others' and would be refused this place; without any he is told so too.
            self._places += 1
            if self._places == self._most:
                while (turn := self._next_in_line()) is not None:
                    turn.set_exception(error)
            raise
        except BaseException:
            self.pass_on(None)
            raise
        self._pauses = iter(_PAUSES)
        self.newest = connection
        return connection

    async def _acquire(self) -> Any:
        """Return a new one from the pool; whoever is the last that is refused, while we have none, asks again."""
        while True:
            try:
                return await self._pool.acquire()
            except none_left:
                self._refused_until = asyncio.get_running_loop().time() + _REFUSED
                is_last = self._places + 1 == self._most
                pause = next(self._pauses, None) if is_last else None
                if pause is None:
                    raise
            await asyncio.sleep(pause)

    def _take_over(self, opening: "asyncio.Future[Any]") -> None:
        if not opening.cancelled() and opening.exception() is None:
            self.pass_on(opening.result())
