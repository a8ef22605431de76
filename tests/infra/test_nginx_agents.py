"""The hosts' agents through our own nginx, with its limits as they are: an outage's events go out, and keep no call out."""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from smart_redirect.domain.reply import NOTHING
from tests.asterisk.service import Answer, Service
from tests.asterisk_agent.conftest import AGENT, event
from tests.infra.nginx import NGINX, Proxy, Upstream, running_nginx

pytestmark = pytest.mark.skipif(NGINX is None, reason="needs nginx: sudo apt-get install nginx-light")
BACKLOG = 700


@pytest.fixture
def service() -> Iterator[Service]:
    # Said, and not only done: nginx would send the next event on a connection that is closed.
    service = Service(answer=Answer(b"{}", status=202, headers=(("Connection", "close"),))).start()
    yield service
    service.stop()


@pytest.fixture
def proxy(service: Service, tmp_path: Path) -> Iterator[Proxy]:
    with running_nginx(tmp_path, service.port, limits=()) as proxy:
        yield proxy


@pytest.fixture
def config(proxy: Proxy, tmp_path: Path) -> Path:
    """What an agent is told, with the events of an outage in its spool."""
    (tmp_path / "spool" / "events").mkdir(parents=True)
    lines = (json.dumps(event("start", f"{number}.0")) + "\n" for number in range(BACKLOG))
    (tmp_path / "spool" / "events" / "20261123T1429.jsonl").write_text("".join(lines))
    config = tmp_path / "agent.conf"
    settings = f"url = https://127.0.0.1:{proxy.port}\ntoken = t\nspool = {tmp_path}/spool\n"
    config.write_text(f"[service]\n{settings}ca_file = {tmp_path}/fullchain.pem\n")
    config.chmod(0o600)
    return config


def test_an_outage_s_events_go_out_at_once_and_keep_no_call_out(service: Service, proxy: Proxy, config: Path) -> None:
    answers: list[int] = []
    over = threading.Event()

    def call() -> None:
        while not over.wait(0.1):
            answers.append(proxy.ask().status_code)

    calls = threading.Thread(target=call)
    calls.start()
    began = time.monotonic()
    done = subprocess.run([sys.executable, str(AGENT), "--config", str(config), "events", "--once"], check=False)
    over.set()
    calls.join()
    sent = [asked for asked in service.asked if asked.path == "/api/callevent/start"]
    assert (done.returncode, len(sent), 429 in answers) == (0, BACKLOG, False)
    assert time.monotonic() - began < 30


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    upstream = Upstream()
    yield upstream
    upstream.close()


def test_agents_reach_what_they_need_of_the_dialplan_and_nothing_else(upstream: Upstream, tmp_path: Path) -> None:
    upstream.listen()
    with (
        running_nginx(tmp_path, upstream.port) as proxy,
        httpx.Client(base_url=f"https://127.0.0.1:{proxy.port}", verify=proxy.tls) as client,
    ):
        for method, path in (("GET", "release"), ("POST", "announce"), ("POST", "report"), ("PUT", "host-files")):
            seen = client.request(method, f"/api/dialplan/{path}", headers={"Authorization": "Bearer key"}).text
            assert seen.startswith(f"{method} /api/dialplan/{path} HTTP/1.1\r\n")
            assert "Authorization: Bearer key\r\n" in seen
        other = client.post("/api/dialplan/0367/regenerate")
    assert (other.status_code, other.content) == (404, NOTHING)
