"""Puts the two Lambda handlers of the mirrors together: the schedule and HTTP."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from starlette.applications import Starlette

from smart_redirect.bootstrap.crm import CrmParts, MakeCrm, open_crm
from smart_redirect.bootstrap.deployment import Deployment
from smart_redirect.web.lambda_runtime import LambdaRuntime

# What one request to a CRM and the page that it brings may need: with less time left no other is begun.
_RESERVE_MS = 40_000


@asynccontextmanager
async def _open_parts(make: MakeCrm | None = None) -> AsyncIterator[CrmParts]:
    deployment = Deployment(os.environ)
    async with open_crm(await deployment.settings(), make, deployment.renewed_url) as parts:
        yield parts


@asynccontextmanager
async def _open_application() -> AsyncIterator[Starlette]:
    async with _open_parts() as parts:
        yield Starlette(routes=parts.endpoints.routes())


class HttpHandler(LambdaRuntime):
    """Serves webhooks and the operator over API Gateway."""

    def __init__(self) -> None:
        super().__init__(_open_application)


class ScheduleHandler:
    """Syncs what is due, once a minute; `{"warm": true}` only opens what the next turn needs."""

    def __init__(self, make: MakeCrm | None = None) -> None:
        self._make = make
        self._loop: asyncio.AbstractEventLoop | None = None
        self._opened: AbstractAsyncContextManager[CrmParts] | None = None
        self._parts: CrmParts | None = None

    def __call__(self, event: dict[str, Any], context: Any) -> dict[str, Any]:
        """Say how many runs ended how; a warm-up is answered before anything is synced."""
        loop, parts = self._ready()
        if event.get("warm"):
            loop.run_until_complete(parts.pool.execute("SELECT 1"))
            return {"warm": True}

        def may_go_on() -> bool:
            return bool(context.get_remaining_time_in_millis() > _RESERVE_MS)

        tally = loop.run_until_complete(parts.warm(may_go_on))
        return {outcome.value: count for outcome, count in tally.items()}

    def _ready(self) -> tuple[asyncio.AbstractEventLoop, CrmParts]:
        self._loop = self._loop or asyncio.new_event_loop()
        if self._parts is None:
            self._opened = _open_parts(self._make)
            self._parts = self._loop.run_until_complete(self._opened.__aenter__())
        return self._loop, self._parts

    def close(self) -> None:
        """Close what was opened, as a process that Lambda kills never does: for tests and local runs."""
        if self._loop is None:
            return
        if self._opened is not None:
            self._loop.run_until_complete(self._opened.__aexit__(None, None, None))
        self._loop.close()
        self._loop, self._opened, self._parts = None, None, None
