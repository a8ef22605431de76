"""Builds dialplans in a process of its own: a large one takes its time, and callers must not wait behind it."""

import asyncio
import contextlib
import logging
import os
import pickle
import struct
import sys
from dataclasses import replace
from typing import cast

from smart_redirect.domain.dialplan.outline import Outline
from smart_redirect.errors import Unavailable
from smart_redirect.settings import Settings
from smart_redirect.usecases.ports_dialplan import Result
from smart_redirect.usecases.regenerate import LEASE_SECONDS, Built

logger = logging.getLogger(__name__)
_PROGRAM = ("-m", "smart_redirect.local.build_worker")
_IDLE_SECONDS = 60.0
_LENGTH = struct.Struct("!Q")


class BuildFailed(Unavailable):
    """The process that builds ended, or said of a build that it failed."""


class BuildProcess:
    """Builds for one enterprise after the other; the process is started by the first and ended when none comes.

    It gets the settings, with their secrets, through its standard input, and ends when that ends: with this process.
    """

    def __init__(self, settings: Settings, idle_seconds: float = _IDLE_SECONDS) -> None:
        self._settings = settings
        self._idle_seconds = idle_seconds
        self._turn = asyncio.Lock()
        self._process: asyncio.subprocess.Process | None = None
        self._idle: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int | None:
        """The process's id, None while there is none."""
        return None if self._process is None else self._process.pid

    async def __call__(self, enterprise_id: int) -> Built:
        """Build; what comes back has no texts. BuildFailed, or what the build itself raises."""
        async with self._turn:
            if self._idle is not None:
                self._idle.cancel()
            answer = await self._ask(enterprise_id)
            self._idle = asyncio.create_task(self._end_when_idle())
        if isinstance(answer, Built):
            return answer
        raise answer

    async def _ask(self, enterprise_id: int) -> Built | Exception:
        try:
            # Whoever takes longer has lost the lease, and with it the right to publish.
            async with asyncio.timeout(LEASE_SECONDS):
                return await self._exchange(self._process or await self._start(), enterprise_id)
        except (EOFError, OSError) as error:
            await self._end()
            raise BuildFailed(f"the process that builds ended: {type(error).__name__}") from error
        except BaseException:
            await self._end()
            raise

    async def _start(self) -> asyncio.subprocess.Process:
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(sys.executable, *_PROGRAM, stdin=pipe, stdout=pipe)
        self._process = process
        _stdin(process).write(pickle.dumps(self._settings))
        return process

    async def _exchange(self, process: asyncio.subprocess.Process, enterprise_id: int) -> Built | Exception:
        _stdin(process).write(pickle.dumps(enterprise_id))
        await _stdin(process).drain()
        answers = cast(asyncio.StreamReader, process.stdout)
        (length,) = _LENGTH.unpack(await answers.readexactly(_LENGTH.size))
        answer: Built | Exception = pickle.loads(await answers.readexactly(length))  # noqa: S301  our own process
        return answer

    async def close(self) -> None:
        """End the process, in the middle of a build too: what was not published is built again."""
        if self._idle is not None:
            self._idle.cancel()
        await self._end()

    async def _end_when_idle(self) -> None:
        await asyncio.sleep(self._idle_seconds)
        async with self._turn:
            await self._end()

    async def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        _stdin(process).close()
        await process.communicate()


def _stdin(process: asyncio.subprocess.Process) -> asyncio.StreamWriter:
    return cast(asyncio.StreamWriter, process.stdin)


def packed(answer: Built | Exception) -> bytes:
    """Return an answer as it is sent: a build without what only the store and the ledger need."""
    if isinstance(answer, Built):
        answer = replace(answer, results=tuple(_slim(result) for result in answer.results))
    body = pickle.dumps(answer)
    return _LENGTH.pack(len(body)) + body


def _slim(result: Result) -> Result:
    """Leave out texts and outlines: to read them would hold up the loop that answers calls."""
    newest = result.host.newest and replace(result.host.newest, outline=Outline())
    host = replace(result.host, files=None, retired=(), newest=newest)
    release = result.release and replace(result.release, text="", outline=Outline())
    return replace(result, host=host, release=release)


def step_back() -> None:
    """Let the call path have the processor first, where there are too few."""
    with contextlib.suppress(OSError):
        os.nice(5)
