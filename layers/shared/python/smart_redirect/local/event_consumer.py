"""Drains the spool into the database: at once when an event comes, with growing pauses while the database is away."""

import asyncio
import logging
from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum

from smart_redirect.errors import QueueUnavailable
from smart_redirect.local.spool import Depth, Spool, age_of
from smart_redirect.usecases.deliver_events import DeliverEvents, Outcome

logger = logging.getLogger(__name__)
_BATCH = 256
_FIRST_PAUSE = 0.05
_LONGEST_PAUSE = 5.0
_MOST_TRIES = 20


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


class EventConsumer:
    """Run it as a task; cancel it to stop: what is not recorded stays in the spool."""

    def __init__(self, spool: Spool, deliver: DeliverEvents) -> None:
        self._spool = spool
        self._deliver = deliver
        self._woken = asyncio.Event()
        self._pause = _FIRST_PAUSE
        self._tries: Counter[int] = Counter()
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
            await self._woken.wait()
        elif progress is Progress.NONE:
            await asyncio.sleep(self._pause)
            self._pause = min(2 * self._pause, _LONGEST_PAUSE)
        else:
            self._pause = _FIRST_PAUSE

    async def step(self) -> Progress:
        """Deliver one batch."""
        batch = await self._spool.claim(_BATCH)
        outcomes = await self._deliver([message for _, message in batch])
        if any(outcome is not Outcome.KEPT for outcome in outcomes):
            outcomes = [await self._last_try(*each) for each in zip(batch, outcomes, strict=True)]
        done = [each for (each, _), outcome in zip(batch, outcomes, strict=True) if outcome is not Outcome.KEPT]
        await self._finish(done, outcomes)
        if not batch:
            return Progress.EMPTY
        return Progress.SOME if done else Progress.NONE

    async def _finish(self, done: list[int], outcomes: list[Outcome]) -> None:
        if done:
            await self._spool.remove(done)
        for each in done:
            self._tries.pop(each, None)
        self.state.recorded += outcomes.count(Outcome.RECORDED)
        self.state.buried += outcomes.count(Outcome.BURIED)
        self.state.depth = await self._spool.depth()

    async def _last_try(self, item: tuple[int, str], outcome: Outcome) -> Outcome:
        """Give up an event that failed again and again while others of the same batch were recorded."""
        each, message = item
        if outcome is not Outcome.KEPT:
            return outcome
        self._tries[each] += 1
        if self._tries[each] < _MOST_TRIES:
            return Outcome.KEPT
        return await self._deliver.bury(message, f"not recorded in {_MOST_TRIES} tries while others were")
