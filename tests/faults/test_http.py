"""Bytes on the wire of the real server: every answer that is not a decision is one whole reply of 27 bytes."""

import contextlib
import re
import secrets
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from smart_redirect.domain.reply import NOTHING
from smart_redirect.local.application import CALL_PATH
from smart_redirect.local.demo import DEMO_QUESTION, DEMO_TOKEN
from tests.faults.conftest import BUDGET, KNOWN
from tests.local.served import Served, served

QUESTION = DEMO_QUESTION.encode()
TOKEN = f"Token: {DEMO_TOKEN}\r\n"
LATEST = 3 * BUDGET
_HEAD = re.compile(
    rb"HTTP/1\.1 (\d{3}) [^\r\n]*\r\n(?:[^\r\n]+\r\n)*?content-length: (\d+)\r\n(?:[^\r\n]+\r\n)*\r\n", re.I
)


@pytest.fixture(scope="module")
def server(memory_dir: Path) -> Iterator[Served]:
    folder = memory_dir / secrets.token_hex(4)
    folder.mkdir(mode=0o755)
    with served(folder, SMART_REDIRECT_ALIAS_PATHS="/api/old/callname, /x") as server:
        yield server


@contextlib.contextmanager
def connected(server: Served) -> Iterator[socket.socket]:
    host, port = server.address.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=2) as connection:
        yield connection


def send(server: Served, *parts: bytes, expected: int = 1, pause: float = 0.0) -> list[tuple[int, bytes]]:
    """Send bytes; return status and body of each answer, once so many came or the server closed."""
    received = b""
    with connected(server) as connection:
        for part in parts:
            with contextlib.suppress(ConnectionError):
                connection.sendall(part)
            time.sleep(pause)
        with contextlib.suppress(TimeoutError, ConnectionResetError):
            while len(split(received)[0]) < expected and (data := connection.recv(65536)):
                received += data
    found, rest = split(received)
    assert rest == b""
    return found


def split(received: bytes) -> tuple[list[tuple[int, bytes]], bytes]:
    """Return the whole answers and what is left after them."""
    found = []
    while (head := _HEAD.match(received)) and len(received) >= head.end() + int(head[2]):
        end = head.end() + int(head[2])
        found.append((int(head[1]), received[head.end() : end]))
        received = received[end:]
    return found, received


def request(
    path: str = CALL_PATH,
    *,
    method: str = "POST",
    headers: str = TOKEN,
    body: bytes = QUESTION,
    length: int | None = None,
) -> bytes:
    length = len(body) if length is None else length
    return f"{method} {path} HTTP/1.1\r\nHost: x\r\n{headers}Content-Length: {length}\r\n\r\n".encode() + body


def test_a_host_is_answered_on_every_path_that_it_may_have(server: Served) -> None:
    for path in (CALL_PATH, "/api/old/callname", "/x", f"{CALL_PATH}?a=1"):
        assert send(server, request(path)) == [(200, KNOWN)]


def test_a_host_that_closes_after_each_call_is_answered_whole(server: Served) -> None:
    assert send(server, request(headers=f"{TOKEN}Connection: close\r\n"), expected=2) == [(200, KNOWN)]
    assert send(server, request().replace(b"HTTP/1.1", b"HTTP/1.0")) == [(200, KNOWN)]


def test_a_body_in_chunks_is_read(server: Served) -> None:
    chunks = b"%x\r\n%b\r\n%x\r\n%b\r\n0\r\n\r\n" % (50, QUESTION[:50], len(QUESTION) - 50, QUESTION[50:])
    head = f"POST {CALL_PATH} HTTP/1.1\r\nHost: x\r\n{TOKEN}Transfer-Encoding: chunked\r\n\r\n".encode()
    assert send(server, head, chunks, pause=0.02) == [(200, KNOWN)]


def test_requests_one_after_the_other_on_a_connection_are_answered_in_order(server: Served) -> None:
    assert send(server, request() + request(headers="") + request(), expected=3) == [
        (200, KNOWN),
        (401, NOTHING),
        (200, KNOWN),
    ]


REFUSED = {
    "no token": (request(headers=""), 401),
    "an unknown token": (request(headers="Token: nobody\r\n"), 401),
    "another path": (request("/api/callevent/getcustomer"), 404),
    "a slash too many": (request(f"{CALL_PATH}/"), 404),
    "the root": (request("/", method="GET", body=b""), 404),
    "GET": (request(method="GET", body=b""), 405),
    "PATCH": (request(method="PATCH"), 405),
    "a body that is too large": (request(body=b"x" * 20_000), 413),
    "a body of a gigabyte": (request(length=1_000_000_000) + b"x" * 20_000, 413),
    "an upgrade": (
        request("/ws", headers="Upgrade: websocket\r\nConnection: Upgrade\r\n", method="GET", body=b""),
        404,
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_gets_the_safe_body(server: Served, name: str) -> None:
    sent, status = REFUSED[name]
    assert send(server, sent) == [(status, NOTHING)]


NOT_HTTP = {
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    "SIP": b"OPTIONS sip:100@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/TCP x\r\n\r\n",
    "HTTP/9": b"POST / HTTP/9\r\n\r\n",
    "no version": b"GET\r\n\r\n",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "a header without a name": f"POST {CALL_PATH} HTTP/1.1\r\n: x\r\n\r\n".encode(),
    "two lengths": f"POST {CALL_PATH} HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n".encode(),
    "a length that is no number": f"POST {CALL_PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: many\r\n\r\n".encode(),
    "a chunk without a length": request(headers=f"{TOKEN}Transfer-Encoding: chunked\r\n", body=b"ZZ\r\n").replace(
        b"Content-Length: 4\r\n", b""
    ),
}


@pytest.mark.parametrize("name", NOT_HTTP)
def test_what_is_not_http_gets_the_safe_body_once(server: Served, name: str) -> None:
    assert send(server, NOT_HTTP[name], expected=2) == [(400, NOTHING)]


@given(st.binary(min_size=1, max_size=200))
@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_at_all_get_the_safe_body(server: Served, noise: bytes) -> None:
    found = send(server, noise + b"\r\n\r\n")
    assert {body for _, body in found} <= {NOTHING}
    assert len(found) <= 1


@pytest.mark.parametrize("pause", [0.0, 0.02])
def test_a_body_that_trickles_is_answered_by_the_deadline(server: Served, pause: float) -> None:
    began = time.monotonic()
    pieces = [bytes([byte]) for byte in QUESTION[:40]] if pause else [b"{"]
    assert send(server, request(body=b"", length=93), *pieces, pause=pause) == [(408, NOTHING)]
    assert time.monotonic() - began < LATEST + 40 * pause


def test_after_a_refusal_the_connection_can_be_used_again(server: Served) -> None:
    assert send(server, request(body=b"x" * 30_000) + request(), expected=2) == [(413, NOTHING), (200, KNOWN)]


def test_a_client_that_goes_in_the_middle_of_its_body_leaves_no_decision(server: Served) -> None:
    log = server.log_dir / "smart_decisions.log"
    send(server, request())
    time.sleep(0.5)
    before, refused = log.read_text().count('"reason":"routed"'), log.read_text().count('"status":408')
    for _ in range(3):
        with connected(server) as connection:
            connection.sendall(request(length=93, body=b"{"))
    time.sleep(0.5)
    assert log.read_text().count('"reason":"routed"') == before
    assert log.read_text().count('"status":408') == refused + 3
