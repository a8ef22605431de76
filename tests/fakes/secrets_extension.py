"""AWS's Parameters and Secrets extension as a function meets it: a small HTTP server beside it."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

TOKEN = "session-token"


class _Quiet(ThreadingHTTPServer):
    def handle_error(self, *_: Any) -> None:
        """Say nothing of who did not wait for an answer."""


class FakeExtension:
    """Serves `secrets`, id → text, on a port of 127.0.0.1; each answer takes `delay` seconds.

    As AWS's own it answers 400 until the function has its first event (`is_initialising`), and 401 to whoever does not
    bring the session's token, which after a restore there is none of (`has_session`).
    """

    def __init__(self) -> None:
        self.secrets: dict[str, str] = {}
        self.is_initialising = False
        self.has_session = True
        self.delay = 0.0
        self.asked: list[str] = []
        self._server = _Quiet(("127.0.0.1", 0), self._handler())
        self.port: int = self._server.server_address[1]

    def put(self, secret_id: str, **members: str) -> None:
        self.secrets[secret_id] = json.dumps(members)

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _answer(self, path: str, token: str | None) -> tuple[int, bytes]:
        split = urlsplit(path)
        [secret_id] = parse_qs(split.query)["secretId"]
        self.asked.append(secret_id)
        time.sleep(self.delay)
        if split.path != "/secretsmanager/get" or token != TOKEN or not self.has_session:
            return 401, b"unauthorized"
        if self.is_initialising:
            return 400, b"not ready to serve traffic, please wait"
        return 200, json.dumps({"ARN": secret_id, "SecretString": self.secrets[secret_id]}).encode()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        answer = self._answer

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, body = answer(self.path, self.headers["X-Aws-Parameters-Secrets-Token"])
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        return Handler
