"""The ground of the fake CRMs: HTTPS as the vendors have it, strict about requests, and ill-behaved on order."""

import asyncio
import gzip
import socket
import ssl
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, MutableMapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import trustme
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute

from tests.fakes.crm.limits import Limit

Misdeed = Callable[[Request], Awaitable[Response]]
HOSTS = ("*.example.test", "localhost")
BIG = 3 * 1024 * 1024


class Strict(Exception):
    """The request is none that the vendor's documents allow; the test that sent it fails."""


@dataclass
class FakeCrm:
    """One vendor's server. Subclasses add routes and keep the customers; `misdeeds` are done to the next requests."""

    refusals: list[str] = field(default_factory=list)
    """What was not allowed by the documents: has to be empty at the end."""
    seen: list[str] = field(default_factory=list)
    """Method and path of each request."""
    misdeeds: list[Misdeed] = field(default_factory=list)
    limit: Limit | None = None
    """What the vendor publishes."""
    watch: Callable[[], float] | None = None
    """The seconds by which requests are counted; without it they are not, because a test has a budget of its own."""

    def routes(self) -> Sequence[BaseRoute]:
        """The vendor's routes."""
        raise NotImplementedError

    def not_found(self, request: Request) -> Response:
        """What the vendor says to an address that it does not have."""
        raise Strict(f"no such method: {request.method} {request.url.path}")

    def refused(self, text: str) -> Response:
        """What the vendor says to a request that it does not allow."""
        return JSONResponse({"error": text}, 400)

    def require(self, condition: object, text: str) -> None:
        """Refuse a request that the documents do not allow."""
        if not condition:
            raise Strict(text)

    def application(self) -> Callable[..., Awaitable[None]]:
        """The server as ASGI."""
        inner = Starlette(routes=list(self.routes()))

        async def outer(scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
            request = Request(scope, receive)
            self.seen.append(f"{request.method} {request.url.path}")
            if self.limit and self.watch and not self.limit.allows(self.watch()):
                self.refusals.append("more requests than the vendor allows")
            if self.misdeeds:
                response = await self.misdeeds.pop(0)(request)
                await response(scope, receive, send)
                return
            try:
                await inner(scope, receive, send)
            except Strict as error:
                self.refusals.append(str(error))
                await self.refused(str(error))(scope, receive, send)

        return outer


async def hang(_: Request) -> Response:
    """Never answer."""
    await asyncio.sleep(3600)
    return Response()


async def html(_: Request) -> Response:
    """Answer with a page, as proxies in front of CRMs do."""
    return HTMLResponse("<html><body>Account does not exist.</body></html>")


async def broken_json(_: Request) -> Response:
    """Answer with JSON that ends too early."""
    return Response(b'{"customers": [', media_type="application/json")


async def other_json(_: Request) -> Response:
    """Answer with JSON that has nothing of what was asked."""
    return JSONResponse(["x", None, 5])


async def fail(_: Request) -> Response:
    """Answer 500 with a page."""
    return HTMLResponse("<h1>Internal Server Error</h1>", 500)


async def redirect(_: Request) -> Response:
    """Send elsewhere."""
    return RedirectResponse("https://127.0.0.1/", 302)


async def too_much(_: Request) -> Response:
    """Answer with more than anybody reads."""
    return Response(b" " * BIG, media_type="application/json")


async def bomb(_: Request) -> Response:
    """Answer with little that unpacks to much."""
    return Response(gzip.compress(b" " * BIG), headers={"Content-Encoding": "gzip"}, media_type="application/json")


async def cut(_: Request) -> Response:
    """Promise more than comes, and close the connection."""
    return Response(b"{", headers={"Content-Length": "100"}, media_type="application/json")


def packed(request: Request, document: object, headers: Mapping[str, str] | None = None) -> Response:
    """JSON, packed if the client takes it so."""
    plain = JSONResponse(document, headers=dict(headers or {}))
    if "gzip" not in request.headers.get("accept-encoding", ""):
        return plain
    given = {**(headers or {}), "Content-Encoding": "gzip"}
    return Response(gzip.compress(bytes(plain.body)), headers=given, media_type="application/json")


@cache
def authority() -> trustme.CA:
    """The authority that the fakes' certificates are of."""
    return trustme.CA()


def write_authority(folder: Path) -> str:
    """Write the authority's certificate for clients; return its path."""
    path = folder / "authority.pem"
    authority().cert_pem.write_to_path(str(path))
    return str(path)


@asynccontextmanager
async def serving(fake: FakeCrm, port: int = 0) -> AsyncIterator[int]:
    """Serve a fake over TLS on 127.0.0.1; yields the port."""
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind(("127.0.0.1", port))
    config = uvicorn.Config(
        fake.application(), log_config=None, log_level="critical", lifespan="off", timeout_graceful_shutdown=0
    )
    config.load()
    config.ssl = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority().issue_cert(*HOSTS).configure_cert(config.ssl)
    server = uvicorn.Server(config)
    server.install_signal_handlers = lambda: None  # type: ignore[method-assign,attr-defined]
    task = asyncio.create_task(server.serve([listening]))
    while not server.started:
        await asyncio.sleep(0.005)
    try:
        yield listening.getsockname()[1]
    finally:
        server.should_exit = server.force_exit = True
        await task
        listening.close()


@contextmanager
def serving_beside(fake: FakeCrm) -> Iterator[int]:
    """Serve a fake from a thread of its own, for tests that run servers and not a loop; yields the port."""
    started, ports = threading.Event(), list[int]()

    async def serve() -> None:
        nonlocal loop, stop
        loop, stop = asyncio.get_running_loop(), asyncio.Event()
        async with serving(fake) as port:
            ports.append(port)
            started.set()
            await stop.wait()

    loop: asyncio.AbstractEventLoop | None = None
    stop: asyncio.Event | None = None
    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    assert started.wait(10), "the fake did not start"
    try:
        yield ports[0]
    finally:
        assert loop is not None
        assert stop is not None
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)
