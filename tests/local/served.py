"""Runs the real local server as a child process, as `make run` does."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import httpx

from smart_redirect.local.application import CALL_PATH
from smart_redirect.local.demo import DEMO_QUESTION, DEMO_TOKEN

ROOT = Path(__file__).parents[2]


@dataclass
class Served:
    """A running server, its printed output and its address."""

    process: "subprocess.Popen[str]"
    address: str
    log_dir: Path

    def ask(self, body: str = DEMO_QUESTION, token: str = DEMO_TOKEN) -> httpx.Response:
        """Ask the call path."""
        return httpx.post(self.address + CALL_PATH, content=body.encode(), headers={"Token": token}, timeout=5)

    def greeting(self) -> str:
        """Return what was printed before the first request."""
        assert self.process.stdout is not None
        return "".join(iter(self.process.stdout.readline, "\n")) + "".join(
            self.process.stdout.readline() for _ in "1234"
        )


def free_port() -> int:
    """Return a port that nobody uses now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextlib.contextmanager
def served(
    folder: Path, *, log_dir: Path | None = None, stderr: IO[str] | None = None, **variables: str
) -> Iterator[Served]:
    """Yield a server whose data is in `folder`; it is stopped with SIGTERM."""
    port, logs = free_port(), log_dir or folder / "logs"
    environment = {
        **os.environ,
        "SMART_REDIRECT_PORT": str(port),
        "SMART_REDIRECT_DATA_DIR": str(folder / "data"),
        "SMART_REDIRECT_LOG_DIR": str(logs),
        **variables,
    }
    environment.pop("DATABASE_URL", None) if "DATABASE_URL" not in variables else None
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "local_server.py")],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=stderr,
        text=True,
    )
    try:
        yield Served(_wait(process, f"http://127.0.0.1:{port}"), f"http://127.0.0.1:{port}", logs)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=30)
        if process.stdout is not None:
            process.stdout.close()


def _wait(process: "subprocess.Popen[str]", address: str) -> "subprocess.Popen[str]":
    for _ in range(600):
        with contextlib.suppress(httpx.TransportError):
            httpx.get(f"{address}/healthz", timeout=1)
            return process
        assert process.poll() is None, "the server ended"
        time.sleep(0.1)
    raise AssertionError("the server did not come up")
