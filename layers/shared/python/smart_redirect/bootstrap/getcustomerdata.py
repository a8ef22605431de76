"""Puts the call path's Lambda handler together; whatever fails is answered with the 27-byte nothing."""

import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from smart_redirect.adapters.stdout_log import StdoutLog
from smart_redirect.bootstrap.call_path import open_call_path
from smart_redirect.bootstrap.deployment import Deployment
from smart_redirect.domain.reply import NOTHING
from smart_redirect.web.asgi import Receive, Scope, Send
from smart_redirect.web.errors import status_of
from smart_redirect.web.lambda_runtime import LambdaRuntime

logger = logging.getLogger(__name__)


@asynccontextmanager
async def _open() -> AsyncIterator[Any]:
    deployment = Deployment(os.environ)
    settings = await deployment.settings()
    log = StdoutLog(full_phones=settings.full_phones)
    async with open_call_path(settings, log, renewed=deployment.renewed_url) as call_path:

        async def application(scope: Scope, receive: Receive, send: Send) -> None:
            await call_path.endpoint(scope, receive, send)

        yield application


class CallPathHandler:
    """The function's handler; never raises, because API Gateway's own error page would become the caller's name."""

    def __init__(self) -> None:
        self.runtime = LambdaRuntime(_open)

    def __call__(self, event: dict[str, Any], context: Any) -> dict[str, Any]:
        """Answer one event of API Gateway."""
        try:
            return self.runtime(event, context)
        except Exception as error:
            logger.exception("the call path could not be opened or run")
            return _nothing(status_of(error))


def _nothing(status: int) -> dict[str, Any]:
    headers = {"content-type": "application/json"}
    return {"statusCode": status, "headers": headers, "body": NOTHING.decode(), "isBase64Encoded": False}
