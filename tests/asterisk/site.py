"""The demo enterprise as a whole: the real service and its database, the agent, and its host on a real Asterisk."""

import contextlib
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from smart_redirect.local.demo import DEMO_TOKEN
from tests.asterisk.host import LINE, Host
from tests.asterisk.installing import MANAGER, Agent, free_tcp_port
from tests.asterisk.scenario import Caller
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


@contextlib.contextmanager
def running_site(release: tuple[Any, Any], memory_dir: Path, tmp_path: Path, **variables: str) -> Iterator[Site]:
    """Yield the site of a release of Asterisk and its dialect, the agent adopted and running."""
    folder = memory_dir / secrets.token_hex(4)
    folder.mkdir(mode=0o755)
    environment = {**os.environ, **variables, "SMART_REDIRECT_DATA_DIR": str(folder / "data")}
    environment.pop("DATABASE_URL", None)
    with served(folder, **variables) as server:
        port = free_tcp_port()
        extra = {"manager.conf": MANAGER.format(port=port)}
        host = Host(*release, sipp=tmp_path / "sipp", api_url=server.address, token=DEMO_TOKEN, extra=extra)
        place = ReleaseService(port=int(server.address.rpartition(":")[2]))
        site = Site(server, host.start(), Agent(host, place, port, tmp_path), environment)
        site.run("host", "set", *OFFICE, "--host", "demo", "--dialect", release[1].folder)
        site.sql("UPDATE pbx_hosts SET loaded_pool = NULL")
        key = site.run("host", "key", *OFFICE, "--host", "demo").stdout.strip()
        site.agent.configure(key=key)
        # Builds the release in the host's dialect; the host has never reported, which is what it says then.
        site.run("dialplan", "deploy", *OFFICE, "--wait", "0")
        adopted = site.agent.run("--adopt")
        assert (adopted.returncode, "is loaded" in adopted.stderr) == (0, True), adopted.stderr
        process = site.agent.loop()
        try:
            yield site
        finally:
            process.terminate()
            process.communicate(timeout=10)
            host.stop()
