"""infra/nginx in a real nginx: whatever it says by itself, a host reads as nothing, and in time."""

import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from smart_redirect.domain.reply import NOTHING
from smart_redirect.local.embedded import free_port

CONFIG = Path(__file__).parents[2] / "infra" / "nginx" / "smart-redirect.conf"
NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
CALL = "/api/callevent/getcustomerdata"

pytestmark = pytest.mark.skipif(NGINX is None, reason="needs nginx: sudo apt-get install nginx-light")


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
        with connection:
            head = connection.recv(65536)
            if self.hang:
                time.sleep(3)
            connection.sendall(
                b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%b" % (len(head), head)
            )

    def close(self) -> None:
        if self._listener is not None:
            self._listener.close()


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    upstream = Upstream()
    yield upstream
    upstream.close()


@pytest.fixture
def client(upstream: Upstream, tmp_path: Path) -> Iterator[httpx.Client]:
    port = free_port()
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subprocess.run(
        [
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
            "-days",
            "2",
            "-subj",
            "/CN=calls.example.com",
            "-keyout",
            str(key),
            "-out",
            str(certificate),
        ],
        check=True,
        capture_output=True,
    )
    text = CONFIG.read_text(encoding="utf-8").replace("127.0.0.1:8021", f"127.0.0.1:{upstream.port}")
    text = text.replace("listen 443 ssl", f"listen 127.0.0.1:{port} ssl").replace("rate=100r/s", "rate=5r/s")
    text = text.replace("/etc/ssl/smart-redirect/fullchain.pem", str(certificate)).replace("burst=200", "burst=5")
    text = text.replace("/etc/ssl/smart-redirect/privkey.pem", str(key)).replace("/var/log/nginx", str(tmp_path))
    main = tmp_path / "nginx.conf"
    temporary = "".join(
        f"{kind}_temp_path {tmp_path}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    main.write_text(f"pid {tmp_path}/pid; error_log {tmp_path}/error.log; events {{}} http {{ {temporary} {text} }}")
    process = subprocess.Popen(
        [str(NGINX), "-c", str(main), "-g", "daemon off; master_process off;"], stderr=subprocess.DEVNULL
    )
    context = ssl.create_default_context(cafile=str(certificate))
    context.check_hostname = False
    try:
        with httpx.Client(base_url=f"https://127.0.0.1:{port}", verify=context, timeout=10) as client:
            wait_for(port)
            yield client
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


def test_passes_a_question_on_with_the_client_s_own_address(client: httpx.Client, upstream: Upstream) -> None:
    upstream.listen()
    seen = client.post(CALL, content=b"{}", headers={"Token": "secret", "X-Forwarded-For": "6.6.6.6"}).text.lower()
    assert "x-forwarded-for: 127.0.0.1\r\n" in seen
    assert "6.6.6.6" not in seen
    assert "token: secret\r\n" in seen


def test_a_server_that_is_down_is_nothing(client: httpx.Client) -> None:
    response = client.post(CALL, content=b"{}")
    assert (response.status_code, response.content) == (502, NOTHING)


def test_a_server_that_hangs_is_nothing_after_a_second(client: httpx.Client, upstream: Upstream) -> None:
    upstream.hang = True
    upstream.listen()
    began = time.monotonic()
    response = client.post(CALL, content=b"{}")
    assert (response.status_code, response.content) == (504, NOTHING)
    assert time.monotonic() - began < 2.5


@pytest.mark.parametrize(("path", "size", "status"), [("/metrics", 2, 404), ("/readyz", 2, 404), (CALL, 20_000, 413)])
def test_what_nginx_refuses_by_itself_is_nothing(client: httpx.Client, path: str, size: int, status: int) -> None:
    response = client.post(path, content=b"x" * size)
    assert (response.status_code, response.content) == (status, NOTHING)


def test_a_flood_is_answered_with_nothing(client: httpx.Client, upstream: Upstream) -> None:
    upstream.listen()
    answers = [client.post(CALL, content=b"{}") for _ in range(30)]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert refused
    assert {answer.content for answer in refused} == {NOTHING}


def test_the_access_log_has_no_token_and_no_body(client: httpx.Client, upstream: Upstream, tmp_path: Path) -> None:
    upstream.listen()
    client.post(CALL, content=b'{"Phone":"80291112233"}', headers={"Token": "secret"})
    time.sleep(0.2)
    log = (tmp_path / "smart-redirect.log").read_text(encoding="utf-8")
    assert CALL in log
    assert "secret" not in log
    assert "80291112233" not in log
