"""Work beside the requests: schedules that survive an outage, and tasks that end when their server does."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from typing import Any

from smart_redirect.errors import Unavailable

logger = logging.getLogger(__name__)
_PATIENCE = 5.0


async def repeat(work: Callable[[], Awaitable[object]], every: float) -> None:
    """Do the work at once and then every so many seconds; what goes wrong costs a turn and is logged."""
    while True:
        try:
            await work()
        except Unavailable as error:
            logger.warning("a schedule waits for its next turn: %s", error)
        except Exception:
            logger.exception("a schedule failed and waits for its next turn")
        await asyncio.sleep(every)


@contextlib.asynccontextmanager
async def running(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run a task beside the block, and cancel it at the end."""
    task = asyncio.create_task(work)
    task.add_done_callback(_report)
    try:
        yield
    finally:
        # More than once: a cancellation can be lost to an error that a library raises while it cleans up.
        while not task.done():
            task.cancel()
            await asyncio.wait({task}, timeout=_PATIENCE)


def _report(task: "asyncio.Task[None]") -> None:
    if not task.cancelled() and task.exception() is not None:
        logger.error("a background task ended", exc_info=task.exception())
