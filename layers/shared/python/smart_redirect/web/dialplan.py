"""HTTP for host agents (release, announce, report, host files) and for the operator (regenerate)."""

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from smart_redirect.errors import AddressRefused, NotFound
from smart_redirect.usecases.give_release import GiveRelease
from smart_redirect.usecases.host_agent import AdmitAgent, TakeReport
from smart_redirect.usecases.ports_dialplan import Agent
from smart_redirect.usecases.regenerate_now import Outcome, RegenerateNow, shown
from smart_redirect.web.address import client_address
from smart_redirect.web.agent_bodies import SENT_LIMIT, read_announcement, read_files, read_report, unpacked
from smart_redirect.web.asgi import read_body
from smart_redirect.web.json_answers import answered, safe
from smart_redirect.web.operator import may_operate


@dataclass(frozen=True, slots=True)
class Guard:
    """How the service tells who asks: proxies that it believes, and the operator's key."""

    trusted_proxies: tuple[str, ...] = ()
    operator_key: str = ""


class DialplanEndpoints:
    """The routes of the dialplan; every answer is JSON but a release, which is the text of the file."""

    def __init__(
        self, admit: AdmitAgent, give: GiveRelease, take: TakeReport, regenerate: RegenerateNow, guard: Guard
    ) -> None:
        self._admit = admit
        self._give = give
        self._take = take
        self._regenerate = regenerate
        self._guard = guard

    def routes(self) -> list[Route]:
        """Return the routes, for Starlette."""
        return [
            Route("/api/dialplan/release", safe(self.release), methods=["GET"]),
            Route("/api/dialplan/announce", safe(self.announce), methods=["POST"]),
            Route("/api/dialplan/report", safe(self.report), methods=["POST"]),
            Route("/api/dialplan/host-files", safe(self.host_files), methods=["PUT"]),
            Route("/api/dialplan/{enterprise}/regenerate", safe(self.regenerate), methods=["POST"]),
        ]

    async def release(self, request: Request) -> Response:
        """Give the text of the release that the host is to have; 304 if it has it, 204 if there is none."""
        agent = await self._agent(request)
        if agent.release is None or agent.style is None:
            return Response(status_code=204)
        headers = {
            "ETag": f'"{agent.sha256}"',
            "Cache-Control": "no-cache",
            "X-Release": agent.release,
            "X-Release-Mode": agent.install,
            "X-Release-Dialect": agent.style.dialect,
            "X-Release-Shape": agent.style.shape,
        }
        if agent.sha256 in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        packed = "gzip" in request.headers.get("accept-encoding", "")
        body = await self._give(agent.sha256, packed=packed)
        if packed:
            headers["Content-Encoding"] = "gzip"
        return Response(body, 200, headers, media_type="text/plain; charset=utf-8")

    async def announce(self, request: Request) -> Response:
        """Narrow the answers to what is in the old and the new dialplan."""
        agent = await self._agent(request)
        await self._take.announce(agent, read_announcement(await _body(request)))
        return Response(status_code=204)

    async def report(self, request: Request) -> Response:
        """Take what the host has really loaded."""
        agent = await self._agent(request)
        asked = await self._take(agent, read_report(await _body(request)))
        return answered({"names_needed": asked.names, "host_files_needed": asked.files})

    async def host_files(self, request: Request) -> Response:
        """Take the own files of a host that keeps its extensions.conf."""
        agent = await self._agent(request)
        if await self._take.files(agent, read_files(await _body(request))):
            await self._regenerate.later(agent.enterprise_id)
        return Response(status_code=204)

    async def regenerate(self, request: Request) -> Response:
        """Build an enterprise's releases now, for the operator."""
        if not may_operate(request.scope, self._guard.operator_key, self._guard.trusted_proxies):
            raise AddressRefused("only from this machine or with the operator's key")
        number = request.path_params["enterprise"]
        built = await self._regenerate(number)
        if built.outcome is Outcome.GONE:
            raise NotFound(f"there is no enterprise {number}")
        return answered(shown(built), 200 if built.outcome is Outcome.DONE else 202)

    async def _agent(self, request: Request) -> Agent:
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        peer = request.client.host if request.client else ""
        address = client_address(peer, request.headers.getlist("x-forwarded-for"), self._guard.trusted_proxies)
        return await self._admit(key.strip() if scheme.lower() == "bearer" else "", address)


async def _body(request: Request) -> bytes:
    body = await read_body(request.receive, SENT_LIMIT)
    return unpacked(body, request.headers.get("content-encoding", "").strip().lower())
