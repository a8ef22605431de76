"""infra/nginx in a real nginx: whatever it says by itself, a host reads as nothing, and in time."""

import asyncio
import secrets
import time
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import httpx
import pytest

from smart_redirect.domain.reply import NOTHING
from smart_redirect.local.demo import DEMO_QUESTION, DEMO_TOKEN
from tests.infra.nginx import CALL, NGINX, Proxy, Upstream, running_nginx
from tests.local.served import ROOT, Served, served

ALIAS = "/old/getcustomerdata"

pytestmark = pytest.mark.skipif(NGINX is None, reason="needs nginx: sudo apt-get install nginx-light")


def is_nothing(response: httpx.Response) -> bool:
    return response.content == NOTHING and response.headers["content-type"] == "application/json"


@pytest.mark.parametrize("path", [CALL, ALIAS])
def test_passes_a_question_on_with_the_client_s_own_address(proxy: Proxy, upstream: Upstream, path: str) -> None:
    upstream.listen()
    seen = proxy.ask(path, Token="secret", **{"X-Forwarded-For": "6.6.6.6"}).text.lower()
    assert seen.startswith(f"post {path} http/1.1\r\n")
    assert "x-forwarded-for: 127.0.0.1\r\n" in seen
    assert "6.6.6.6" not in seen
    assert "token: secret\r\n" in seen


@pytest.fixture
def server(memory_dir: Path, database_url: str) -> Iterator[Served]:
    folder = memory_dir / secrets.token_hex(4)
    folder.mkdir(mode=0o755)
    with served(folder, DATABASE_URL=database_url, **environment_of_the_unit()) as server:
        yield server


def environment_of_the_unit() -> dict[str, str]:
    """Return what the systemd unit sets, with nothing in the operator's own file."""
    unit = (ROOT / "infra" / "systemd" / "smart-redirect.service").read_text(encoding="utf-8")
    settings = (line.partition("=")[2] for line in unit.splitlines() if line.startswith("Environment="))
    return {name: value for name, _, value in (each.partition("=") for each in settings)}


@pytest.fixture
def installed(server: Served, tmp_path: Path) -> Iterator[Proxy]:
    """Our nginx before a server as the systemd unit starts it."""
    with running_nginx(tmp_path, int(server.address.rpartition(":")[2])) as proxy:
        yield proxy


def test_a_call_is_answered_by_the_real_server_behind_it(server: Served, installed: Proxy) -> None:
    reply = installed.ask(content=DEMO_QUESTION.encode(), Token=DEMO_TOKEN)
    stranger = installed.ask(content=DEMO_QUESTION.encode(), Token="nobody's")
    assert (reply.status_code, reply.content) == (200, server.ask().content)
    assert reply.json()["DialPlan"]
    assert (stranger.status_code, stranger.content) == (401, NOTHING)


@pytest.mark.parametrize(("network", "status"), [("127.0.0.0/8", 200), ("203.0.113.0/24", 403)])
async def test_as_installed_a_host_is_known_by_its_own_address(
    installed: Proxy, database_url: str, network: str, status: int
) -> None:
    connection = await asyncpg.connect(database_url)
    await connection.execute("UPDATE pbx_hosts SET allowed_addresses = ARRAY[$1::text::cidr]", network)
    await connection.close()
    reply = await asyncio.to_thread(installed.ask, content=DEMO_QUESTION.encode(), Token=DEMO_TOKEN)
    assert (reply.status_code, "mngr31" in reply.text) == (status, status == 200)


def test_a_server_that_is_down_is_nothing(proxy: Proxy) -> None:
    response = proxy.ask()
    assert response.status_code == 502
    assert is_nothing(response)


def test_a_server_that_hangs_is_nothing_after_a_second(proxy: Proxy, upstream: Upstream) -> None:
    upstream.hang = True
    upstream.listen()
    began = time.monotonic()
    response = proxy.ask()
    assert response.status_code == 504
    assert is_nothing(response)
    assert time.monotonic() - began < 2.5


@pytest.mark.parametrize(
    ("path", "size", "status"),
    [("/metrics", 2, 404), ("/readyz", 2, 404), ("/nothing", 2, 404), ("/api/callevent", 2, 404), (CALL, 20_000, 413)],
)
def test_what_nginx_refuses_by_itself_is_nothing(
    proxy: Proxy, upstream: Upstream, path: str, size: int, status: int
) -> None:
    upstream.listen()
    response = proxy.ask(path, b"x" * size)
    assert response.status_code == status
    assert is_nothing(response)


@pytest.mark.parametrize(
    ("request_text", "status"),
    [
        (b"NOT HTTP\r\n\r\n", 400),
        (b"POST %b HTTP/3.0\r\nHost: a\r\n\r\n" % CALL.encode(), 505),
        (b"POST %b HTTP/1.1\r\n\r\n" % CALL.encode(), 400),
        (b"POST %b HTTP/1.1\r\nHost: a\r\nContent-Length: many\r\n\r\n" % CALL.encode(), 400),
        (b"POST %b HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n" % CALL.encode(), 501),
        (b"POST %b HTTP/1.1\r\nHost: a\r\nToken: %b\r\n\r\n" % (CALL.encode(), b"t" * 40_000), 400),
        (b"POST /%b HTTP/1.1\r\nHost: a\r\n\r\n" % (b"a" * 9_000), 414),
        (b"POST /../.. HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        (b"TRACE %b HTTP/1.1\r\nHost: a\r\n\r\n" % CALL.encode(), 405),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_is_no_request_is_nothing(proxy: Proxy, request_text: bytes, status: int) -> None:
    head, _, body = proxy.say(request_text.replace(b"Host: a\r\n", b"Host: a\r\nConnection: close\r\n")).partition(
        b"\r\n\r\n"
    )
    assert head.startswith(b"HTTP/1.1 %d " % status)
    assert b"Content-Type: application/json" in head
    assert body == NOTHING


def test_plain_http_on_the_tls_port_is_nothing(proxy: Proxy) -> None:
    response = httpx.post(f"http://127.0.0.1:{proxy.port}{CALL}", content=b"{}")
    assert response.status_code == 400
    assert is_nothing(response)


def test_a_flood_is_answered_with_nothing(proxy: Proxy, upstream: Upstream) -> None:
    upstream.listen()
    answers = [proxy.ask() for _ in range(30)]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert refused
    assert all(is_nothing(answer) for answer in refused)


def test_the_access_log_has_no_token_and_no_body(proxy: Proxy, upstream: Upstream) -> None:
    upstream.listen()
    proxy.ask(f"{CALL}?Token=secret", b'{"Phone":"80291112233"}', Token="secret")
    time.sleep(0.2)
    log = (proxy.folder / "smart-redirect.log").read_text(encoding="utf-8")
    assert CALL in log
    assert "secret" not in log
    assert "80291112233" not in log


@pytest.mark.parametrize("path", ["/customer-name/0367/80291112233", "/internal/uon/customer-name?phone=80291112233"])
def test_a_stray_question_of_the_operator_leaves_no_phone_in_the_log(
    proxy: Proxy, upstream: Upstream, path: str
) -> None:
    upstream.listen()
    assert proxy.ask(path).status_code == 404
    time.sleep(0.2)
    assert "80291112233" not in (proxy.folder / "smart-redirect.log").read_text(encoding="utf-8")
