"""The dialplan as its operator and its hosts meet it: a real server, the command line, and an agent's requests."""

import os
import re
import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from smart_redirect.domain.dialplan.loaded import names_hash
from tests.local.served import Served, served

ASTERISK = Path(__file__).parents[2] / "infra" / "asterisk"
OFFICE = ("--enterprise", "0367")
HOST = (*OFFICE, "--host", "demo")
DISABLE = "UPDATE lines SET enabled = false WHERE line_id = '3881848'"


@dataclass
class Site:
    """A running server, the command line beside it, and the key of the demo host's agent."""

    server: Served
    environment: dict[str, str]
    key: str = ""

    def run(self, *words: str) -> "subprocess.CompletedProcess[str]":
        program = [str(Path(sys.executable).with_name("smart-redirect")), *words]
        return subprocess.run(program, env=self.environment, capture_output=True, text=True, check=False)

    def sql(self, statement: str) -> None:
        """Write past our own writers, as a program of somebody else's does."""
        code = (
            "import asyncio, asyncpg, sys; from smart_redirect.cli.deployment import read_deployment_settings\n"
            "async def main():\n"
            "    connection = await asyncpg.connect(read_deployment_settings().database_url)\n"
            "    await connection.execute(sys.argv[1]); await connection.close()\n"
            "asyncio.run(main())"
        )
        subprocess.run([sys.executable, "-c", code, statement], env=self.environment, check=True)

    def agent(self) -> httpx.Client:
        return httpx.Client(base_url=self.server.address, headers={"Authorization": f"Bearer {self.key}"})

    def release(self) -> httpx.Response:
        with self.agent() as agent:
            return agent.get("/api/dialplan/release")

    def wait(self, until: Callable[[], Any], seconds: float = 5.0) -> float:
        """Wait until something is true and return how long it took, seconds."""
        began = time.monotonic()
        while not until():
            assert time.monotonic() - began < seconds
            time.sleep(0.1)
        return time.monotonic() - began

    def report(self) -> None:
        """Report as an agent does that has installed what it was given."""
        given = self.release()
        count, digest = names_hash(re.findall(r"^\[(mngr[^\]]*)\]$", given.text, re.MULTILINE))
        release = given.headers["x-release"]
        now = datetime.now(UTC).isoformat()
        body = {"release": release, "contexts": {"count": count, "sha256": digest}, "at": now}
        with self.agent() as agent:
            assert agent.post("/api/dialplan/announce", json={"release": release}).status_code == 204
            assert agent.post("/api/dialplan/report", json=body).json()["names_needed"] is False


@pytest.fixture
def site(memory_dir: Path) -> Iterator[Site]:
    folder = memory_dir / secrets.token_hex(4)
    folder.mkdir(mode=0o755)
    environment = {**os.environ, "SMART_REDIRECT_DATA_DIR": str(folder / "data")}
    environment.pop("DATABASE_URL", None)
    with served(folder) as server:
        site = Site(server, environment)
        site.key = site.run("host", "key", *HOST).stdout.strip()
        site.wait(lambda: site.release().status_code == 200)
        yield site


def test_a_change_by_any_writer_is_a_release_within_seconds_and_answered_once_reported(site: Site) -> None:
    site.report()
    assert '"mngr31_0001363_1"' in site.server.ask().text
    before = site.release().headers["etag"]
    site.sql("UPDATE lines SET enabled = false WHERE line_id = '0001366'; UPDATE users SET follow_me_enabled = false")
    site.wait(lambda: site.release().headers["etag"] != before)
    assert '"mngr31_0001363_1"' in site.server.ask().text
    site.sql("DELETE FROM user_internal_phones WHERE number = '151'")
    site.report()
    assert '"mngr31_0001363_1"' in site.server.ask().text


def test_deploy_waits_for_the_host_and_says_what_it_runs(site: Site) -> None:
    site.sql(DISABLE)
    waiting = site.run("dialplan", "deploy", *OFFICE, "--wait", "0.1")
    assert waiting.returncode == 1
    assert "has never reported" in waiting.stderr
    site.report()
    done = site.run("dialplan", "deploy", *OFFICE, "--wait", "5")
    assert (done.returncode, "demo: runs release" in done.stderr) == (0, True)


def test_rollback_gives_the_host_the_release_before_until_the_next_deploy(site: Site) -> None:
    first = site.release().headers["x-release"]
    site.sql(DISABLE)
    site.wait(lambda: site.release().headers["x-release"] != first)
    second = site.release().headers["x-release"]
    done = site.run("dialplan", "rollback", *OFFICE)
    assert (done.returncode, first in done.stdout) == (0, True)
    assert site.release().headers["x-release"] == first
    site.run("dialplan", "deploy", *OFFICE, "--wait", "0")
    assert site.release().headers["x-release"] == second


