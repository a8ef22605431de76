"""A reply in one piece is byte for byte what uvicorn writes piece by piece, and a request leaves no garbage."""

import asyncio
import gc
from typing import Any

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route
from uvicorn.server import ServerState

from smart_redirect.local.application import CallPathFirst
from smart_redirect.local.http import CallPathProtocol
from smart_redirect.web.asgi import Receive, Scope, Send, answer
from smart_redirect.web.getcustomerdata import REPLY, GetCustomerData, Limits
from tests.usecases.desk import TOKEN, LoopDesk

BODY = b'{"Name":"","DialPlan":null}'


class Wire(asyncio.Transport):
    """A caller's end: keeps what was written, and whether it was closed."""

    def __init__(self) -> None:
        super().__init__({"peername": ("127.0.0.1", 1), "sockname": ("127.0.0.1", 2)})
        self.written, self.closed = b"", False

    def write(self, data: Any) -> None:
        self.written += bytes(data)

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True

    def pause_reading(self) -> None:
        """All has been read already."""

    def resume_reading(self) -> None:
        """Reading never stops here."""


async def in_one_piece(scope: Scope, _: Receive, send: Send) -> None:
    scope[REPLY](403, BODY) if REPLY in scope else await answer(send, 403, BODY)


async def piece_by_piece(_scope: Scope, _receive: Receive, send: Send) -> None:
    await answer(send, 403, BODY)


async def asked(application: Any, request: bytes) -> tuple[bytes, bool]:
    config = uvicorn.Config(application, http=CallPathProtocol, log_level="critical")
    config.load()
    state = ServerState()
    state.default_headers = [(b"date", b"Mon, 23 Nov 2026 23:30:00 GMT")]
    protocol, wire = CallPathProtocol(config, state, {}), Wire()
    protocol.connection_made(wire)
    protocol.data_received(request)
    while state.tasks:
        await asyncio.gather(*state.tasks)
    return wire.written, wire.closed


@pytest.mark.parametrize("method", ["POST", "HEAD", "GET"])
@pytest.mark.parametrize("version", ["1.1", "1.0"])
@pytest.mark.parametrize("connection", ["close", "keep-alive"])
async def test_the_host_cannot_tell_the_difference(method: str, version: str, connection: str) -> None:
    request = f"{method} / HTTP/{version}\r\nHost: x\r\nConnection: {connection}\r\nContent-Length: 0\r\n\r\n".encode()
    assert await asked(in_one_piece, request) == await asked(piece_by_piece, request)


async def test_requests_that_came_at_once_are_answered_in_turn() -> None:
    request = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"
    together, closed = await asked(in_one_piece, request * 3)
    alone, _ = await asked(in_one_piece, request)
    assert (together, closed) == (alone * 3, False)


@pytest.mark.parametrize("path", ["/call", "/event"])
async def test_a_request_leaves_nothing_to_the_garbage_collector(path: str) -> None:
    """Each collection holds up every call that is under way: what a hundred requests leave is less than one each."""
    desk = LoopDesk()
    endpoint = GetCustomerData(desk.admit, desk.route, Limits(), desk.log)
    event = Route("/event", lambda _: Response(BODY), methods=["POST"])
    application = CallPathFirst(("/call",), endpoint, Starlette(routes=[event]))
    request = f"POST {path} HTTP/1.1\r\nHost: x\r\nToken: {TOKEN}\r\nContent-Length: 2\r\n\r\n{{}}".encode()
    await asked(application, request)
    gc.collect()
    gc.disable()
    await asked(application, request * 100)
    gc.enable()
    assert gc.collect() < 100
