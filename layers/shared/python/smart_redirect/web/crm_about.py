"""HTTP about callers, for the operator: a name, a responsible's extension, and what the CRMs themselves say."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from smart_redirect.errors import AddressRefused, BodyMalformed
from smart_redirect.usecases.ask_about import Answer, AskAbout
from smart_redirect.usecases.ask_crms import Told
from smart_redirect.web.dialplan import Guard
from smart_redirect.web.json_answers import answered, safe
from smart_redirect.web.operator import may_operate


class AboutEndpoints:
    """The routes; all of them are the operator's, because they tell of callers."""

    def __init__(self, ask: AskAbout, guard: Guard) -> None:
        self._ask = ask
        self._guard = guard

    def routes(self) -> list[Route]:
        """Return the routes, for Starlette."""
        return [
            Route("/customer-name/{enterprise}/{phone}", safe(self.name), methods=["GET"]),
            Route("/responsible-extension/{enterprise}/{phone}", safe(self.extension), methods=["GET"]),
            Route("/internal/{crm}/customer-name", safe(self.name_from), methods=["GET"]),
            Route("/internal/{crm}/responsible-extension", safe(self.extension_from), methods=["GET"]),
        ]

    async def name(self, request: Request) -> Response:
        """Return the customer's name as a call would have it, with its source and age."""
        self._operator(request)
        found = await self._ask.name(request.path_params["enterprise"], request.path_params["phone"])
        return answered(_shown("name", found))

    async def extension(self, request: Request) -> Response:
        """Return the extension of the responsible as a call would have it, with its source and age."""
        self._operator(request)
        found = await self._ask.extension(request.path_params["enterprise"], request.path_params["phone"])
        return answered({**_shown("extension", found), "passed_over": list(found.passed_over)})

    async def name_from(self, request: Request) -> Response:
        """Ask the enterprise's connections of one vendor for a name, now."""
        told = await self._directly(request)
        return answered(
            {"connections": [{**_heard(each), "names": [own.name for own in each.owners]} for each in told]}
        )

    async def extension_from(self, request: Request) -> Response:
        """Ask the enterprise's connections of one vendor for the responsible and his extension, now."""
        told = await self._directly(request)
        return answered({"connections": [{**_heard(each), "responsibles": _responsibles(each)} for each in told]})

    async def _directly(self, request: Request) -> Sequence[Told]:
        self._operator(request)
        enterprise, phone = (request.query_params.get(name) for name in ("enterprise", "phone"))
        if not enterprise or not phone:
            raise BodyMalformed("enterprise and phone are needed")
        return await self._ask.directly(enterprise, phone, request.path_params["crm"])

    def _operator(self, request: Request) -> None:
        if not may_operate(request.scope, self._guard.operator_key, self._guard.trusted_proxies):
            raise AddressRefused("only from this machine or with the operator's key")


def _shown(name: str, found: Answer) -> dict[str, Any]:
    origin = asdict(found.origin) if found.origin else {"kind": None, "age": None}
    return {
        "found": bool(found.value),
        name: found.value or None,
        "source": found.source or None,
        "kind": origin["kind"],
        "age_s": None if origin["age"] is None else round(origin["age"], 1),
    }


def _heard(told: Told) -> dict[str, Any]:
    return {"connection": told.account.key.connection_id, "ms": told.ms, "error": told.error or None}


def _responsibles(told: Told) -> list[dict[str, str | None]]:
    extensions = dict(told.extensions)
    return [
        {"responsible": own.responsible_id, "extension": extensions.get(own.responsible_id or "")}
        for own in told.owners
    ]
