"""The service as a host's agent meets it: gives releases, takes announcements and reports; refuses what the API does."""

import gzip
import hashlib
import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from smart_redirect.domain.dialplan.loaded import names_hash
from smart_redirect.domain.dialplan.render import MARKER, release_name
from smart_redirect.domain.reply import NOTHING
from smart_redirect.errors import BodyMalformed
from smart_redirect.usecases.host_agent import files_hash
from smart_redirect.web.agent_bodies import read_announcement, read_files, read_report, unpacked

AGENT_KEY = "key-of-the-agent"


@dataclass
class ReleaseService:
    """Set `text` to what the host is to have; what the agent says is kept in `announced`, `reports` and `files`."""

    dialect: str = "asterisk16"
    shape: str = "classic"
    text: str | None = None
    port: int = 0
    announced: list[str] = field(default_factory=list)
    reports: list[dict[str, Any]] = field(default_factory=list)
    files: list[tuple[str, str]] = field(default_factory=list)
    knows_names: set[str] = field(default_factory=set)
    damage: str = ""
    """How a release is spoiled on its way: "cut", "changed", "etag", "name" or "gzip"."""
    refuses: dict[str, int] = field(default_factory=dict)
    """Paths (their last word) that are answered with a status of their own."""
    not_modified: int = 0
    files_sent: int = 0
    _server: ThreadingHTTPServer | None = None

    @property
    def release(self) -> str:
        return release_name(self.text or "")

    @property
    def last(self) -> dict[str, Any]:
        return self.reports[-1]

    def start(self) -> "ReleaseService":
        service = self

        class Handler(_Handler):
            desk = service

        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def stop(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def spoiled(self, body: bytes) -> tuple[bytes, str, str]:
        """Return body, ETag and name as they are sent."""
        etag, name = hashlib.sha256(body).hexdigest(), self.release
        if self.damage == "cut":
            body = body[: len(body) // 2]
        if self.damage == "changed":
            body = body.replace(b"Dial(", b"DIAL(", 1)
            etag = hashlib.sha256(body).hexdigest()
        if self.damage == "etag":
            etag = "0" * 64
        if self.damage == "name":
            name = "0123456789abcdef"
        return body, etag, name


class _Handler(BaseHTTPRequestHandler):
    desk: ReleaseService
    protocol_version = "HTTP/1.1"

    def log_message(self, *args: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        if self.path == "/api/callevent/getcustomerdata":
            self._answer(405, NOTHING)
            return
        if not self._admitted("release"):
            return
        desk = self.desk
        assert self.path == "/api/dialplan/release"
        if desk.text is None:
            self._answer(204, b"")
            return
        body, etag, name = desk.spoiled(desk.text.encode())
        mode = "block-only" if desk.text.startswith(MARKER) else "whole-file"
        headers = {"ETag": f'"{etag}"', "X-Release": name, "X-Release-Mode": mode}
        headers |= {"X-Release-Dialect": desk.dialect, "X-Release-Shape": desk.shape}
        if self.headers.get("If-None-Match") == f'"{etag}"':
            desk.not_modified += 1
            self._answer(304, b"", headers)
            return
        assert self.headers["Accept-Encoding"] == "gzip"
        packed = gzip.compress(body)
        packed = packed[:-20] if desk.damage == "gzip" else packed
        self._answer(200, packed, {**headers, "Content-Encoding": "gzip"})

    def do_POST(self) -> None:
        name = self.path.rpartition("/")[2]
        body = self._body()
        if self._admitted(name):
            {"announce": self._announce, "report": self._report}[name](body)

    def do_PUT(self) -> None:
        body = self._body()
        if self._admitted("host-files"):
            self.desk.files = list(read_files(body))
            self.desk.files_sent += 1
            self._answer(204, b"")

    def _announce(self, body: bytes) -> None:
        name = read_announcement(body)
        self.desk.announced.append(name)
        self._answer(204, b"")

    def _report(self, body: bytes) -> None:
        try:
            report = read_report(body)
        except BodyMalformed as error:
            self._json(400, {"error": str(error)})
            raise
        said = json.loads(body)
        if report.names is not None:
            assert names_hash(report.names) == (report.contexts, report.sha256)
            self.desk.knows_names.add(report.sha256)
        self.desk.reports.append(said)
        files = files_hash(self.desk.files)
        names_needed = bool(report.contexts) and report.sha256 not in self.desk.knows_names
        needed = report.files_sha256 is not None and report.files_sha256 != files
        self._json(200, {"names_needed": names_needed, "host_files_needed": needed})

    def _admitted(self, name: str) -> bool:
        if self.headers.get("Authorization") != f"Bearer {AGENT_KEY}":
            self._json(401, {"error": "TokenUnknown"})
            return False
        if name in self.desk.refuses:
            self._json(self.desk.refuses[name], {"error": "as the test wants it"})
            return False
        return True

    def _body(self) -> bytes:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        return unpacked(body, self.headers.get("Content-Encoding", ""))

    def _json(self, status: int, document: object) -> None:
        self._answer(status, json.dumps(document).encode())

    def _answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        if status != 304:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
