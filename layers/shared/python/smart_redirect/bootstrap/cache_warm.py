"""Puts the two Lambda handlers of cache_warm together: the schedule (mirrors, warm environments) and HTTP."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

from starlette.applications import Starlette

from smart_redirect.adapters.lambda_function import LambdaCallFunction
from smart_redirect.adapters.postgres.dialplan import borrowed
from smart_redirect.adapters.postgres.pool import RenewedUrl
from smart_redirect.adapters.postgres.warm import PostgresRecent
from smart_redirect.bootstrap.checked_settings import checked_deployment
from smart_redirect.bootstrap.crm import CrmParts, MakeCrm, open_crm
from smart_redirect.bootstrap.operated import OperatedRuntime
from smart_redirect.errors import DatabaseUnavailable
from smart_redirect.settings import Settings
from smart_redirect.usecases.refresh_likely import Refreshed, RefreshLikely
from smart_redirect.usecases.warm_environments import WarmEnvironments
from smart_redirect.web.process import Process, only

logger = logging.getLogger(__name__)
# What one request to a CRM and the page that it brings may need: with less time left no other is begun.
_RESERVE_MS = 40_000
# Seconds: a bulk walk stops after its turn and goes on with the next, so that few of them cannot keep all environments
# from what is due every minute.
_TURN = 50.0


@dataclass(frozen=True, slots=True)
class _Schedule:
    """What a turn of the schedule runs."""

    crm: CrmParts
    environments: WarmEnvironments


@asynccontextmanager
async def _open_schedule(make: MakeCrm | None = None) -> AsyncIterator[_Schedule]:
    deployment = checked_deployment()
    settings = await deployment.settings()
    count = settings.warm_environments if settings.warm_function else 0
    function = LambdaCallFunction(settings.warm_function, count)
    try:
        async with open_crm(settings, make, deployment.renewed_url) as parts:
            yield _Schedule(parts, WarmEnvironments(function, PostgresRecent(parts.pool), count))
    finally:
        function.close()


@asynccontextmanager
async def _open_application(settings: Settings, renewed: RenewedUrl) -> AsyncIterator[Starlette]:
    async with open_crm(settings, None, renewed) as parts:
        yield Starlette(routes=parts.endpoints)


class HttpHandler(OperatedRuntime):
    """Serves webhooks and the operator over API Gateway."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(_open_application, clock)


class ScheduleHandler(Process[_Schedule]):
    """Syncs what is due and keeps the call path warm, once a minute; `{"warm": true}` only opens what a turn needs."""

    def __init__(self, make: MakeCrm | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(partial(_open_schedule, make))
        self._clock = clock

    def __call__(self, event: dict[str, Any], context: Any) -> dict[str, Any]:
        """Say how many runs ended how; a warm-up is answered before anything is synced."""
        if event.get("warm"):
            self.run(_connect)
            return {"warm": True}
        only(event, "cache-warm")

        until = self._clock() + _TURN

        def may_go_on() -> bool:
            return self._clock() < until and bool(context.get_remaining_time_in_millis() > _RESERVE_MS)

        return self.run(lambda schedule: _turn(schedule, may_go_on))


async def _connect(schedule: _Schedule) -> None:
    async with borrowed(schedule.crm.pool) as connection:
        await connection.execute("SELECT")


async def _turn(schedule: _Schedule, may_go_on: Callable[[], bool]) -> dict[str, Any]:
    """Sync, refresh and warm side by side: none waits for another; a failed sync is the turn's error."""
    beside = asyncio.gather(schedule.environments(), _refresh(schedule.crm.refresh, may_go_on))
    try:
        tally = await schedule.crm.warm(may_go_on)
    finally:
        found, refreshed = await beside
    told: dict[str, Any] = {outcome.value: count for outcome, count in tally.items()}
    told |= {"environments": asdict(found)} if found.reached else {}
    return told | ({"refreshed": asdict(refreshed)} if refreshed.callers or refreshed.failures else {})


async def _refresh(refresh: RefreshLikely, may_go_on: Callable[[], bool]) -> Refreshed:
    try:
        return await refresh(may_go_on)
    except DatabaseUnavailable as error:
        logger.warning("nobody was refreshed: %s", error)
        return Refreshed(0, 0)
