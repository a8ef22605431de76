"""A spool, a scripted service, and the agent as the program that a host runs."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.asterisk.service import Answer, Service

AGENT = Path(__file__).parents[2] / "infra" / "asterisk" / "smart-redirect-agent"
ACCEPTED = Answer(b"", status=202)
Line = dict[str, str]


def event(kind: str, call: str, **more: str) -> Line:
    return {"Event": kind, "UniqueId": call, "Phone": "+375291112233", "Trunk": "0001363", **more}


@dataclass(frozen=True, slots=True)
class Desk:
    """The agent's surroundings: its spool and its configuration."""

    folder: Path
    config: Path

    @property
    def events(self) -> Path:
        return self.folder / "events"

    def spool(self, *lines: Line, minute: str = "20261123T1429") -> Path:
        file = self.events / f"{minute}.jsonl"
        with file.open("a", encoding="utf-8") as handle:
            handle.writelines(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
        return file

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-W", "error", str(AGENT), "--config", str(self.config), "events", *arguments]

    def once(self) -> subprocess.CompletedProcess[str]:
        return subprocess.run(self.command("--once"), capture_output=True, text=True, check=False, timeout=30)

    def refused(self) -> list[Line]:
        files = sorted((self.folder / "refused").glob("*.jsonl"))
        return [json.loads(line) for file in files for line in file.read_text().splitlines()]


@pytest.fixture
def service() -> Iterator[Service]:
    service = Service(answer=ACCEPTED).start()
    yield service
    service.stop()


Settle = Callable[..., Desk]


@pytest.fixture
def settle(tmp_path: Path, service: Service) -> Settle:
    """A desk with other settings than the usual ones."""

    def make(**settings: str) -> Desk:
        desk = Desk(tmp_path / "spool", tmp_path / "smart-redirect.conf")
        usual = {"url": service.url, "token": "secret-of-0367", "spool": str(desk.folder), "timeout": "0.5"}
        lines = [f"{key} = {value}" for key, value in {**usual, **settings}.items()]
        desk.config.write_text("\n".join(["[service]", *lines, ""]))
        desk.config.chmod(0o600)
        desk.events.mkdir(parents=True, exist_ok=True)
        return desk

    return make


@pytest.fixture
def desk(settle: Settle) -> Desk:
    return settle()
