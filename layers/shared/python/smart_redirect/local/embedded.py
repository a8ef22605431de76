"""Runs a PostgreSQL server as a child of this process, for one machine and for the tests.

Linux only. The server listens on a unix socket in a folder that is closed to other accounts; with a port, on
127.0.0.1 too, with a password. When this process ends in any way, `kill -9` included, the server shuts down.
"""

import contextlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

from smart_redirect.local.account import ENVIRONMENT
from smart_redirect.local.binaries import EmbeddedPostgresError
from smart_redirect.local.cluster import (
    STATE,
    SUPERUSER,
    Cluster,
    locate,
    open_cluster,
    open_safely,
    read_status,
    server_processes,
)
from smart_redirect.local.server_settings import FIXED_SETTINGS, SAFE_SETTINGS

# The socket's address in the kernel has 108 bytes, the last one zero.
MAX_SOCKET_PATH = 107
SOCKET_ONLY_PORT = 5432

# The shell becomes the server; before that it leaves a watcher behind, which holds the other end of a pipe of
# ours. End of file there means that we are gone; a line means that the server was stopped on purpose. The
# kernel's parent-death signal would not do: it comes when the starting *thread* ends, and is lost by setuid.
_LAUNCH = """
exec 3<&0
( ( read -r line <&3 || kill -INT $$ ) >/dev/null 2>&1 & )
exec 3<&- "$@" </dev/null
"""


