"""The local server as a user meets it: start, paste the line, restart, switch off and on."""

import json
import os
import secrets
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from smart_redirect.domain.reply import NOTHING
from tests.local.served import ROOT, Served, served

KNOWN = '{"Name":"Петрова Ольга | Салон на Немиге","DialPlan":"mngr31_0001363_1"}'


@pytest.fixture
def folder(memory_dir: Path) -> Path:
    """A folder of its own for each test, which the embedded server's account can enter."""
    folder = memory_dir / secrets.token_hex(4)
    folder.mkdir(mode=0o755)
    return folder


@pytest.fixture
def running(folder: Path) -> Iterator[Served]:
    with served(folder) as server:
        yield server


@pytest.fixture
def command(running: Served, folder: Path) -> Callable[..., "subprocess.CompletedProcess[str]"]:
    def run(*words: str) -> "subprocess.CompletedProcess[str]":
        environment = {**os.environ, "SMART_REDIRECT_DATA_DIR": str(folder / "data")}
        environment.pop("DATABASE_URL", None)
        program = [str(Path(sys.executable).with_name("smart-redirect")), *words]
        return subprocess.run(program, env=environment, capture_output=True, text=True, check=False)

    return run


def test_the_printed_line_works_as_pasted(running: Served) -> None:
    printed = running.greeting()
    line = next(line for line in printed.splitlines() if line.startswith("curl"))
    done = subprocess.run(shlex.split(line), capture_output=True, text=True, check=True)
    assert done.stdout == KNOWN
    assert f"answers (200): {KNOWN}" in printed


def test_data_survives_a_restart_and_a_crash(folder: Path) -> None:
    with served(folder) as server:
        assert server.ask().text == KNOWN
        server.process.kill()
        server.process.wait()
    with served(folder) as server:
        assert server.ask().text == KNOWN
    with served(folder) as server:
        assert server.ask().text == KNOWN


def test_every_decision_is_in_the_log(running: Served) -> None:
    running.ask()
    running.process.terminate()
    assert running.process.wait(timeout=30) == 0
    lines = (running.log_dir / "smart_decisions.log").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["reason"] for line in lines] == ["routed", "routed"]
    assert "291112233" not in "".join(lines)


def test_every_refusal_is_in_the_log_and_in_the_metrics(running: Served) -> None:
    assert running.ask(token="sesame").status_code == 401
    result = 'smart_redirect_decision_seconds_count{result="refused"} 1.0'
    assert result in httpx.get(f"{running.address}/metrics").text
    running.process.terminate()
    assert running.process.wait(timeout=30) == 0
    lines = (running.log_dir / "smart_decisions.log").read_text(encoding="utf-8").splitlines()
    (line,) = [json.loads(line) for line in lines if "TokenUnknown" in line]
    assert (line["sources"]["address"], line["line"]) == ("127.0.0.1", "0001363")
    assert not [line for line in lines if "sesame" in line or "291112233" in line]


def test_a_log_whose_disk_hangs_holds_up_no_call(folder: Path) -> None:
    (folder / "logs").mkdir()
    os.mkfifo(folder / "logs" / "smart_decisions.log")
    with served(folder) as server:
        for _ in range(3):
            assert server.ask().text == KNOWN
            time.sleep(0.3)
        assert httpx.get(f"{server.address}/healthz", timeout=2).status_code == 200


def test_unknown_paths_and_methods_answer_nothing(running: Served) -> None:
    for method, path, status in (("POST", "/api/callevent/old", 404), ("GET", "/api/callevent/getcustomerdata", 405)):
        response = httpx.request(method, running.address + path)
        assert (response.status_code, response.content) == (status, NOTHING)


def test_an_alias_path_is_the_call_path(folder: Path) -> None:
    with served(folder, SMART_REDIRECT_ALIAS_PATHS="/old/api, /older") as server:
        for path in ("/old/api", "/older"):
            response = httpx.post(server.address + path, content=b"{}", headers={"Token": "demo-token-0367"})
            assert (response.status_code, response.content) == (200, NOTHING)


def test_readyz_and_metrics_are_for_this_machine(running: Served) -> None:
    assert httpx.get(f"{running.address}/readyz").json()["database"] == "ok"
    forwarded = {"X-Forwarded-For": "203.0.113.9"}
    for view in ("readyz", "metrics"):
        assert httpx.get(f"{running.address}/{view}", headers=forwarded).status_code == 403


def test_the_switch_is_effective_on_the_next_call(running: Served, command: Callable[..., object]) -> None:
    for scope in (("--enterprise", "0367"), ("--all",)):
        assert command("off", *scope).returncode == 0  # type: ignore[attr-defined]
        assert running.ask().content == NOTHING
        assert command("on", *scope).returncode == 0  # type: ignore[attr-defined]
        assert running.ask().text == KNOWN


def test_an_unknown_enterprise_is_an_error_that_says_so(
    command: Callable[..., "subprocess.CompletedProcess[str]"],
) -> None:
    done = command("off", "--enterprise", "9999")
    assert (done.returncode, done.stderr) == (1, "smart-redirect: there is no enterprise 9999\n")


def test_tokens_are_added_listed_and_revoked(
    running: Served, command: Callable[..., "subprocess.CompletedProcess[str]"]
) -> None:
    added = command("token", "add", "--enterprise", "0367", "--host", "demo", "--label", "office")
    token = added.stdout.strip()
    assert running.ask(token=token).text == KNOWN
    listed = command("token", "list", "--enterprise", "0367").stdout
    assert token not in listed
    ident = next(line.split()[0] for line in listed.splitlines() if "office" in line)
    assert command("token", "revoke", "--enterprise", "0367", ident).returncode == 0
    assert (running.ask(token=token).status_code, running.ask(token=token).content) == (401, NOTHING)


def test_maintenance_and_migration_report_what_they_did(
    command: Callable[..., "subprocess.CompletedProcess[str]"],
) -> None:
    assert command("migrate").stdout == "the schema is up to date\n"
    assert command("maintain").stdout.splitlines()[0] == "decisions: 0 expired rows deleted"


def test_without_a_database_the_command_says_what_to_do(folder: Path) -> None:
    environment = {**os.environ, "SMART_REDIRECT_DATA_DIR": str(folder / "none")}
    environment.pop("DATABASE_URL", None)
    program = [str(Path(sys.executable).with_name("smart-redirect")), "off", "--all"]
    done = subprocess.run(program, env=environment, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 1
    assert "make run" in done.stderr


def test_a_setting_that_cannot_be_used_is_named(folder: Path) -> None:
    environment = {**os.environ, "SMART_REDIRECT_PORT": "many", "SMART_REDIRECT_DATA_DIR": str(folder)}
    program = [sys.executable, str(ROOT / "local_server.py")]
    done = subprocess.run(program, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "SMART_REDIRECT_PORT" in done.stderr
