"""Puts the two Lambda handlers of call events together: one fills the queue, the other empties it."""

import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from smart_redirect.adapters.sqs import SqsEventQueue
from smart_redirect.adapters.stdout_log import StdoutLog
from smart_redirect.bootstrap.call_events import event_endpoints, open_delivery
from smart_redirect.bootstrap.deployment import Deployment
from smart_redirect.domain.reply import NOTHING
from smart_redirect.errors import SettingInvalid
from smart_redirect.settings import PREFIX
from smart_redirect.usecases.deliver_events import DeliverEvents, Outcome
from smart_redirect.web.asgi import Receive, Scope, Send, answer
from smart_redirect.web.callevent import BODY
from smart_redirect.web.errors import status_of
from smart_redirect.web.lambda_runtime import LambdaRuntime
from smart_redirect.web.process import Process

logger = logging.getLogger(__name__)


@asynccontextmanager
async def _open_endpoints() -> AsyncIterator[Any]:
    settings = await Deployment(os.environ).settings()
    if not settings.queue_url:
        raise SettingInvalid(f"{PREFIX}QUEUE_URL must name the queue of the call events")
    log = StdoutLog(function=os.environ.get("AWS_LAMBDA_FUNCTION_NAME", ""))
    endpoints = event_endpoints(settings, SqsEventQueue(settings.queue_url), log.refused_event)

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        endpoint = endpoints.get(scope["path"].rpartition("/")[2])
        if endpoint is None:
            await answer(send, 404, NOTHING)
            return
        await endpoint(scope, receive, send)

    yield application


class EventsHandler:
    """Takes events over HTTP; never raises, because API Gateway's own error page is none that a host can read."""

    def __init__(self) -> None:
        self.runtime = LambdaRuntime(_open_endpoints)

    def __call__(self, event: dict[str, Any], context: Any) -> dict[str, Any]:
        """Answer one event of API Gateway."""
        try:
            return self.runtime(event, context)
        except Exception as error:
            logger.exception("the event endpoints could not be opened or run")
            headers = {"content-type": "application/json"}
            return {"statusCode": status_of(error), "headers": headers, "body": BODY.decode(), "isBase64Encoded": False}


@asynccontextmanager
async def _open_delivery() -> AsyncIterator[DeliverEvents]:
    # Not at the top: what takes events over HTTP starts without pydantic.
    from smart_redirect.bootstrap.checked_settings import checked_deployment

    deployment = checked_deployment()
    async with open_delivery(await deployment.settings(), renewed=deployment.renewed_url) as deliver:
        yield deliver


class QueueHandler:
    """Records what SQS delivers; tells it which messages to deliver again."""

    def __init__(self) -> None:
        self._process = Process(_open_delivery)

    def __call__(self, event: dict[str, Any], _context: Any) -> dict[str, Any]:
        """Record one batch; raises only if nothing of it was tried."""
        records = event["Records"]
        outcomes = self._process.run(lambda deliver: deliver([record["body"] for record in records]))
        kept = [record["messageId"] for record, each in zip(records, outcomes, strict=True) if each is Outcome.KEPT]
        return {"batchItemFailures": [{"itemIdentifier": each} for each in kept]}

    def close(self) -> None:
        """Close what was opened: for tests."""
        self._process.close()
