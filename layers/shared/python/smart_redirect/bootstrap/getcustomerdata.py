"""Puts the call path's Lambda handler together; whatever fails is answered with the 27-byte nothing."""

import asyncio
import importlib
import logging
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from typing import Any

from smart_redirect.adapters.stdout_log import StdoutLog
from smart_redirect.bootstrap.call_path import CallPath, open_call_path
from smart_redirect.bootstrap.deployment import Deployment
from smart_redirect.domain.reply import NOTHING
from smart_redirect.errors import Unavailable
from smart_redirect.settings import from_environ
from smart_redirect.usecases.ports import Refusal
from smart_redirect.web.asgi import Receive, Scope, Send
from smart_redirect.web.errors import status_of
from smart_redirect.web.getcustomerdata import FIRST_BYTE
from smart_redirect.web.lambda_runtime import LambdaRuntime
from smart_redirect.web.process import only

logger = logging.getLogger(__name__)
WARM_UP = "warm-up"
# Seconds: with the connection less than the three of a warm-up, and the ten of an init phase or a restore.
_OPEN_IN_EVENT, _OPEN_IN_INIT = 1.6, 6.0
_CONNECT_SECONDS = 1.0
_SNAPSHOT_SECONDS = 0.5
_LONGEST_HOLD = 0.2
_MOST_SNAPSHOTS = 100
# For writing what a CRM has said; the reply waits for it, because nothing runs after it.
_SETTLING = 0.05
# For the answer that there is none.
_RESERVE = 0.015
Settle = Callable[[float], Awaitable[None]]


@asynccontextmanager
async def _open(log: StdoutLog) -> AsyncIterator[Any]:
    if from_environ(os.environ).crm_live:
        # First what takes the processor's time: it can not be given up when a call has none left.
        _open_live()
    deployment = Deployment(os.environ)
    settings = await deployment.settings()
    log.full_phones = settings.full_phones
    async with open_call_path(settings, log, renewed=deployment.renewed_url) as call_path:
        live = _open_live()(settings, deployment.renewed_url) if settings.crm_live else nullcontext()
        async with live as asking:
            call_path.route_call.live = asking
            yield _Application(call_path, asking and asking.settle)


def _open_live() -> Any:
    """Import what asks CRMs, where the deployment wants it: half a second, for packages of the full layer."""
    return importlib.import_module("smart_redirect.bootstrap.live").open_live


class _Application:
    """The endpoint, and a way to open its connection before a call needs it."""

    def __init__(self, call_path: CallPath, settle: Settle | None = None) -> None:
        self._call_path = call_path
        self._settle = settle
        self.began = 0.0
        """When the event came that is being answered: its budget runs from then, whatever had to be opened first."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope[FIRST_BYTE] = self.began
        await self._call_path.endpoint(scope, receive, send)
        if self._settle is not None:
            await self._settle(_SETTLING)

    async def connect(self) -> None:
        """Open the connection, unless one is open; Unavailable if the database does not answer."""
        if not self.connections():
            deadline = asyncio.get_running_loop().time() + _CONNECT_SECONDS
            await self._call_path.reads.row("SELECT", deadline=deadline)

    async def warm(self, event: dict[str, Any]) -> int:
        """Load the snapshots that a warm-up names and hold the environment; return how many snapshots it has."""
        began = asyncio.get_running_loop().time()
        loaded = await self._call_path.snapshots.warm(_ids(event), began + _SNAPSHOT_SECONDS)
        held = began + min(float(event.get("hold_ms") or 0) / 1000, _LONGEST_HOLD)
        await asyncio.sleep(max(0.0, held - asyncio.get_running_loop().time()))
        return loaded

    def connections(self) -> int:
        """Return how many connections are open and not in use."""
        return self._call_path.reads.idle


class CallPathHandler:
    """The function's handler; never raises, because API Gateway's own error page would become the caller's name."""

    def __init__(self) -> None:
        self.runtime = LambdaRuntime(self._open)
        self._log: StdoutLog | None = None
        self._environment = ""

    def __call__(self, event: dict[str, Any], context: Any) -> dict[str, Any]:
        """Answer one event of API Gateway, or of the schedule that keeps environments warm."""
        began = time.monotonic()
        if "run" in event:
            only(event, WARM_UP)
            return {"warm": self.prepare()}
        if event.get("warm") is True:
            return self._warm(event)
        log = self._log = self._log or _log()
        try:
            log.begin(getattr(context, "aws_request_id", ""), event["requestContext"].get("requestId", ""))
            self._opened().began = began
            return self.runtime(event, context)
        except Exception as error:
            logger.exception("the call path could not be opened or run")
            status, total_ms = status_of(error), (time.monotonic() - began) * 1000
            log.refused(Refusal(type(error).__name__, status, "", total_ms))
            return _nothing(status)

    def _opened(self) -> Any:
        """Return the application; NotOpened at the end of a call's time, and the next call goes on with it."""
        if self.runtime.application is not None:
            return self.runtime.application
        return self.runtime.prepare(from_environ(os.environ).budget_ms / 1000 - _RESERVE)

    def _open(self) -> AbstractAsyncContextManager[Any]:
        self._log = self._log or _log()
        return _open(self._log)

    def _warm(self, event: dict[str, Any]) -> dict[str, Any]:
        """Answer cache_warm before any business logic; no request of a gateway has such an event."""
        cold, snapshots = not self._environment, 0
        # Not made before an event: environments that are restored from one snapshot would share it.
        self._environment = self._environment or os.urandom(8).hex()
        is_ready = self.prepare()
        try:
            if is_ready:
                snapshots = self.runtime.loop().run_until_complete(self.runtime.application.warm(event))
        except Exception as error:
            logger.warning("not warm: %s", type(error).__name__)
            is_ready = False
        return {"warm": is_ready, "environment": self._environment, "cold": cold, "snapshots": snapshots}

    def prepare(self, seconds: float = _OPEN_IN_EVENT) -> bool:
        """Open everything that a call needs; tell whether it is open. What fails here is tried again by the call."""
        try:
            application = self.runtime.prepare(seconds)
            self.runtime.loop().run_until_complete(application.connect())
        except Unavailable as error:
            logger.warning("not prepared: %s %s", type(error).__name__, error)
            return False
        except Exception:
            logger.exception("not prepared")
            return False
        return True


def _log() -> StdoutLog:
    return StdoutLog(function=os.environ.get("AWS_LAMBDA_FUNCTION_NAME", ""))


def _ids(event: dict[str, Any]) -> list[int]:
    return [each for each in event.get("enterprises") or () if isinstance(each, int)][:_MOST_SNAPSHOTS]


def prepare(handler: CallPathHandler) -> None:
    """Do in Lambda's init phase what the first call would wait for; elsewhere nothing.

    A snapshot must hold no connection and no secret, so with SnapStart it is done after each restore.
    """
    kind = os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE")
    if kind == "snap-start":
        from snapshot_restore_py import register_after_restore

        register_after_restore(handler.prepare, _OPEN_IN_INIT)
    elif kind is not None:
        handler.prepare(_OPEN_IN_INIT)


def _nothing(status: int) -> dict[str, Any]:
    headers = {"content-type": "application/json"}
    return {"statusCode": status, "headers": headers, "body": NOTHING.decode(), "isBase64Encoded": False}
