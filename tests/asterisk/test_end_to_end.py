"""All of it at once: the real service and its database, the agent, a real Asterisk, and calls placed with sipp."""

import os
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from smart_redirect.local.demo import DEMO_TOKEN
from tests.asterisk.conftest import GOSUB_22, MACRO_16
from tests.asterisk.host import LINE, Host
from tests.asterisk.installing import MANAGER, Agent, free_tcp_port
from tests.asterisk.scenario import Caller, answering_phone
from tests.asterisk.sip import wait_until
from tests.fakes.release_service import ReleaseService
from tests.local.served import Served, served

OFFICE = ("--enterprise", "0367")
# The demo's caller: her manager is at 150, who follows to 151.
KNOWN = "375291112233"


@dataclass
class Site:
    """The demo enterprise, served, with its host `demo` on a real Asterisk and an agent that runs all the time."""

    server: Served
    host: Host
    agent: Agent
    environment: dict[str, str]

    def run(self, *words: str) -> "subprocess.CompletedProcess[str]":
        program = [str(Path(sys.executable).with_name("smart-redirect")), *words]
        return subprocess.run(program, env=self.environment, capture_output=True, text=True, check=False)

    def sql(self, statement: str) -> None:
        code = (
            "import asyncio, asyncpg, sys; from smart_redirect.cli.deployment import read_deployment_settings\n"
            "async def main():\n"
            "    connection = await asyncpg.connect(read_deployment_settings().database_url)\n"
            "    await connection.execute(sys.argv[1]); await connection.close()\n"
            "asyncio.run(main())"
        )
        subprocess.run([sys.executable, "-c", code, statement], env=self.environment, check=True)

    def call(self, user: str = KNOWN, hangs_up_ms: int = 2500) -> None:
        self.host.call(Caller(LINE, user=user, hangs_up_ms=hangs_up_ms))


@pytest.fixture(params=[MACRO_16, GOSUB_22], ids=["16", "22"])
def site(request: pytest.FixtureRequest, memory_dir: Path, tmp_path: Path) -> Iterator[Site]:
    folder = memory_dir / secrets.token_hex(4)
    folder.mkdir(mode=0o755)
    environment = {**os.environ, "SMART_REDIRECT_DATA_DIR": str(folder / "data")}
    environment.pop("DATABASE_URL", None)
    with served(folder) as server:
        port = free_tcp_port()
        extra = {"manager.conf": MANAGER.format(port=port)}
        host = Host(*request.param, sipp=tmp_path / "sipp", api_url=server.address, token=DEMO_TOKEN, extra=extra)
        place = ReleaseService(port=int(server.address.rpartition(":")[2]))
        site = Site(server, host.start(), Agent(host, place, port, tmp_path), environment)
        site.run("host", "set", *OFFICE, "--host", "demo", "--dialect", request.param[1].folder)
        site.sql("UPDATE pbx_hosts SET loaded_pool = NULL")
        key = site.run("host", "key", *OFFICE, "--host", "demo").stdout.strip()
        site.agent.configure(key=key)
        assert site.agent.run("--adopt").returncode == 0
        process = site.agent.loop()
        yield site
        process.terminate()
        process.communicate(timeout=10)
        host.stop()


def test_a_known_caller_rings_her_manager(site: Site) -> None:
    manager = site.host.phone("150", answering_phone(100))
    site.call()
    invite = manager.wait_for("INVITE").text
    assert "Петрова Ольга" in invite
    assert site.host.hangup_event()["Extensions"] == "150"


def test_a_changed_follow_me_rings_another_phone_within_seconds(site: Site) -> None:
    site.sql(
        "UPDATE users SET follow_me_enabled = true WHERE id = 25; DELETE FROM follow_me_steps;"
        " INSERT INTO follow_me_steps VALUES (1, 25, 1, 2, ARRAY['152'])"
    )
    began = time.monotonic()
    done = site.run("dialplan", "deploy", *OFFICE, "--wait", "10")
    assert (done.returncode, time.monotonic() - began < 8) == (0, True), done.stderr
    other = site.host.phone("152", answering_phone(100))
    site.call()
    other.wait_for("INVITE")
    assert site.host.hangup_event()["Extensions"] == "152"


def test_a_line_that_is_switched_off_goes_its_own_way(site: Site) -> None:
    site.sql(f"UPDATE lines SET enabled = false WHERE line_id = '{LINE}'")
    assert site.run("dialplan", "deploy", *OFFICE, "--wait", "10").returncode == 0
    secretary = site.host.phone("152", answering_phone(100))
    site.call(hangs_up_ms=4000)
    secretary.wait_for("INVITE")


def test_a_new_extension_is_answered_once_it_is_loaded(site: Site) -> None:
    site.sql("UPDATE user_internal_phones SET number = '253' WHERE number = '153'")
    site.sql(
        "INSERT INTO user_internal_phones (enterprise_id, id, user_id, number) VALUES (1, 60, 27, '153');"
        " UPDATE user_extensions SET extension = '153'; UPDATE lines SET algorithms = '{crm}'"
    )
    wait_until(lambda: '"mngr60_0001363_1"' in site.server.ask().text, 10, "an answer with the new context")
    assert f"mngr60_{LINE}_1" in site.agent.loaded()


def test_pulling_the_plug_on_the_service_leaves_calls_on_their_line(site: Site) -> None:
    site.server.process.kill()
    site.server.process.wait()
    secretary = site.host.phone("152", answering_phone(100))
    site.call(hangs_up_ms=4000)
    secretary.wait_for("INVITE")
