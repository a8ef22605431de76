"""What a function opens once and keeps: one event loop and one opened thing for the life of the process."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")


class Process(Generic[T]):
    """Runs async work on what `opener` yields, which is opened by the first event; making one does nothing."""

    def __init__(self, opener: Callable[[], AbstractAsyncContextManager[T]]) -> None:
        self._opener = opener
        self._loop: asyncio.AbstractEventLoop | None = None
        self._context: AbstractAsyncContextManager[T] | None = None
        self._opened: T | None = None

    def run(self, work: Callable[[T], Awaitable[R]]) -> R:
        """Do the work on the process's loop and return its result."""
        self._loop = self._loop or asyncio.new_event_loop()
        return self._loop.run_until_complete(self._do(work))

    async def _do(self, work: Callable[[T], Awaitable[R]]) -> R:
        if self._opened is None:
            context = self._opener()
            self._opened, self._context = await context.__aenter__(), context
        return await work(self._opened)

    def close(self) -> None:
        """Close what was opened, as a process that Lambda kills never does: for tests."""
        if self._loop is not None:
            if self._context is not None:
                self._loop.run_until_complete(self._context.__aexit__(None, None, None))
            self._loop.close()
        self._loop, self._context, self._opened = None, None, None
