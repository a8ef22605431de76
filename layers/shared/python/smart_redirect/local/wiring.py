"""Opens everything that the local server runs: the call path, the decision log and the schedules."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Coroutine, Iterator
from typing import Any

from smart_redirect.adapters.postgres.decisions import PostgresDecisions
from smart_redirect.adapters.postgres.pool import open_pool
from smart_redirect.bootstrap.call_path import CallPath, open_call_path
from smart_redirect.bootstrap.crm import open_crm
from smart_redirect.bootstrap.dialplan import open_dialplan
from smart_redirect.domain.token import token_hash
from smart_redirect.local.application import CallPathFirst, Parts, build_application
from smart_redirect.local.background import repeat, running
from smart_redirect.local.build_process import BuildProcess
from smart_redirect.local.call_events import LocalEvents, open_events
from smart_redirect.local.database import prepare_patiently
from smart_redirect.local.decision_log import BatchedDecisionLog
from smart_redirect.local.demo import DEMO_TOKEN
from smart_redirect.local.metrics import Metrics
from smart_redirect.local.mirrors import sync_on
from smart_redirect.local.paths import within_checkout
from smart_redirect.local.sweep import sweep_on
from smart_redirect.settings import Settings

_DAY = 86_400.0
_REFRESH = 60.0


@contextlib.asynccontextmanager
async def open_application(settings: Settings) -> AsyncIterator[CallPathFirst]:
    """Yield the application on the running loop; on leaving, write what is left and close."""
    metrics = Metrics()
    async with contextlib.AsyncExitStack() as stack:
        pool = await open_pool(settings.database_url, size=2, statement_cache=settings.statement_cache)
        stack.callback(pool.terminate)
        path = within_checkout(settings.log_dir) / "smart_decisions.log"
        decisions = PostgresDecisions(pool, is_pooled=not settings.statement_cache)
        log = BatchedDecisionLog(path, decisions.append, metrics, full_phones=settings.full_phones)
        demo = frozenset({token_hash(settings.key_bytes, DEMO_TOKEN)})
        call_path = await stack.enter_async_context(open_call_path(settings, log, loopback_only=demo))
        for task in _schedules(settings, call_path, log):
            await stack.enter_async_context(running(task))
        events = await stack.enter_async_context(open_events(settings, metrics.refused_event, demo))
        builds = BuildProcess(settings)
        stack.push_async_callback(builds.close)
        dialplan = await stack.enter_async_context(open_dialplan(settings, elsewhere=builds))
        await stack.enter_async_context(running(sweep_on(dialplan.regenerate)))
        crm = await stack.enter_async_context(open_crm(settings))
        crm.prepare()
        await stack.enter_async_context(running(sync_on(crm.warm)))
        await stack.enter_async_context(running(repeat(crm.refresh, _REFRESH)))
        call_path.route_call.live = crm.live
        stack.push_async_callback(crm.live.close)
        _show(metrics, call_path, events, log)
        routes = [*dialplan.endpoints.routes(), *crm.endpoints]
        parts = Parts(call_path.endpoint, events.endpoints, routes, metrics, lambda: ready(call_path, events))
        yield build_application(settings, parts)


def _schedules(settings: Settings, call_path: CallPath, log: BatchedDecisionLog) -> Iterator[Coroutine[Any, Any, None]]:
    yield log.run()
    yield repeat(lambda: _refresh(call_path), settings.snapshot_seconds / 4)
    yield repeat(lambda: prepare_patiently(settings), _DAY)


async def _refresh(call_path: CallPath) -> None:
    await call_path.snapshots.refresh(asyncio.get_running_loop().time() + 5)


def ready(call_path: CallPath, events: LocalEvents) -> dict[str, bool]:
    """Say which dependency answers."""
    return {"database": call_path.reads.healthy, "events": events.healthy}


def _show(metrics: Metrics, call_path: CallPath, events: LocalEvents, log: BatchedDecisionLog) -> None:
    """Add the gauges of what is read when the metrics are."""
    state = events.state
    up = "1 when the last reads of the call path were answered."
    metrics.gauge("smart_redirect_database_up", up, lambda: float(call_path.reads.healthy))
    metrics.gauge("smart_redirect_events_waiting", "Call events on disk.", lambda: float(state.depth.waiting))
    metrics.gauge("smart_redirect_events_oldest_seconds", "Age of the oldest of them.", lambda: state.oldest_age)
    metrics.gauge("smart_redirect_events_recorded", "Call events recorded since start.", lambda: float(state.recorded))
    metrics.gauge("smart_redirect_events_buried", "Call events that cannot be recorded.", lambda: float(state.buried))
    metrics.gauge("smart_redirect_decisions_waiting", "Decision records not yet stored.", lambda: float(log.waiting))
    left_out = "Decision records that the file did not take since start."
    metrics.gauge("smart_redirect_decisions_left_out", left_out, lambda: float(log.left_out))
