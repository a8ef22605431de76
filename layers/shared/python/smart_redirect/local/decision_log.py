"""The decision log of one machine: the call path appends to a list, a task hands on to file, table and metrics."""

import asyncio
import contextlib
import logging
import math
import time
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from smart_redirect.adapters.decision_json import as_line, refusal_line
from smart_redirect.errors import DatabaseUnavailable
from smart_redirect.local.line_file import LineFile
from smart_redirect.local.metrics import Metrics
from smart_redirect.usecases.ports import DecisionRecord, Refusal

logger = logging.getLogger(__name__)
# Most records of one turn with the database.
_MOST = 5000
_SLICE = 10
_LAST_WORDS = 3.0
# Of the time until the next turn: what a turn has to store is spread over so much of it.
_SPREAD = 0.8


class Append(Protocol):
    """Where records are stored."""

    async def __call__(self, lines: Sequence[str], over: float = 0.0) -> None:
        """Store all or none, spread over so many seconds; DatabaseUnavailable, or an error that blames a record."""


class BatchedDecisionLog:
    """Keeps at most `capacity` records that the database has not taken; the file gets every one that its disk takes."""

    def __init__(
        self,
        path: Path,
        append: Append,
        metrics: Metrics,
        *,
        full_phones: bool = False,
        capacity: int = 50_000,
    ) -> None:
        self._file = LineFile(path)
        self._append = append
        self._metrics = metrics
        self._full_phones = full_phones
        self._away = False
        self._fresh: list[tuple[DecisionRecord, float]] = []
        self._unstored: deque[str] = deque(maxlen=capacity)
        self._capacity = capacity
        self._going: list[str] = []

    @property
    def waiting(self) -> int:
        """How many records the database has not stored yet."""
        return len(self._fresh) + len(self._unstored) + len(self._going)

    @property
    def left_out(self) -> int:
        """How many records the file has not got."""
        return self._file.left_out

    def write(self, record: DecisionRecord) -> None:
        """Take one record; a list append, and for every tenth a word to the event loop."""
        self._fresh.append((record, time.time()))
        if len(self._fresh) == _SLICE:
            asyncio.get_running_loop().call_soon(self._quote)

    def refused(self, refusal: Refusal) -> None:
        """Count one refusal and take it, unless it is left out; the table has no row for one without enterprise."""
        self._metrics.refused(refusal)
        if refusal.left_out is not None:
            self._take([refusal_line(refusal, time.time(), full_phones=self._full_phones)])

    async def run(self, every: float = 0.25) -> None:
        """Write what has come, until cancelled; then write the rest."""
        clock, rest = asyncio.get_running_loop().time, every
        try:
            while True:
                await asyncio.sleep(rest)
                began = clock()
                await self.flush(_SPREAD * every)
                rest = max((1 - _SPREAD) * every, began + every - clock())
        finally:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.finish(), _LAST_WORDS)

    async def finish(self) -> None:
        """Write all that has come, and return when the file has it too."""
        await self.flush()
        self._quote()
        await self._file.settled()

    async def flush(self, over: float = 0.0) -> None:
        """Hand the file what has come, and offer the database what it has not stored yet, `over` so many seconds.

        A file that cannot be written, or not as fast as calls come, keeps nothing from the database.
        """
        self._quote()
        self._file.hand_over()
        turns = math.ceil(len(self._unstored) / _MOST)
        try:
            for _ in range(turns):
                await self._store(over / turns)
        except DatabaseUnavailable as error:
            self._note(away=True, reason=str(error))
        else:
            self._note(away=False)

    def _take(self, lines: list[str]) -> None:
        self._unstored.extend(lines)
        self._file.append(lines)

    def _note(self, *, away: bool, reason: str = "") -> None:
        """Say once that the database went away, and once that it is back."""
        if away and not self._away:
            logger.warning("decision records wait for the database: %s", reason)
        if self._away and not away:
            logger.info("the database takes decision records again")
        self._away = away

    async def _store(self, over: float) -> None:
        """Store the oldest records; those that are not, also because the server ends, go back to their place."""
        self._going = [self._unstored.popleft() for _ in range(min(len(self._unstored), _MOST))]
        try:
            try:
                await self._append(self._going, over)
                self._going = []
            except DatabaseUnavailable:
                raise
            except Exception:
                await self._store_parts(self._going[:])
        finally:
            room = self._capacity - len(self._unstored)
            self._unstored.extendleft(reversed(self._going[-room:] if room else []))
            self._going = []

    async def _store_parts(self, lines: list[str]) -> None:
        """Keep one bad record from holding up the others: halves of halves, until it is alone and in the file only."""
        half = len(lines) // 2
        for part in filter(None, (lines[:half], lines[half:])):
            try:
                await self._append(part)
            except DatabaseUnavailable:
                raise
            except Exception:
                if len(part) > 1:
                    await self._store_parts(part)
                    continue
                logger.exception("the decisions table refused a record; it is in the file only")
            del self._going[: len(part)]

    def _quote(self) -> None:
        """Make lines of records soon: hundreds of records that wait as objects make each garbage collection long."""
        some, self._fresh = self._fresh, []
        self._take([as_line(record, at, full_phones=self._full_phones) for record, at in some])
        self._metrics.observe(record for record, _ in some)
