"""A log file that is written in a thread of its own: a disk that hangs holds up nobody but the file."""

import asyncio
import logging
import os
import queue
import threading
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path

logger = logging.getLogger(__name__)
# Bytes of one write. A megabyte at once keeps a processor, and the calls that share it, busy for milliseconds.
_PORTION = 128 * 1024
_APPEND = os.O_WRONLY | os.O_APPEND | os.O_CREAT


@dataclass(frozen=True, slots=True)
class _Batch:
    """Whole lines to be written, and how many they are."""

    parts: list[bytes]
    lines: int


class LineFile:
    """Takes lines and returns at once; while `capacity` of them wait, further ones are left out, counted and told.

    The thread has nothing to do but one write for each batch: whatever else it did, it would do with the interpreter's
    lock, and calls would wait. The file is opened anew for each, so that logrotate may move it.
    """

    def __init__(self, path: Path, capacity: int = 50_000) -> None:
        self._path = path
        self._capacity = capacity
        self._work: queue.SimpleQueue[_Batch | Future[None]] = queue.SimpleQueue()
        self._parts: list[bytes] = []
        self._ready, self._size = 0, 0
        self._thread: threading.Thread | None = None
        # The first of each pair belongs to whoever appends, the second to the thread that writes.
        self._handed, self._done = 0, 0
        self._behind, self._refused = _Gap(path), _Gap(path)
        self._is_torn = False

    @property
    def waiting(self) -> int:
        """How many lines are not written yet."""
        return self._handed - self._done

    @property
    def left_out(self) -> int:
        """How many lines the file has not got, because it did not keep up or refused them."""
        return self._behind.total + self._refused.total

    def append(self, lines: list[str]) -> None:
        """Put lines into the next batch, which is handed over when it is a portion."""
        taken = lines[: max(0, self._capacity - self.waiting)]
        self._behind.tell(len(lines) - len(taken), "the file does not keep up")
        if taken:
            self._handed += len(taken)
            self._ready += len(taken)
            part = ("\n".join(taken) + "\n").encode("utf-8", "replace")
            self._parts.append(part)
            self._size += len(part)
            if self._size >= _PORTION:
                self.hand_over()

    def hand_over(self) -> None:
        """Have the batch written soon."""
        if self._ready:
            self._put(_Batch(self._parts, self._ready))
            self._parts, self._ready, self._size = [], 0, 0

    async def settled(self) -> None:
        """Return when all that was appended is written or given up."""
        self.hand_over()
        reached: Future[None] = Future()
        self._put(reached)
        await asyncio.wrap_future(reached)

    def _put(self, work: _Batch | Future[None]) -> None:
        if self._thread is None:
            # A daemon: the process may end though a write hangs.
            self._thread = threading.Thread(target=self._run, name="decision-log", daemon=True)
            self._thread.start()
        self._work.put(work)

    # --- in the thread

    def _run(self) -> None:
        while True:
            work = self._work.get()
            if isinstance(work, _Batch):
                self._write(work)
            elif work.set_running_or_notify_cancel():
                work.set_result(None)

    def _write(self, batch: _Batch) -> None:
        try:
            descriptor = self._open()
            try:
                # Half a line that a full disk left would take the next one with it.
                self._write_all(descriptor, b"\n" * self._is_torn + b"".join(batch.parts))
            finally:
                os.close(descriptor)
        except OSError as error:
            self._refused.tell(batch.lines, str(error))
        else:
            self._refused.tell(0)
        self._done += batch.lines

    def _open(self) -> int:
        """Open the file with as few calls of the system as can be: at each of them calls may have to wait."""
        try:
            return os.open(self._path, _APPEND, 0o666)
        except FileNotFoundError:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            return os.open(self._path, _APPEND, 0o666)

    def _write_all(self, descriptor: int, whole: bytes) -> None:
        left = memoryview(whole)
        while left:
            left = left[os.write(descriptor, left) :]
            self._is_torn = bool(left)


class _Gap:
    """Lines that the file has not got: told when a gap begins, and with its size when it ends."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._now = 0
        self.total = 0

    def tell(self, missing: int, why: str = "") -> None:
        """Count lines that are left out, or none, which ends a gap."""
        if missing and not self._now:
            logger.warning("decision records go to the database only: %s", why)
        if self._now and not missing:
            logger.warning("%s is written again; %s decision records are in the database only", self._path, self._now)
        self._now = self._now + missing if missing else 0
        self.total += missing
