"""The HTTP endpoint of SQS as boto3 speaks to it: keeps what is sent to a queue, or is out of order."""

import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self


class FakeSqs:
    """`sent` are the parameters of each SendMessage; `broken` answers 500."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []
        self.broken = False
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _take(self, target: str, body: dict[str, Any]) -> tuple[int, dict[str, str]]:
        if self.broken or target != "AmazonSQS.SendMessage":
            return 500, {"__type": "com.amazonaws.sqs#InternalError"}
        self.sent.append(body)
        digest = hashlib.md5(body["MessageBody"].encode(), usedforsecurity=False).hexdigest()
        return 200, {"MessageId": str(len(self.sent)), "MD5OfMessageBody": digest, "SequenceNumber": "1"}

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        take = self._take

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                status, answered = take(self.headers["X-Amz-Target"], asked)
                body = json.dumps(answered).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/x-amz-json-1.0")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        return Handler
