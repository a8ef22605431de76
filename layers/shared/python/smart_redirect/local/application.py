"""Every function of Smart Redirect as one Starlette application, with the views of the operator."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from smart_redirect.domain.reply import NOTHING
from smart_redirect.local.metrics import Metrics
from smart_redirect.settings import Settings
from smart_redirect.web.asgi import Receive, Scope, Send
from smart_redirect.web.getcustomerdata import REPLY, GetCustomerData
from smart_redirect.web.operator import may_operate

CALL_PATH = "/api/callevent/getcustomerdata"
_JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Parts:
    """What the application serves; `ready` returns the state of each dependency."""

    getcustomerdata: GetCustomerData
    events: dict[str, Any]
    routes: list[Route]
    metrics: Metrics
    ready: Callable[[], dict[str, bool]]


class CallPathFirst:
    """Hands requests of the call path to its endpoint straight away, and all others to Starlette.

    Starlette's middleware and routing cost an eighth of a call (docs/performance.md), and nothing of them is used.
    """

    def __init__(self, paths: tuple[str, ...], endpoint: GetCustomerData, others: Starlette) -> None:
        self._paths = frozenset(paths)
        self._endpoint = endpoint
        self._others = others

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] == "http" and scope["path"] in self._paths:
            await self._endpoint(scope, receive, send)
        else:
            scope.pop(REPLY, None)
            await self._others(scope, receive, send)


def build_application(settings: Settings, parts: Parts) -> CallPathFirst:
    """Return the application; whatever path a host was given by mistake is answered with the 27-byte nothing."""
    paths = (CALL_PATH, *settings.listed(settings.alias_paths))
    routes = [Route(path, endpoint) for path, endpoint in parts.events.items()]
    routes += parts.routes
    views = _OperatorViews(settings, parts)
    routes += [Route("/metrics", views.metrics), Route("/readyz", views.readyz), Route("/healthz", healthz)]
    application = Starlette(routes=routes, exception_handlers={404: _nothing, 405: _nothing, 500: _nothing})
    application.router.redirect_slashes = False
    return CallPathFirst(paths, parts.getcustomerdata, application)


async def healthz(_: Request) -> Response:
    """Say that the process serves."""
    return Response(b'{"status":"ok"}', media_type=_JSON)


async def _nothing(_: Request, error: Exception) -> Response:
    return Response(NOTHING, getattr(error, "status_code", 500), media_type=_JSON)


class _OperatorViews:
    """Metrics and readiness: from this machine or with the operator's key only."""

    def __init__(self, settings: Settings, parts: Parts) -> None:
        self._key = settings.operator_key
        self._trusted = settings.listed(settings.trusted_proxies)
        self._parts = parts

    async def metrics(self, request: Request) -> Response:
        """Return the Prometheus exposition."""
        if not may_operate(request.scope, self._key, self._trusted):
            return _forbidden()
        return Response(self._parts.metrics.render(), media_type="text/plain; version=0.0.4; charset=utf-8")

    async def readyz(self, request: Request) -> Response:
        """Return 200 when every dependency answers, else 503, with the state of each."""
        if not may_operate(request.scope, self._key, self._trusted):
            return _forbidden()
        state = self._parts.ready()
        body = json.dumps({name: "ok" if well else "down" for name, well in state.items()})
        return Response(body, 200 if all(state.values()) else 503, media_type=_JSON)


def _forbidden() -> Response:
    return Response(b'{"error":"only from this machine or with the operator key"}', 403, media_type=_JSON)