class EmbeddedPostgres:
    """One server on one data folder; `start` and `stop` block, so call them in a thread from async code."""

    def __init__(
        self,
        data_dir: Path,
        *,
        port: int | None = None,
        settings: Mapping[str, str] = SAFE_SETTINGS,
        binaries: Path | None = None,
        state: Path = STATE,
    ) -> None:
        """Nothing happens yet. Without `port` there is no TCP; `state` is for root, see `cluster.locate`."""
        self._where = (data_dir, binaries, state)
        self._port = port
        self._settings = settings
        self._cluster: Cluster | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._socket_dir: Path | None = None
        self._short_socket_dir = Path("/dev/shm") / f"smart-redirect-{secrets.token_hex(8)}"  # noqa: S108
        self._cleanup = contextlib.ExitStack()

    def __enter__(self) -> Self:
        """Start the server."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the server."""
        self.stop()

    @property
    def cluster(self) -> Cluster:
        """The files of the server; known once it was started."""
        if self._cluster is None:
            raise EmbeddedPostgresError("the embedded PostgreSQL was not started")
        return self._cluster

    @property
    def pid(self) -> int:
        """Process number of the running server."""
        if self._process is None:
            raise EmbeddedPostgresError("the embedded PostgreSQL does not run")
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether the server is alive at this moment."""
        return self._process is not None and self._process.poll() is None

    @property
    def dsn(self) -> str:
        """Address for asyncpg over the unix socket."""
        return self.dsn_of(SUPERUSER)

    def dsn_of(self, database: str) -> str:
        """Address of one database over the unix socket."""
        if self._socket_dir is None:
            raise EmbeddedPostgresError("the embedded PostgreSQL was not started")
        return _socket_dsn(self._socket_dir, self._port or SOCKET_ONLY_PORT, database)

    def tcp_dsn_of(self, database: str) -> str:
        """Address of one database over TCP on this machine; needs a server with a port."""
        if self._port is None:
            raise EmbeddedPostgresError("this server was started without a port")
        return f"postgresql://{SUPERUSER}:{self.cluster.password}@127.0.0.1:{self._port}/{quote(database)}"

    def start(self, seconds: float = 120.0) -> None:
        """Start and wait until queries are answered; after a crash that includes the recovery."""
        if self._process is not None:
            raise EmbeddedPostgresError("this server was started already")
        try:
            self._open()
            self._launch()
            self._wait_until_ready(time.monotonic() + seconds)
        except BaseException:
            self.stop()
            raise

    def stop(self, seconds: float = 30.0) -> None:
        """Disconnect everybody and shut down cleanly; harsher means follow when the time is over."""
        for means in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
            if self._end(means, seconds):
                break
        self._forget()

    def kill(self) -> None:
        """End the server as a crash would (SIGKILL); `start` brings it back."""
        self._end(signal.SIGKILL, seconds=30.0)
        self._forget()

    def restart(self) -> None:
        """Stop cleanly and start again, under the same address."""
        self.stop()
        self.start()

    def _open(self) -> None:
        self._cluster = open_cluster(*self._where)
        self._cleanup.callback(os.close, self._cluster.lock())
        self._cluster.initialise(sync=self._settings.get("fsync") != "off")
        self._cluster.evict_orphans()
        self._socket_dir = self._make_socket_dir()

    def _make_socket_dir(self) -> Path:
        folder = self.cluster.home / "socket"
        if len(os.fsencode(folder / ".s.PGSQL.65535")) > MAX_SOCKET_PATH:
            folder = self._short_socket_dir
            self._cleanup.callback(shutil.rmtree, folder, ignore_errors=True)
        folder.mkdir(mode=0o700, exist_ok=folder.parent == self.cluster.home)
        self.cluster.account.take(folder)
        return folder

    def _launch(self) -> None:
        account = self.cluster.account
        log = open_safely(self.cluster.log)
        try:
            account.take(self.cluster.log)
            os.ftruncate(log, 0)
            self._process = subprocess.Popen(  # noqa: S603  our own program, words as a list
                ["/bin/sh", "-c", _LAUNCH, "sh", *self._command()],
                cwd=self.cluster.home,
                env=ENVIRONMENT,
                user=account.uid,
                group=account.gid,
                extra_groups=account.groups,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                bufsize=0,
                start_new_session=True,  # Ctrl-C is for us: we drain first, then stop the server
            )
        finally:
            os.close(log)

    def _command(self) -> list[str]:
        addresses = "" if self._port is None else "127.0.0.1"
        given = {"listen_addresses": addresses, "unix_socket_directories": f'"{self._socket_dir}"'}
        settings = {**self._settings, **FIXED_SETTINGS, **given, "port": str(self._port or SOCKET_ONLY_PORT)}
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        return [str(self.cluster.binaries / "postgres"), "-D", str(self.cluster.pgdata), *options]

    def _wait_until_ready(self, deadline: float) -> None:
        while not self._is_ready():
            if not self.running:
                raise EmbeddedPostgresError(f"PostgreSQL did not start: {self._last_words()}")
            if time.monotonic() > deadline:
                raise EmbeddedPostgresError(f"PostgreSQL is not ready in time, see {self.cluster.home}")
            time.sleep(0.005)

    def _is_ready(self) -> bool:
        status = read_status(self.cluster.pgdata)
        return status is not None and status.ready and status.pid == self.pid

    def _last_words(self) -> str:
        said = self.cluster.log.read_text(errors="replace").strip().splitlines()
        return " ".join(said[-3:]) or f"see the log files in {self.cluster.home / 'log'}"

    def _end(self, means: signal.Signals, seconds: float) -> bool:
        if self._process is None:
            return True
        self._process.send_signal(means)
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def _forget(self) -> None:
        if self._process is not None and self._process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self._process.stdin.write(b"stopped\n")
            self._process.stdin.close()
        self._process = None
        self._cleanup.close()


def dsn_of_running(data_dir: Path, state: Path = STATE) -> str | None:
    """Address of the server that another process runs on these data, for the command line; else None."""
    pgdata = locate(data_dir, state)[0] / "pgdata"
    status = read_status(pgdata)
    if status is None or status.pid not in server_processes(pgdata):
        return None
    return _socket_dsn(status.socket_dir, status.port, SUPERUSER)


def _socket_dsn(folder: Path, port: int, database: str) -> str:
    return f"postgresql://{SUPERUSER}@/{quote(database)}?host={quote(str(folder), safe='')}&port={port}"


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
