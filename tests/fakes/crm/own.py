"""Fakes of what companies write themselves: one that answers as it is told, and the cloud PBXs' contract, strictly."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from tests.fakes.crm.server import FakeCrm

CRM_TOKEN = "cmd-S3cret-token"
FIELDS = {"cmd", "phone", "callid", "diversion", "crm_token"}


@dataclass
class Seen:
    """One request as it came."""

    method: str
    target: str
    headers: dict[str, str]
    body: str


@dataclass
class OwnFake(FakeCrm):
    """Answers every request by `answer`, and keeps what came."""

    answer: Callable[[Request], object] = lambda _: {}
    came: list[Seen] = field(default_factory=list)

    def routes(self) -> Sequence[BaseRoute]:
        return [Route("/{path:path}", self.reply, methods=["GET", "POST"])]

    async def reply(self, request: Request) -> Response:
        target = request.scope["raw_path"].decode() + "?" + request.scope["query_string"].decode()
        body = (await request.body()).decode()
        self.came.append(Seen(request.method, target.rstrip("?"), dict(request.headers), body))
        given = self.answer(request)
        return given if isinstance(given, Response) else JSONResponse(given)


@dataclass
class CmdFake(FakeCrm):
    """A customer's script that many integrators have written already; `people` by the phone as it is asked."""

    people: dict[str, dict[str, Any]] = field(default_factory=dict)
    token: str = CRM_TOKEN
    callids: list[str] = field(default_factory=list)

    def routes(self) -> Sequence[BaseRoute]:
        return [
            Route("/pbx.php", self.command, methods=["POST"]),
            Route("/{path:path}", self.not_found, methods=["GET", "POST"]),
        ]

    async def command(self, request: Request) -> Response:
        self.require(not request.url.query, "nothing belongs into the address")
        self.require(request.headers["content-type"] == "application/x-www-form-urlencoded", "it reads forms")
        pairs = parse_qsl((await request.body()).decode(), keep_blank_values=True, strict_parsing=True)
        given = dict(pairs)
        self.require(len(given) == len(pairs) and given.keys() == FIELDS, "fields of the contract")
        self.require(given["cmd"] == "contact", "no other command is ours")
        self.require(given["callid"], "every request is about some call")
        self.callids.append(given["callid"])
        if given["crm_token"] != self.token:
            return JSONResponse({"error": "Invalid token"}, 401)
        if not given["phone"].lstrip("+").isdigit():
            return JSONResponse({"error": "Invalid parameters"}, 400)
        return JSONResponse(self.people.get(given["phone"], {}))
