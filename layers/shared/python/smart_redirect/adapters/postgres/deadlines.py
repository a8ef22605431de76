"""The times at which reads are given up: one timer of the event loop for all, since one each costs up to 5 µs."""

import asyncio
import contextlib
import math
from collections.abc import Callable
from typing import Any

import asyncpg

# A plain tuple, because there is one for each call: the query, its values, when all of its time is over, and how many
# reads had been answered when it began.
Read = tuple[str, tuple[object, ...], float, int]
# uvloop's clock stands still for a millisecond: what is due within the next one is due.
_TICK = 0.001


def cut(connection: Any) -> None:
    """Close a connection at once; one that was lost by itself is the pool's again, and says so."""
    with contextlib.suppress(asyncpg.InterfaceError):
        connection.terminate()


class Guard:
    """Ends an attempt of the current task at its time: cuts the connection if there is one, else the wait for one.

    With a `read` that may be asked a second time its first time is told to `Deadlines.at_half_time` instead, once,
    which sets it again; `second` is the attempt that was begun beside it.
    """

    __slots__ = ("_live", "_task", "connection", "fired", "read", "second", "until")

    def __init__(self, until: float, live: "dict[Guard, None]") -> None:
        self.until = until
        self.connection: Any = None
        self.read: Read | None = None
        self.second: asyncio.Task[list[Any]] | None = None
        self.fired = False
        self._task = asyncio.current_task()
        self._live = live
        live[self] = None

    def fire(self) -> None:
        """End the attempt."""
        self.fired = True
        self._live.pop(self, None)
        if self.connection is not None:
            cut(self.connection)
        elif self._task is not None:
            self._task.cancel()

    def stand_down(self) -> None:
        """Guard no longer, and keep nothing alive."""
        self._live.pop(self, None)
        self.connection = self._task = self.read = None

    def has_cancelled(self) -> bool:
        """Tell whether a cancellation of the task is this guard's own, and take it back if so."""
        return self.fired and self.connection is None and self._task is not None and self._task.uncancel() == 0


class Deadlines:
    """Fires guards at their times (seconds of the event loop's clock) unless they have stood down before.

    Nearly every read ends long before its time, so the timer is set for the earliest guard and moved to the next one
    only when it rings. A guard that stands down is forgotten at once: kept until their time, thousands of them would
    be what the garbage collector walks through, and be thrown away all at once, milliseconds each time while calls wait
    (docs/performance.md).
    """

    def __init__(self, at_half_time: "Callable[[Guard, Read], None]" = lambda _guard, _read: None) -> None:
        self.at_half_time = at_half_time
        self._live: dict[Guard, None] = {}
        self._rings_at = math.inf
        self._timer: asyncio.TimerHandle | None = None

    @property
    def pending(self) -> int:
        """How many guards are kept."""
        return len(self._live)

    def guard(self, until: float) -> Guard:
        """Return a guard of the current task that fires at `until`."""
        guard = Guard(until, self._live)
        if until < self._rings_at:
            self._ring_at(until)
        return guard

    def again(self, guard: Guard, until: float) -> None:
        """Let a guard that is live fire at `until`."""
        guard.until = until
        if until < self._rings_at:
            self._ring_at(until)

    def _ring_at(self, when: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._rings_at = when
        self._timer = asyncio.get_running_loop().call_at(when, self._ring)

    def _ring(self) -> None:
        self._timer, self._rings_at = None, math.inf
        due = asyncio.get_running_loop().time() + _TICK
        for guard in sorted((each for each in self._live if each.until <= due), key=lambda each: each.until):
            if guard.read is not None:
                read, guard.read = guard.read, None
                self.at_half_time(guard, read)
            else:
                guard.fire()
        if self._live:
            self._ring_at(min(self._rings_at, *(each.until for each in self._live)))
