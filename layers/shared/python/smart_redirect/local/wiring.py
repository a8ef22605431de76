"""Opens everything that the local server runs: the call path, the decision log and the schedules."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from typing import Any

from starlette.applications import Starlette

from smart_redirect.adapters.postgres.decisions import PostgresDecisions
from smart_redirect.adapters.postgres.pool import open_pool
from smart_redirect.bootstrap.call_path import CallPath, open_call_path
from smart_redirect.domain.token import token_hash
from smart_redirect.errors import Unavailable
from smart_redirect.local.application import Parts, build_application
from smart_redirect.local.database import prepare_patiently
from smart_redirect.local.decision_log import BatchedDecisionLog
from smart_redirect.local.demo import DEMO_TOKEN
from smart_redirect.local.metrics import Metrics
from smart_redirect.local.paths import within_checkout
from smart_redirect.settings import Settings

logger = logging.getLogger(__name__)
_DAY = 86_400.0


@contextlib.asynccontextmanager
async def open_application(settings: Settings) -> AsyncIterator[Starlette]:
    """Yield the application on the running loop; on leaving, write what is left and close."""
    metrics = Metrics()
    async with contextlib.AsyncExitStack() as stack:
        pool = await open_pool(settings.database_url, size=2, statement_cache=settings.statement_cache)
        stack.callback(pool.terminate)
        path = within_checkout(settings.log_dir) / "smart_decisions.log"
        log = BatchedDecisionLog(path, PostgresDecisions(pool).append, metrics, full_phones=settings.full_phones)
        demo = frozenset({token_hash(settings.key_bytes, DEMO_TOKEN)})
        call_path = await stack.enter_async_context(open_call_path(settings, log, loopback_only=demo))
        for task in _schedules(settings, call_path, log):
            await stack.enter_async_context(running(task))
        watch_database(metrics, call_path)
        yield build_application(settings, Parts(call_path.endpoint, {}, metrics, lambda: ready(call_path)))


def _schedules(settings: Settings, call_path: CallPath, log: BatchedDecisionLog) -> Iterator[Coroutine[Any, Any, None]]:
    yield log.run()
    yield repeat(lambda: _refresh(call_path), settings.snapshot_seconds / 4)
    yield repeat(lambda: prepare_patiently(settings), _DAY)


async def _refresh(call_path: CallPath) -> None:
    await call_path.snapshots.refresh(asyncio.get_running_loop().time() + 5)


async def repeat(work: Callable[[], Awaitable[object]], every: float) -> None:
    """Do the work at once and then every so many seconds; an outage of a dependency only costs a turn."""
    while True:
        try:
            await work()
        except Unavailable as error:
            logger.warning("a schedule waits for its next turn: %s", error)
        await asyncio.sleep(every)


@contextlib.asynccontextmanager
async def running(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run a task beside the block, and cancel it at the end."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def ready(call_path: CallPath) -> dict[str, bool]:
    """Say which dependency answers."""
    return {"database": call_path.reads.healthy}


def watch_database(metrics: Metrics, call_path: CallPath) -> None:
    """Show the state of the database as a gauge."""
    metrics.gauge(
        "smart_redirect_database_up",
        "1 when the last reads of the call path were answered.",
        lambda: float(call_path.reads.healthy),
    )
