"""The whole: a call, the real service with its demo data, the agent, and the next call of the same caller."""

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from smart_redirect.local.embedded import free_port
from tests.asterisk.conftest import GOSUB_22, MACRO_12, MACRO_16, Kind
from tests.asterisk.host import LINE, Host
from tests.asterisk.scenario import Caller, answering_phone
from tests.asterisk.sip import wait_until
from tests.asterisk.transfer import blind
from tests.asterisk_agent.conftest import AGENT

ROOT = Path(__file__).parents[2]
TOKEN = "demo-token-0367"
PATH = "/api/callevent/getcustomerdata"
CUSTOMER, REGULAR, STRANGER = "375291112233", "375336665544", "375298765432"
ON_ALL = pytest.mark.parametrize("kind", [MACRO_16, MACRO_12, GOSUB_22], ids=["16", "12", "22"])
ON_BOTH = pytest.mark.parametrize("kind", [MACRO_16, GOSUB_22], ids=["16", "22"])


@dataclass(frozen=True, slots=True)
class Server:
    """The local server on a port and a database of its own."""

    url: str

    def context_for(self, phone: str) -> str | None:
        body = {"UniqueId": "1.0", "Phone": phone, "TrunkId": LINE, "LoadDialPlan": "true"}
        request = urllib.request.Request(self.url + PATH, json.dumps(body).encode(), {"Token": TOKEN})
        with urllib.request.urlopen(request, timeout=5) as reply:
            context: str | None = json.load(reply)["DialPlan"]
        return context


@pytest.fixture
def server(database_url: str, tmp_path: Path) -> Iterator[Server]:
    port = free_port()
    folders = {"SMART_REDIRECT_DATA_DIR": str(tmp_path / "data"), "SMART_REDIRECT_LOG_DIR": str(tmp_path / "logs")}
    environment = {**os.environ, **folders, "DATABASE_URL": database_url, "SMART_REDIRECT_PORT": str(port)}
    process = subprocess.Popen(
        [sys.executable, "local_server.py"], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert "serves" in process.stdout.readline()
    yield Server(f"http://127.0.0.1:{port}")
    process.terminate()
    process.communicate(timeout=15)


@pytest.fixture
def host(kind: Kind, server: Server, tmp_path: Path) -> Iterator[Host]:
    host = Host(*kind, sipp=tmp_path / "sipp", api_url=server.url, token=TOKEN).start()
    yield host
    host.stop()


def send_events(host: Host, server: Server, config: Path) -> None:
    config.write_text(f"[service]\nurl = {server.url}\ntoken = {TOKEN}\nspool = {host.path}\n")
    config.chmod(0o600)
    subprocess.run([sys.executable, str(AGENT), "--config", str(config), "events", "--once"], check=True, timeout=30)


@ON_ALL
def test_a_known_customer_reaches_the_manager_by_name(host: Host) -> None:
    manager = host.phone("150", answering_phone(100))
    host.call(Caller(LINE, b'"+375 29 111-22-33" ', user="100", hangs_up_ms=1000))
    assert '"Петрова Ольга | Салон на Немиге"' in manager.wait_for("INVITE").header("From")
    assert host.hangup_event()["Extensions"] == "150"


@ON_BOTH
def test_after_a_colleague_took_over_the_next_call_goes_to_that_colleague(
    host: Host, server: Server, tmp_path: Path
) -> None:
    first = host.phone("152", answering_phone(100))
    second = host.phone("150", answering_phone(100))
    host.call(Caller(LINE, user=REGULAR, hangs_up_ms=2500))
    first.wait_for("ACK")
    blind(host, first, "150")
    assert host.hangup_event()["Talks"].count("@") == 2
    send_events(host, server, tmp_path / "agent.conf")
    wait_until(lambda: server.context_for(REGULAR) == "mngr31_0001363_1", 10, "the history")
    host.call(Caller(LINE, user=REGULAR, hangs_up_ms=1000))
    wait_until(lambda: len(second.received("INVITE")) == 2, 10, "the second call at 150")


def test_a_stranger_goes_along_the_lines_scheme_and_is_known_the_next_time(server: Server, tmp_path: Path) -> None:
    host = Host(*MACRO_16, sipp=tmp_path / "sipp", api_url=server.url, token=TOKEN).start()
    try:
        host.phone("152", answering_phone(100))
        host.call(Caller(LINE, user=STRANGER, hangs_up_ms=2500))
        host.hangup_event()
        assert [e["Context"] for e in host.events() if e["Event"] == "dial"] == ["line_0001363"]
        send_events(host, server, tmp_path / "agent.conf")
        wait_until(lambda: server.context_for(STRANGER) == "mngr32_0001363_1", 10, "the history")
    finally:
        host.stop()


def test_a_wrong_token_gets_nothing_and_the_call_goes_on(server: Server, tmp_path: Path) -> None:
    host = Host(*MACRO_16, sipp=tmp_path / "sipp", api_url=server.url, token="somebody-elses").start()
    try:
        secretary = host.phone("152", answering_phone(100))
        host.call(Caller(LINE, user=CUSTOMER, hangs_up_ms=2500))
        assert "Петрова" not in secretary.wait_for("INVITE").header("From")
        assert "status=no_reply" in host.event_log()
    finally:
        host.stop()
