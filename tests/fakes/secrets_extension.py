"""AWS's Parameters and Secrets extension as a function meets it: a small HTTP server beside it."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

TOKEN = "session-token"


class FakeExtension:
    """Serves `secrets`, id → text, on a port of 127.0.0.1; `status` other than 200 is its trouble."""

    def __init__(self) -> None:
        self.secrets: dict[str, str] = {}
        self.status = 200
        self.asked: list[str] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
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
        if split.path != "/secretsmanager/get" or token != TOKEN:
            return 401, b"unauthorized"
        if self.status != 200:
            return self.status, b"not ready to serve traffic, please wait"
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
