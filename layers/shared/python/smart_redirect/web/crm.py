"""HTTP about CRMs: webhooks of the vendors, and for the operator the cache and the policy of an enterprise."""

from typing import Any, Protocol

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from smart_redirect.errors import AddressRefused, NotFound
from smart_redirect.usecases.take_hint import TakeHint
from smart_redirect.web.asgi import read_body
from smart_redirect.web.dialplan import Guard
from smart_redirect.web.json_answers import answered, safe
from smart_redirect.web.operator import may_operate

HINT_LIMIT = 64 * 1024


class Enterprises(Protocol):
    """What the operator asks for."""

    async def clear_caches(self, number: str | None) -> int:
        """Raise the cache epoch of an enterprise, or of all; say of how many."""

    async def policy(self, number: str) -> dict[str, Any] | None:
        """Return the policy of an enterprise, None if there is none of this number."""


class CrmEndpoints:
    """The routes of CRMs; a webhook is answered when its hints are marked, whatever becomes of them."""

    def __init__(self, take: TakeHint, enterprises: Enterprises, guard: Guard) -> None:
        self._take = take
        self._enterprises = enterprises
        self._guard = guard

    def routes(self) -> list[Route]:
        """Return the routes, for Starlette."""
        return [
            Route("/api/crm/{hook}/{secret}", safe(self.hint), methods=["POST"]),
            Route("/cache/clear", safe(self.clear), methods=["POST"]),
            Route("/integrations/{enterprise}/smart-policy", safe(self.policy), methods=["GET"]),
        ]

    async def hint(self, request: Request) -> Response:
        """Take a webhook: 204; 404 for a stranger before his body is read, 413 when it is longer than 64 kB."""
        hook = await self._take.admit(request.path_params["hook"], request.path_params["secret"])
        await self._take(hook, await read_body(request.receive, HINT_LIMIT))
        return Response(status_code=204)

    async def clear(self, request: Request) -> Response:
        """Clear the caches of every process, for one enterprise (`?enterprise=0367`) or for all."""
        self._operator(request)
        number = request.query_params.get("enterprise")
        cleared = await self._enterprises.clear_caches(number)
        if number is not None and not cleared:
            raise NotFound(f"there is no enterprise {number}")
        return answered({"cleared": cleared})

    async def policy(self, request: Request) -> Response:
        """Show mode, order of the connections, the primary and the lines' algorithms."""
        self._operator(request)
        number = request.path_params["enterprise"]
        policy = await self._enterprises.policy(number)
        if policy is None:
            raise NotFound(f"there is no enterprise {number}")
        return answered(policy)

    def _operator(self, request: Request) -> None:
        if not may_operate(request.scope, self._guard.operator_key, self._guard.trusted_proxies):
            raise AddressRefused("only from this machine or with the operator's key")
