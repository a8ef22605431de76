"""Drains the spool into the database: at once when an event comes, with growing pauses while the database is away."""

import asyncio
import contextlib
import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from smart_redirect.errors import QueueUnavailable
from smart_redirect.local.spool import Depth, Spool, age_of
from smart_redirect.usecases.deliver_events import DeliverEvents, Outcome

logger = logging.getLogger(__name__)
_BATCH = 256
_FIRST_PAUSE = 0.05
_LONGEST_PAUSE = 5.0
# An event is given up after so many tries and so long a time, and only while others are recorded.
_MOST_TRIES = 20
_MOST_SECONDS = 900.0
_LONGEST_REST = 60.0
# More at a time than this are no fault of theirs.
_MOST_FAILING = 10_000


class Progress(StrEnum):
    """What a step did: recorded or gave up something, nothing although events wait, or found none."""

    SOME = "some"
    NONE = "none"
    EMPTY = "empty"


@dataclass(slots=True)
class ConsumerState:
    """What metrics show; the counts are of this process."""

    recorded: int = 0
    buried: int = 0
    depth: Depth = field(default_factory=lambda: Depth(0, None))

    @property
    def oldest_age(self) -> float:
        """For how many seconds the oldest event has waited."""
        return age_of(self.depth)


@dataclass(slots=True)
class _Failing:
    """An event that was kept; times are of the consumer's clock."""

    since: float
    tried: float
    tries: int = 0
    rests_until: float = 0.0

    def failed(self, now: float) -> bool:
        """Note a try while others were recorded; it rests for 1, 2, 4 … 60 s then. Tell whether it was the last."""
        self.tries += 1
        self.tried = now
        self.rests_until = now + min(2.0 ** (self.tries - 1), _LONGEST_REST)
        return self.tries >= _MOST_TRIES and now - self.since >= _MOST_SECONDS


class EventConsumer:
    """Run it as a task; cancel it to stop: what is not recorded stays in the spool."""

    def __init__(self, spool: Spool, deliver: DeliverEvents, clock: Callable[[], float] = time.monotonic) -> None:
        self._spool = spool
        self._deliver = deliver
        self._clock = clock
        self._woken = asyncio.Event()
        self._pause = _FIRST_PAUSE
        self._failing: dict[int, _Failing] = {}
        self._succeeded = -math.inf
        self._from_the_end = False
        self.state = ConsumerState()
        spool.on_put = self._woken.set

    async def run(self) -> None:
        """Deliver for as long as the task lives."""
        while True:
            self._woken.clear()
            try:
                progress = await self.step()
            except QueueUnavailable as error:
                logger.warning("the event spool can not be read: %s", error)
                progress = Progress.NONE
            await self._rest(progress)

    async def _rest(self, progress: Progress) -> None:
        if progress is Progress.EMPTY:
            await self._wait_for_work()
        elif progress is Progress.NONE:
            await asyncio.sleep(self._pause)
            self._pause = min(2 * self._pause, _LONGEST_PAUSE)
        else:
            self._pause = _FIRST_PAUSE

    async def _wait_for_work(self) -> None:
        """Wait for a new event, or until one that rests is to be tried again."""
        until = min((each.rests_until for each in self._failing.values()), default=None)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(None if until is None else max(_FIRST_PAUSE, until - self._clock())):
                await self._woken.wait()

    async def step(self) -> Progress:
        """Deliver one batch."""
        now = self._clock()
        resting = [each for each, failing in self._failing.items() if failing.rests_until > now]
        batch = await self._spool.claim(_BATCH, resting, newest=self._from_the_end)
        outcomes = await self._deliver([message for _, message in batch])
        if any(outcome is not Outcome.KEPT for outcome in outcomes):
            self._succeeded = now
        elif batch:
            # It may be these alone that fail: the next look is at the other end.
            self._from_the_end = not self._from_the_end
        outcomes = [await self._last_try(*each, now) for each in zip(batch, outcomes, strict=True)]
        done = [each for (each, _), outcome in zip(batch, outcomes, strict=True) if outcome is not Outcome.KEPT]
        await self._finish(done, outcomes)
        if not batch:
            return Progress.EMPTY
        return Progress.SOME if done else Progress.NONE

    async def _finish(self, done: list[int], outcomes: list[Outcome]) -> None:
        if done:
            await self._spool.remove(done)
        for each in done:
            self._failing.pop(each, None)
        self.state.recorded += outcomes.count(Outcome.RECORDED)
        self.state.buried += outcomes.count(Outcome.BURIED)
        self.state.depth = await self._spool.depth()
        if not self.state.depth.waiting:
            # Nothing is left to fail; a spool that broke and was begun anew counts from one again.
            self._failing.clear()

    async def _last_try(self, item: tuple[int, str], outcome: Outcome, now: float) -> Outcome:
        """Give up an event that failed again and again, for long, while others were recorded.

        A database that takes nothing, or too few connections of ours, fails all alike: that is no event's own fault.
        """
        each, message = item
        if outcome is not Outcome.KEPT or len(self._failing) >= _MOST_FAILING:
            return outcome
        failing = self._failing.setdefault(each, _Failing(now, now))
        others_were = self._succeeded == now or self._succeeded > failing.tried
        if not (others_were and failing.failed(now)):
            return Outcome.KEPT
        return await self._deliver.bury(message, f"NotRecorded: in {_MOST_TRIES} tries while others were")
