"""What a function opens once and keeps: one event loop and one opened thing for the life of the process."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any, Generic, TypeVar

from smart_redirect.errors import NotOpened

T = TypeVar("T")
R = TypeVar("R")


class Opening(Generic[T]):
    """Opens a thing once, in a task of its own: who has no time left leaves what was begun to the next event.

    What failed is begun anew by whoever comes next.
    """

    def __init__(self, opener: Callable[[], AbstractAsyncContextManager[T]]) -> None:
        self._opener = opener
        self._task: asyncio.Task[T] | None = None
        self._context: AbstractAsyncContextManager[T] | None = None

    async def __call__(self, seconds: float | None = None) -> T:
        """Return what is open; NotOpened after so many seconds, else what the opener raised."""
        is_another_s = self._task is not None
        try:
            async with asyncio.timeout(seconds) as limit:
                try:
                    return await self._opened()
                except Exception:
                    # What an earlier event began may have died of the sleep since, which says nothing of now.
                    if not is_another_s:
                        raise
                return await self._opened()
        except TimeoutError:
            if limit.expired():
                raise NotOpened("secrets or settings are still awaited") from None
            raise

    async def _opened(self) -> T:
        self._task = self._task or asyncio.create_task(self._open())
        try:
            return await asyncio.shield(self._task)
        except Exception:
            self._task = None
            raise

    async def _open(self) -> T:
        context = self._opener()
        opened = await context.__aenter__()
        self._context = context
        return opened

    async def close(self) -> None:
        """Close what was opened, or stop opening it."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        if self._context is not None:
            await self._context.__aexit__(None, None, None)
        self._task, self._context = None, None


class Process(Generic[T]):
    """Runs async work on what `opener` yields, which is opened by the first event; making one does nothing."""

    def __init__(self, opener: Callable[[], AbstractAsyncContextManager[T]]) -> None:
        self._opening = Opening(opener)
        self._loop: asyncio.AbstractEventLoop | None = None

    def run(self, work: Callable[[T], Awaitable[R]]) -> R:
        """Do the work on the process's loop and return its result."""
        self._loop = self._loop or asyncio.new_event_loop()
        return self._loop.run_until_complete(self._do(work))

    async def _do(self, work: Callable[[T], Awaitable[R]]) -> R:
        return await work(await self._opening())

    def close(self) -> None:
        """Close what was opened, as a process that Lambda kills never does: for tests."""
        if self._loop is not None:
            self._loop.run_until_complete(self._opening.close())
            self._loop.close()
        self._loop = None


def only(event: Mapping[str, Any], run: str) -> None:
    """ValueError if an event names something else: a typing error in a schedule must not go unheard."""
    if event.get("run", run) != run:
        raise ValueError(f"nothing is called {event.get('run')!r}")
