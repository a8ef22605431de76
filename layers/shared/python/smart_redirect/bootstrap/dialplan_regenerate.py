"""Puts the three Lambda handlers of dialplan_regenerate together: HTTP, the queue, and the schedule's sweep."""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from starlette.applications import Starlette

from smart_redirect.bootstrap.deployment import Deployment
from smart_redirect.bootstrap.dialplan import DialplanParts, open_dialplan
from smart_redirect.usecases.regenerate import Outcome
from smart_redirect.web.lambda_runtime import LambdaRuntime

_MOST = 1000
# What a build may need: with less time left the sweep leaves the rest to the next one.
_RESERVE_MS = 20_000


@asynccontextmanager
async def _open_parts() -> AsyncIterator[DialplanParts]:
    deployment = Deployment(os.environ)
    async with open_dialplan(await deployment.settings(), deployment.renewed_url) as parts:
        yield parts


@asynccontextmanager
async def _open_application() -> AsyncIterator[Starlette]:
    async with _open_parts() as parts:
        yield Starlette(routes=parts.endpoints.routes())


class HttpHandler(LambdaRuntime):
    """Serves hosts and the operator over API Gateway."""

    def __init__(self) -> None:
        super().__init__(_open_application)


class _Worker:
    """One loop and one pool for the life of the process, opened on the first event."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._opened: AbstractAsyncContextManager[DialplanParts] | None = None
        self._parts: DialplanParts | None = None

    def ready(self) -> tuple[asyncio.AbstractEventLoop, DialplanParts]:
        """Open what is not open yet."""
        self._loop = self._loop or asyncio.new_event_loop()
        if self._parts is None:
            self._opened = _open_parts()
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


class QueueHandler(_Worker):
    """Builds for the enterprises that messages name; a message whose build did not end is delivered again."""

    def __call__(self, event: dict[str, Any], _context: Any) -> dict[str, Any]:
        """Work off one batch."""
        loop, parts = self.ready()
        kept: list[dict[str, str]] = []
        for record in event["Records"]:
            # FIFO: behind one that failed, nothing may be taken as done.
            if kept or not loop.run_until_complete(_built(parts, record["body"])):
                kept.append({"itemIdentifier": record["messageId"]})
        return {"batchItemFailures": kept}


async def _built(parts: DialplanParts, body: str) -> bool:
    outcome = (await parts.regenerate(int(json.loads(body)["enterprise_id"]))).outcome
    return outcome in {Outcome.DONE, Outcome.GONE}


class ScheduleHandler(_Worker):
    """Builds for every enterprise with changes that no message told of."""

    def __call__(self, _event: dict[str, Any], context: Any) -> dict[str, Any]:
        """Sweep until nothing is left or time runs out; say how many were built."""
        loop, parts = self.ready()

        def may_go_on() -> bool:
            return bool(context.get_remaining_time_in_millis() > _RESERVE_MS)

        return {"built": len(loop.run_until_complete(parts.regenerate.sweep(_MOST, may_go_on)))}
