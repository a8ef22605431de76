"""pgbouncer in transaction mode before a server: what RDS Proxy does to a client's sessions."""

import os
import pwd
import re
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit, urlunsplit

from smart_redirect.local.embedded import free_port

PGBOUNCER = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")
CONFIG = """
[databases]
{database} = host=127.0.0.1 port={server_port} user={user} password={password}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = {sessions}
ignore_startup_parameters = extra_float_digits
{statements}
"""


def knows_statements() -> bool:
    """Tell whether this pgbouncer may follow prepared statements by itself (from 1.21 on), which RDS Proxy does not."""
    said = subprocess.run([str(PGBOUNCER), "--version"], capture_output=True, text=True, check=True).stdout
    found = re.search(r"PgBouncer (\d+)\.(\d+)", said)
    return found is not None and (int(found[1]), int(found[2])) >= (1, 21)


class Pooler:
    """Hands the transactions of all its clients to `sessions` sessions of one database."""

    def __init__(self, url: str, sessions: int) -> None:
        self._parts = urlsplit(url)
        self._port = free_port()
        self._sessions = sessions
        self._folder = tempfile.TemporaryDirectory(prefix="pooler-")
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Address of the same database through the pooler."""
        return urlunsplit(self._parts._replace(netloc=f"anybody:any@127.0.0.1:{self._port}"))

    def __enter__(self) -> Self:
        config = Path(self._folder.name) / "pgbouncer.ini"
        config.write_text(self._config())
        Path(self._folder.name).chmod(0o755)
        account = pwd.getpwnam("nobody") if os.geteuid() == 0 else None
        self._process = subprocess.Popen(
            [str(PGBOUNCER), "-q", str(config)], user=account.pw_uid if account else None, stderr=subprocess.DEVNULL
        )
        self._wait()
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(timeout=10)
        self._folder.cleanup()

    def _config(self) -> str:
        return CONFIG.format(
            statements="max_prepared_statements = 0" if knows_statements() else "",
            database=self._parts.path.removeprefix("/"),
            server_port=self._parts.port,
            user=self._parts.username,
            password=self._parts.password,
            port=self._port,
            sessions=self._sessions,
        )

    def _wait(self) -> None:
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", self._port), timeout=1).close()
            except OSError:
                time.sleep(0.02)
            else:
                return
        raise RuntimeError("pgbouncer did not start")
