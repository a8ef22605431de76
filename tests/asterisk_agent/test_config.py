"""The agent starts only with a configuration that keeps its secret."""

import ast
import subprocess
import sys

import pytest

from tests.asterisk.service import Service
from tests.asterisk_agent.conftest import AGENT, Desk, Settle, event


def test_a_configuration_that_others_can_read_is_refused(desk: Desk, service: Service) -> None:
    desk.spool(event("start", "1.0"))
    desk.config.chmod(0o644)
    done = desk.once()
    assert (done.returncode, service.asked) == (78, [])
    assert "chmod 600" in done.stderr


@pytest.mark.parametrize("url", ["http://example.org", "http://127.0.0.1.example.org", "", "ftp://127.0.0.1"])
def test_the_token_never_travels_in_clear(settle: Settle, url: str) -> None:
    done = settle(url=url).once()
    assert done.returncode == 78
    assert "url must be https" in done.stderr


def test_a_missing_token_is_said(settle: Settle) -> None:
    assert "token must be set" in settle(token="").once().stderr


def test_the_token_is_in_no_message(desk: Desk, service: Service) -> None:
    service.stop()
    desk.spool(event("start", "1.0"))
    done = desk.once()
    assert "cannot send" in done.stderr
    assert "secret-of-0367" not in done.stderr + done.stdout


def test_without_a_command_it_says_what_it_can_do() -> None:
    done = subprocess.run([sys.executable, str(AGENT)], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "events" in done.stdout


def test_the_oldest_python_that_it_promises_can_read_it() -> None:
    ast.parse(AGENT.read_text(encoding="utf-8"), feature_version=(3, 7))
