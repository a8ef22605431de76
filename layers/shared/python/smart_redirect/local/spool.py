"""The queue of one machine: events on disk until they are recorded, written and read in one thread of its own."""

import asyncio
import contextlib
import json
import logging
import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from smart_redirect.domain.event import ReceivedEvent
from smart_redirect.errors import QueueUnavailable
from smart_redirect.local.spool_file import count, is_broken, open_spool_file

logger = logging.getLogger(__name__)
T = TypeVar("T")
_MOST_AT_ONCE = 1000
_CLAIM = "SELECT id, message FROM events WHERE id NOT IN (SELECT value FROM json_each(?)) ORDER BY id {} LIMIT ?"


@dataclass(frozen=True, slots=True)
class Depth:
    """How many events wait, and when the oldest of them came (a Unix time, None if there is none)."""

    waiting: int
    oldest: float | None


@dataclass(frozen=True, slots=True)
class _Job:
    work: Callable[[sqlite3.Connection], object]
    done: "Future[object]"


class Spool:
    """Whoever awaits `put` waits for the disk, and shares one sync with all that came meanwhile.

    `capacity` bounds the disk: beyond it `put` refuses, and the hosts keep the events themselves.
    """

    def __init__(self, path: Path, capacity: int = 1_000_000) -> None:
        self._path = path
        self._capacity = capacity
        self._waiting = 0
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        # Held while a job is handed over and while the thread says that it takes no more: none is left behind.
        self._taking = threading.Lock()
        self._is_open = False
        self._broken: Exception | None = None
        self.on_put: Callable[[], None] = lambda: None

    @property
    def is_open(self) -> bool:
        """Whether events are taken; when not, though it was started, it may be started again."""
        return self._is_open

    async def start(self) -> None:
        """Open the file, made if there is none; QueueUnavailable if that fails."""
        opened: Future[object] = Future()
        # A new queue: the last one may hold the word to stop, which nobody read.
        self._jobs = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, args=(opened,), name="event-spool", daemon=True)
        self._thread.start()
        await self._result(opened)

    async def stop(self) -> None:
        """Finish what was asked for, and close the file."""
        self._jobs.put(None)
        if self._thread is not None:
            await asyncio.to_thread(self._thread.join)
            self._thread = None

    async def put(self, event: ReceivedEvent) -> None:
        """Return when the event is on disk; QueueUnavailable if it could not be written."""
        if self._waiting >= self._capacity:
            raise QueueUnavailable("the spool is full")
        row = (event.received_at, event.message())
        try:
            await self._do(lambda database: self._insert(database, row))
        finally:
            # Even if nobody waits for the answer any more: the event is on disk, or is about to be.
            self.on_put()

    async def claim(self, most: int, but: Sequence[int] = (), *, newest: bool = False) -> list[tuple[int, str]]:
        """Return the oldest or the newest messages `but` some, with their ids; they stay until they are removed."""
        query, values = _CLAIM.format("DESC" if newest else "ASC"), (json.dumps(list(but)), most)
        return await self._do(lambda database: database.execute(query, values).fetchall())

    async def remove(self, ids: Sequence[int]) -> None:
        """Forget messages that were delivered."""
        await self._do(lambda database: self._delete(database, ids))

    async def depth(self) -> Depth:
        """Return what waits on disk."""
        return await self._do(lambda database: Depth(self._waiting, _oldest(database)))

    async def _do(self, work: Callable[[sqlite3.Connection], T]) -> T:
        job = _Job(work, Future())
        with self._taking:
            if not self._is_open:
                raise QueueUnavailable("the spool is closed")
            self._jobs.put(job)
        return await self._result(job.done)  # type: ignore[return-value]

    async def _result(self, done: "Future[object]") -> object:
        try:
            return await asyncio.wrap_future(done)
        except (sqlite3.Error, OSError) as error:
            raise QueueUnavailable(f"{type(error).__name__}: {error}") from error

    # --- in the spool's own thread

    def _run(self, opened: "Future[object]") -> None:
        if not opened.set_running_or_notify_cancel():
            return
        try:
            database = open_spool_file(self._path, self._broken)
            self._waiting, self._broken = count(database), None
        except BaseException as error:
            opened.set_exception(error)
            return
        self._is_open = True
        opened.set_result(None)
        try:
            while (jobs := self._next_jobs()) and self._commit_together(database, jobs):
                pass
        finally:
            # Closed before anybody may open it again: SQLite removes the side files by their names.
            with contextlib.suppress(sqlite3.Error):
                database.close()
            self._refuse_the_rest()

    def _refuse_the_rest(self) -> None:
        """Take no more jobs, and answer those that came too late: whoever gave them waits."""
        with self._taking, contextlib.suppress(queue.Empty):
            self._is_open = False
            while True:
                late = self._jobs.get_nowait()
                if late is not None and late.done.set_running_or_notify_cancel():
                    late.done.set_exception(QueueUnavailable("the spool is closed"))

    def _insert(self, database: sqlite3.Connection, row: tuple[float, str]) -> None:
        database.execute("INSERT INTO events (received_at, message) VALUES (?, ?)", row)
        self._waiting += 1

    def _delete(self, database: sqlite3.Connection, ids: Sequence[int]) -> None:
        self._waiting -= database.executemany("DELETE FROM events WHERE id = ?", [(each,) for each in ids]).rowcount

    def _next_jobs(self) -> list[_Job]:
        """Wait for work, and take all that there is; an empty list at the end."""
        jobs: list[_Job] = []
        first = self._jobs.get()
        while first is not None:
            jobs.append(first)
            if self._jobs.empty() or len(jobs) >= _MOST_AT_ONCE:
                return jobs
            first = self._jobs.get()
        if jobs:
            self._jobs.put(None)
        return jobs

    def _commit_together(self, database: sqlite3.Connection, jobs: list[_Job]) -> bool:
        """Do the jobs in one transaction; nobody hears of success before it is on disk. False: the file is broken."""
        wanted = [job for job in jobs if job.done.set_running_or_notify_cancel()]
        try:
            database.execute("BEGIN IMMEDIATE")
            results = [job.work(database) for job in wanted]
            database.execute("COMMIT")
        except Exception as error:
            logger.warning("the event spool could not be written: %s", error)
            self._roll_back(database)
            for job in wanted:
                job.done.set_exception(error)
            self._broken = error if is_broken(error) else None
            return self._broken is None
        for job, result in zip(wanted, results, strict=True):
            job.done.set_result(result)
        return True

    def _roll_back(self, database: sqlite3.Connection) -> None:
        with contextlib.suppress(sqlite3.Error):
            if database.in_transaction:
                database.execute("ROLLBACK")
            self._waiting = count(database)


def _oldest(database: sqlite3.Connection) -> float | None:
    row = database.execute("SELECT received_at FROM events ORDER BY id LIMIT 1").fetchone()
    return None if row is None else float(row[0])


def age_of(depth: Depth, now: float | None = None) -> float:
    """Return for how many seconds the oldest event has waited."""
    return 0.0 if depth.oldest is None else max(0.0, (time.time() if now is None else now) - depth.oldest)
