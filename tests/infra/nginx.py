"""Runs nginx with the configuration of infra/nginx, before a server that answers, hangs or is not there."""

import contextlib
import re
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx

from smart_redirect.local.embedded import free_port

CONFIG = Path(__file__).parents[2] / "infra" / "nginx" / "smart-redirect.conf"
NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
CALL = "/api/callevent/getcustomerdata"
MAKE_CERTIFICATE = (
    "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=a.example"
    " -addext subjectAltName=DNS:a.example,IP:127.0.0.1"
)
TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


class Upstream:
    """A listener in the server's place: answers with the headers that it was sent, or hangs, or is not there."""

    def __init__(self) -> None:
        self.port = free_port()
        self.hang = False
        self._listener: socket.socket | None = None

    def listen(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._serve, args=(self._listener,), daemon=True).start()

    def _serve(self, listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError, ValueError):
            first = connection.recv(65536)
            head = first[: first.index(b"\r\n\r\n") + 4]
            length = re.search(rb"content-length: (\d+)", head.lower())
            left = int(length[1]) - len(first) + len(head) if length else 0
            while left > 0 and (more := connection.recv(65536)):
                left -= len(more)
            if self.hang:
                time.sleep(3)
            answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%b"
            connection.sendall(answer % (len(head), head))

    def close(self) -> None:
        if self._listener is not None:
            self._listener.close()


@dataclass
class Proxy:
    """A running nginx with our configuration."""

    port: int
    tls: ssl.SSLContext
    folder: Path

    def ask(self, path: str = CALL, content: bytes = b"{}", **headers: str) -> httpx.Response:
        with httpx.Client(base_url=f"https://127.0.0.1:{self.port}", verify=self.tls, timeout=10) as client:
            return client.post(path, content=content, headers=headers)

    def logged(self) -> str:
        """Return all that any log has; what is said after an answer has a moment to arrive."""
        time.sleep(0.2)
        return "".join(path.read_text(encoding="utf-8") for path in self.folder.glob("*.log"))

    def say(self, text: bytes) -> bytes:
        """Send bytes as they are, over TLS, and return all that comes back."""
        with (
            socket.create_connection(("127.0.0.1", self.port), timeout=10) as plain,
            self.tls.wrap_socket(plain) as connection,
        ):
            connection.sendall(text)
            return b"".join(iter(lambda: connection.recv(65536), b""))


SMALL_LIMIT = (("rate=100r/s", "rate=5r/s"), ("burst=200", "burst=5"))


def configure(folder: Path, port: int, upstream_port: int, limits: tuple[tuple[str, str], ...]) -> Path:
    """Write what an operator would: paths, addresses, the alias uncommented; and the limits of the test."""
    subprocess.run(
        [*MAKE_CERTIFICATE.split(), "-keyout", str(folder / "privkey.pem"), "-out", str(folder / "fullchain.pem")],
        check=True,
        capture_output=True,
    )
    text = CONFIG.read_text(encoding="utf-8")
    for old, new in (
        ("127.0.0.1:8021", f"127.0.0.1:{upstream_port}"),
        ("listen 443 ssl", f"listen 127.0.0.1:{port} ssl"),
        ("/etc/ssl/smart-redirect", str(folder)),
        ("/var/log/nginx", str(folder)),
        *limits,
    ):
        assert old in text
        text = text.replace(old, new)
    alias = re.compile(r"^    # (location = /old/.*\n)((?:    # .*\n)*?)    # }$", re.MULTILINE)
    text, found = alias.subn(lambda match: match[0].replace("    # ", "    "), text)
    assert found == 1
    temporary = "".join(f"{kind}_temp_path {folder}/{kind};\n" for kind in TEMPORARY)
    main = folder / "nginx.conf"
    main.write_text(f"pid {folder}/pid; error_log {folder}/error.log; events {{}}\nhttp {{ {temporary} {text} }}\n")
    return main


@contextlib.contextmanager
def running_nginx(
    folder: Path, upstream_port: int, limits: tuple[tuple[str, str], ...] = SMALL_LIMIT
) -> Iterator[Proxy]:
    port = free_port()
    main = configure(folder, port, upstream_port, limits)
    process = subprocess.Popen(
        [str(NGINX), "-c", str(main), "-g", "daemon off; master_process off;"], stderr=subprocess.DEVNULL
    )
    tls = ssl.create_default_context(cafile=str(folder / "fullchain.pem"))
    tls.check_hostname = False
    try:
        wait_for(port)
        yield Proxy(port, tls, folder)
    finally:
        process.terminate()
        process.wait(timeout=10)


def wait_for(port: int) -> None:
    for _ in range(100):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError("nginx did not start")
