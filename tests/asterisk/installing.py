"""The agent as a program beside a real Asterisk: its configuration, its runs, and what is in its folders."""

import hashlib
import json
import os
import resource
import signal
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.asterisk.host import Host
from tests.asterisk.sip import wait_until
from tests.fakes.release_service import AGENT_KEY, ReleaseService

AGENT = Path(__file__).parents[2] / "infra" / "asterisk" / "smart-redirect-agent"
# Hosts have old Pythons: AGENT_PYTHON=python3.7 runs the agent of these tests with another one.
PYTHON = os.environ.get("AGENT_PYTHON", sys.executable)
MANAGER = """
[general]
enabled=yes
port={port}
bindaddr=127.0.0.1
[agent]
secret=word
read=command,reporting,system,call
write=command,reporting,system,call
"""


def free_tcp_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def sealed(text: str) -> str:
    """Return a changed release with a marker context that fits it."""
    body = text[: text.rindex("[sr-release-")]
    name = hashlib.sha256(body.encode()).hexdigest()[:16]
    return f"{body}[sr-release-{name}]\nexten => s,1,Hangup()\n"


@dataclass
class Agent:
    """An agent on a host. Its state and configuration are beside the host's own files."""

    host: Host
    service: ReleaseService
    ami_port: int
    folder: Path

    @property
    def file(self) -> Path:
        return self.host.path / "etc/extensions.conf"

    @property
    def state(self) -> Path:
        return self.folder / "state"

    def configure(self, *, ami: bool = True, **changed: str) -> None:
        console = f"chroot {self.host.root} /usr/sbin/asterisk -C {self.host.home}/etc/asterisk.conf"
        values = {"key": AGENT_KEY, "file": str(self.file), "state": str(self.state), "console": console}
        values |= {"ami_port": str(self.ami_port), "ami_user": "agent" if ami else "", "ami_secret": "word"} | changed
        lines = "\n".join(f"{name} = {value}" for name, value in values.items())
        url = f"http://127.0.0.1:{self.service.port}"
        text = f"[service]\nurl = {url}\ntoken = t\nspool = {self.folder}/spool\ntimeout = 3\n[dialplan]\n{lines}\n"
        path = self.folder / "agent.conf"
        path.write_text(text)
        path.chmod(0o600)

    def run(
        self, *words: str, command: str = "dialplan", crash_at: str = "", most_bytes: int = 0
    ) -> "subprocess.CompletedProcess[str]":
        """Run a command of the agent, by default one run of an installation; a file may not grow over `most_bytes`."""

        def limit() -> None:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, most_bytes))

        words = words or (("--once",) if command == "dialplan" else ())
        return subprocess.run(
            [PYTHON, "-W", "error", str(AGENT), "--config", str(self.folder / "agent.conf"), command, *words],
            env={**os.environ, "SMART_REDIRECT_AGENT_CRASH_AT": crash_at},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
            preexec_fn=limit if most_bytes else None,
        )

    def loop(self, interval: float = 0.2) -> "subprocess.Popen[str]":
        """Start the agent as its service runs it."""
        words = ["--config", str(self.folder / "agent.conf"), "dialplan", "--interval", str(interval)]
        return subprocess.Popen([PYTHON, str(AGENT), *words], text=True, stderr=subprocess.PIPE)

    def remembered(self, name: str) -> dict[str, Any]:
        found = json.loads((self.state / f"{name}.json").read_text())
        assert isinstance(found, dict)
        return found

    def loaded(self) -> list[str]:
        """Return the contexts that Asterisk has, as its console says."""
        lines = self.host.cli("dialplan show").splitlines()
        return sorted(line.split("'")[1] for line in lines if line.startswith("[ Context '"))

    def runs(self, release: str) -> bool:
        return f"sr-release-{release}" in self.loaded()

    def wait_for(self, release: str) -> None:
        wait_until(lambda: self.runs(release), 15, f"release {release}")
