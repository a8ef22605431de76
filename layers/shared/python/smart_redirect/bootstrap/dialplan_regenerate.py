"""Puts the three Lambda handlers of dialplan_regenerate together: HTTP, the queue, and the schedule's sweep."""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from starlette.applications import Starlette

from smart_redirect.adapters.postgres.pool import RenewedUrl
from smart_redirect.bootstrap.checked_settings import checked_deployment
from smart_redirect.bootstrap.dialplan import DialplanParts, open_dialplan
from smart_redirect.bootstrap.operated import OperatedRuntime
from smart_redirect.settings import Settings
from smart_redirect.usecases.regenerate import Outcome
from smart_redirect.web.process import Process, only

_MOST = 1000
# What a build may need: with less time left the sweep leaves the rest to the next one.
_RESERVE_MS = 20_000


@asynccontextmanager
async def _open_parts() -> AsyncIterator[DialplanParts]:
    deployment = checked_deployment()
    async with open_dialplan(await deployment.settings(), deployment.renewed_url) as parts:
        yield parts


@asynccontextmanager
async def _open_application(settings: Settings, renewed: RenewedUrl) -> AsyncIterator[Starlette]:
    async with open_dialplan(settings, renewed) as parts:
        yield Starlette(routes=parts.endpoints.routes())


class HttpHandler(OperatedRuntime):
    """Serves hosts and the operator over API Gateway."""

    def __init__(self) -> None:
        super().__init__(_open_application)


class QueueHandler(Process[DialplanParts]):
    """Builds for the enterprises that messages name; a message whose build did not end is delivered again."""

    def __init__(self) -> None:
        super().__init__(_open_parts)

    def __call__(self, event: dict[str, Any], _context: Any) -> dict[str, Any]:
        """Work off one batch."""
        return {"batchItemFailures": self.run(partial(_not_built, event["Records"]))}


async def _not_built(records: Sequence[dict[str, Any]], parts: DialplanParts) -> list[dict[str, str]]:
    kept: list[dict[str, str]] = []
    for record in records:
        # FIFO: behind one that failed, nothing may be taken as done.
        if kept or not await _built(parts, record["body"]):
            kept.append({"itemIdentifier": record["messageId"]})
    return kept


async def _built(parts: DialplanParts, body: str) -> bool:
    outcome = (await parts.regenerate(int(json.loads(body)["enterprise_id"]))).outcome
    return outcome in {Outcome.DONE, Outcome.GONE}


class ScheduleHandler(Process[DialplanParts]):
    """Builds for every enterprise with changes that no message told of."""

    def __init__(self) -> None:
        super().__init__(_open_parts)

    def __call__(self, event: dict[str, Any], context: Any) -> dict[str, Any]:
        """Sweep until nothing is left or time runs out; say how many were built."""
        only(event, "dialplan-sweep")

        def may_go_on() -> bool:
            return bool(context.get_remaining_time_in_millis() > _RESERVE_MS)

        return {"built": len(self.run(lambda parts: parts.regenerate.sweep(_MOST, may_go_on)))}
