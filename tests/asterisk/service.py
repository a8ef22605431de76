"""A strict HTTP service that answers as a test tells it to, and remembers what it was asked."""

import contextlib
import json
import ssl
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

NOTHING = b'{"Name":"","DialPlan":null}'


@dataclass(frozen=True, slots=True)
class Asked:
    """One request: the headers by lower-case name, the body as it came."""

    at: float
    path: str
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> dict[str, Any]:
        parsed = json.loads(self.body)
        assert isinstance(parsed, dict)
        return parsed


@dataclass(slots=True)
class Answer:
    """What to say. `hang`: accept, read, and say nothing for so many seconds. `broken`: close without a word."""

    body: bytes = NOTHING
    status: int = 200
    hang: float = 0
    broken: bool = False
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(slots=True)
class Service:
    """The scripted service on a free port of 127.0.0.1. Set `answer` at any time; `asked` grows.

    `special` answers the requests in whose body a quoted word stands: a line, a phone.
    """

    port: int = 0
    answer: Answer = field(default_factory=Answer)
    special: dict[str, Answer] = field(default_factory=dict)
    certificate: ssl.SSLContext | None = None
    asked: list[Asked] = field(default_factory=list)
    _server: ThreadingHTTPServer | None = None
    _released: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        return f"http{'s' if self.certificate else ''}://127.0.0.1:{self.port}"

    def says(self, name: str, context: str | None = None) -> None:
        self.answer = reply(name, context)

    def start(self) -> "Service":
        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), _handler(self))
        self._server.daemon_threads = True
        if self.certificate is not None:
            self._server.socket = self.certificate.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def stop(self) -> None:
        """Until the next start, connections are refused."""
        self._released.set()
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None
        self._released = threading.Event()

    def answer_to(self, asked: Asked) -> Answer:
        named = [answer for word, answer in self.special.items() if f'"{word}"'.encode() in asked.body]
        return named[0] if named else self.answer

    def wait_for_release(self, seconds: float) -> None:
        self._released.wait(seconds)


def _handler(service: Service) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length", "0"))
            headers = {key.lower(): value for key, value in self.headers.items()}
            body = self.rfile.read(length)
            if len(body) < length:
                # Who was killed in the middle of a request has not asked.
                self.close_connection = True
                return
            asked = Asked(time.time(), self.path, headers, body)
            service.asked.append(asked)
            answer = service.answer_to(asked)
            if answer.hang:
                service.wait_for_release(answer.hang)
            self.close_connection = True
            if not answer.broken:
                self._reply(answer)

        def _reply(self, answer: Answer) -> None:
            with contextlib.suppress(OSError):
                self.send_response(answer.status)
                self.send_header("Content-Type", "application/json; charset=utf-8")
                self.send_header("Content-Length", str(len(answer.body)))
                for name, value in answer.headers:
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(answer.body)

        def log_message(self, *args: object) -> None:
            """Quiet: the test reads `asked`."""

    return Handler


def reply(name: str, context: str | None = None) -> Answer:
    """What the real service says: compact JSON, the name as it is."""
    body = {"Name": name, "DialPlan": context}
    return Answer(json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode())