def test_rollback_does_not_go_back_to_the_dialect_of_an_older_asterisk(site: Site) -> None:
    first = site.release().headers["x-release"]
    site.sql("UPDATE pbx_hosts SET dialect = 'asterisk22'")
    site.wait(lambda: site.release().headers.get("x-release", first) != first)
    done = site.run("dialplan", "rollback", *OFFICE)
    assert (done.returncode, "in the host's dialect" in done.stderr) == (1, True)
    named = site.run("dialplan", "rollback", *OFFICE, "--to", first)
    assert (named.returncode, "in the dialect that it has now" in named.stderr) == (1, True)
    assert site.release().headers["x-release-dialect"] == "asterisk22"


def test_build_writes_what_the_host_gets(site: Site, tmp_path: Path) -> None:
    done = site.run("dialplan", "build", *OFFICE, "-o", str(tmp_path / "extensions.conf"))
    assert (done.returncode, "contexts" in done.stderr) == (0, True)
    assert (tmp_path / "extensions.conf").read_text() == site.release().text
    assert site.run("dialplan", "build", *OFFICE).stdout == site.release().text


def test_build_for_a_host_with_its_own_file_writes_the_block_only(site: Site, tmp_path: Path) -> None:
    own = tmp_path / "extensions.conf"
    own.write_text("[from-out-office]\nexten => _X.,1,Goto(shop,${EXTEN},1)\n[shop]\nexten => _X.,1,Hangup()\n")
    macros = [
        str(ASTERISK / name) for name in ("asterisk22/extensions_custom.conf", "common/smart_redirect_calls.conf")
    ]
    words = ("--block-for", str(own), *macros, "--dialect", "asterisk22", "--shape", "compact")
    done = site.run("dialplan", "build", *OFFICE, *words)
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert lines[0] == lines[-1] == ";******************************Smart Redirection" + "*" * 42
    assert "Goto(shop,${EXTEN},1)" in done.stdout


def test_diff_says_what_would_change(site: Site) -> None:
    assert site.run("dialplan", "diff", *OFFICE).stdout == "demo: nothing changes\n"
    site.sql(
        "INSERT INTO dialplan_leases VALUES (1, 'another', 1, 'infinity') ON CONFLICT (enterprise_id)"
        " DO UPDATE SET until = 'infinity'"
    )
    site.sql(DISABLE)
    done = site.run("dialplan", "diff", *OFFICE)
    assert (done.returncode, "3881848" in done.stdout) == (3, True)


def test_validate_names_what_is_wrong(site: Site) -> None:
    assert site.run("dialplan", "validate", *OFFICE).returncode == 0
    site.sql("UPDATE lines SET line_id = 'office' WHERE line_id = '0001363'")
    done = site.run("dialplan", "validate", *OFFICE)
    assert (done.returncode, "line 'office'" in done.stderr) == (1, True)


def test_hosts_are_added_set_and_listed(site: Site) -> None:
    added = site.run("host", "add", *OFFICE, "--host", "two", "--install", "whole-file", "--dialect", "asterisk22")
    assert added.returncode == 0
    assert site.run("host", "set", *OFFICE, "--host", "two", "--addresses", "192.0.2.0/24").returncode == 0
    listed = site.run("host", "list", *OFFICE).stdout
    assert "two: whole-file, asterisk22 classic" in listed
    assert "192.0.2.0/24" in listed


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("host", "add", *HOST), "has a host demo already"),
        (("host", "set", *HOST), "nothing to set"),
        (("host", "key", *OFFICE, "--host", "nowhere"), "no host nowhere"),
        (("dialplan", "diff", *OFFICE, "--host", "nowhere"), "no host nowhere"),
        (("dialplan", "rollback", *OFFICE, "--to", "0123456789abcdef"), "0123456789abcdef"),
        (("dialplan", "deploy", "--enterprise", "9999"), "no enterprise 9999"),
    ],
)
def test_what_cannot_be_done_says_why(site: Site, words: tuple[str, ...], said: str) -> None:
    done = site.run(*words)
    assert (done.returncode, said in done.stderr) == (1, True)


def test_a_key_with_only_withdraws_the_others(site: Site) -> None:
    old = site.key
    site.key = site.run("host", "key", *HOST, "--only").stdout.strip()
    assert site.release().status_code == 200
    site.key = old
    assert site.release().status_code == 401
