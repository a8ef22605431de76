"""The HTTP endpoint of AWS services as boto3 speaks to it: keeps every call, or is out of order."""

import hashlib
import json
import re
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import unquote

INVOKED = re.compile(r"/2015-03-31/functions/([^/]+)/invocations")
Headers = tuple[tuple[str, str], ...]
SERVICES = {"AmazonSQS": "sqs", "CodeDeploy_20141006": "codedeploy"}


class FakeAws:
    """`calls` are action (as IAM names it) and parameters of each call; `objects` are what S3 has by path.

    `functions` are what Lambda runs by name, each in as many threads as there are invocations at once.
    """

    def __init__(self) -> None:
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.objects: dict[str, bytes] = {}
        self.functions: dict[str, Callable[[dict[str, Any]], Any]] = {}
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

    def variables(self) -> dict[str, str]:
        """Return what points boto3 here."""
        account = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_REGION": "eu-central-1"}
        return {**account, "AWS_DEFAULT_REGION": "eu-central-1", "AWS_ENDPOINT_URL": self.url}

    def sent(self, action: str) -> list[dict[str, Any]]:
        """Return the parameters of each call of an action."""
        return [body for name, body in self.calls if name == action]

    def _take(self, target: str, body: dict[str, Any]) -> tuple[int, dict[str, str]]:
        service, _, operation = target.partition(".")
        self.calls.append((f"{SERVICES[service]}:{operation}", body))
        if self.broken:
            return 500, {"__type": "InternalError"}
        digest = hashlib.md5(body.get("MessageBody", "").encode(), usedforsecurity=False).hexdigest()
        return 200, {"MessageId": str(len(self.calls)), "MD5OfMessageBody": digest, "SequenceNumber": "1"}

    def _post(self, path: str, headers: Any, body: dict[str, Any]) -> tuple[int, bytes, Headers]:
        if invoked := INVOKED.fullmatch(unquote(path)):
            return self._invoke(invoked[1], headers["X-Amz-Invocation-Type"], body)
        status, answered = self._take(headers["X-Amz-Target"], body)
        return status, json.dumps(answered).encode(), ()

    def _invoke(self, name: str, kind: str | None, event: dict[str, Any]) -> tuple[int, bytes, Headers]:
        """Run a function as Lambda does for who waits for it: what it raises is an answer too."""
        assert kind == "RequestResponse", kind
        self.calls.append(("lambda:InvokeFunction", {"name": name, **event}))
        if self.broken or name not in self.functions:
            code = "TooManyRequestsException" if self.broken else "ResourceNotFoundException"
            return 429 if self.broken else 404, b'{"Type":"User"}', (("x-amzn-ErrorType", code),)
        try:
            return 200, json.dumps(self.functions[name](event)).encode(), ()
        except Exception as error:
            told = {"errorType": type(error).__name__, "errorMessage": str(error)}
            return 200, json.dumps(told).encode(), (("X-Amz-Function-Error", "Unhandled"),)

    def _object(self, operation: str, path: str, body: bytes) -> tuple[int, bytes]:
        path = path.partition("?")[0]
        self.calls.append((f"s3:{operation}", {"path": path}))
        if operation == "PutObject":
            self.objects[path] = _unchunked(body)
            return 200, b""
        if path in self.objects:
            return 200, self.objects[path]
        return 404, b"<Error><Code>NoSuchKey</Code></Error>"

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        post, s3 = self._post, self._object

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self._answer(*post(self.path, self.headers, json.loads(self._body())))

            def do_PUT(self) -> None:
                self._answer(*s3("PutObject", self.path, self._body()))

            def do_GET(self) -> None:
                self._answer(*s3("GetObject", self.path, b""))

            def _body(self) -> bytes:
                return self.rfile.read(int(self.headers["Content-Length"] or 0))

            def _answer(self, status: int, body: bytes, more: Headers = ()) -> None:
                self.send_response(status)
                for name, value in more:
                    self.send_header(name, value)
                self.send_header("Content-Type", "application/x-amz-json-1.1")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        return Handler


def _unchunked(body: bytes) -> bytes:
    """Return an object as it was before boto3 sent it in chunks with a checksum behind."""
    if not body.endswith(b"\r\n\r\n"):
        return body
    found = b""
    while body:
        head, _, rest = body.partition(b"\r\n")
        size = int(head.partition(b";")[0], 16)
        if size == 0:
            break
        found, body = found + rest[:size], rest[size + 2 :]
    return found
