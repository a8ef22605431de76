"""A database cluster on disk: where it lives, who owns it, how it is made and who may use it."""

import fcntl
import hashlib
import os
import secrets
import shutil
import signal
import time
from dataclasses import dataclass
from pathlib import Path

from smart_redirect.local.account import Account, make_reachable, server_account
from smart_redirect.local.binaries import EmbeddedPostgresError, find_binaries, major_version, within_reach

# Reachable for every account; used only by root, when the server's account can not enter the wished folder.
STATE = Path("/var/lib/smart-redirect")
SUPERUSER = "postgres"


@dataclass(frozen=True, slots=True)
class Status:
    """What a running server says about itself in postmaster.pid."""

    pid: int
    port: int
    socket_dir: Path
    ready: bool


@dataclass(frozen=True, slots=True)
class Cluster:
    """One folder with the data, the lock, the log and the password of one server."""

    home: Path
    account: Account
    binaries: Path

    @property
    def pgdata(self) -> Path:
        """PostgreSQL's own data directory."""
        return self.home / "pgdata"

    @property
    def log(self) -> Path:
        """What the server says before its own log files are open."""
        return self.home / "server.log"

    @property
    def password(self) -> str:
        """Password of the superuser over TCP; the socket needs none, its folder is closed to others."""
        return (self.home / "password").read_text()

    def lock(self) -> int:
        """Claim the cluster for this process until the returned descriptor is closed."""
        descriptor = open_safely(self.home / "lock")
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = os.read(descriptor, 20).decode() or "unknown"
            os.close(descriptor)
            raise EmbeddedPostgresError(f"{self.home} is already in use by process {owner}") from None
        self.account.take(self.home / "lock")
        os.ftruncate(descriptor, 0)
        os.write(descriptor, str(os.getpid()).encode())
        return descriptor

    def initialise(self, *, sync: bool) -> None:
        """Make the cluster if it is not there; a half-made one of an interrupted run is thrown away."""
        if self.pgdata.exists():
            return
        draft = self.home / "pgdata.new"
        shutil.rmtree(draft, ignore_errors=True)
        self._write_password()
        made = self.account.run(*self._initdb(draft), *([] if sync else ["--no-sync"]), cwd=self.home)
        if made.returncode != 0:
            raise EmbeddedPostgresError(f"initdb failed in {self.home}: {made.stderr.strip()}")
        draft.rename(self.pgdata)

    def _write_password(self) -> None:
        path = self.home / "password"
        path.unlink(missing_ok=True)
        descriptor = open_safely(path)
        os.write(descriptor, secrets.token_urlsafe(24).encode())
        os.close(descriptor)
        self.account.take(path)

    def _initdb(self, folder: Path) -> list[str]:
        command = [str(self.binaries / "initdb"), f"--pgdata={folder}", f"--username={SUPERUSER}"]
        command += ["--auth-local=trust", "--auth-host=scram-sha-256", f"--pwfile={self.home / 'password'}"]
        command += ["--encoding=UTF8", "--locale=C.UTF-8"]
        if major_version(self.binaries) >= 17:  # a collation that no upgrade of the C library can change
            command += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        return command

    def evict_orphans(self, seconds: float = 30.0) -> None:
        """Shut down what still runs on these data and remove what it left; call it only with the lock held.

        An orphan is there when the process that owned it was killed a moment ago. A postmaster.pid that stays
        after a power cut must go: its process number may belong to another program by now.
        """
        deadline = time.monotonic() + seconds
        while orphans := server_processes(self.pgdata):
            if time.monotonic() > deadline:
                raise EmbeddedPostgresError(f"PostgreSQL (process {orphans[0]}) still runs on {self.pgdata}")
            for pid in orphans:
                _signal(pid, signal.SIGINT)
            time.sleep(0.02)
        (self.pgdata / "postmaster.pid").unlink(missing_ok=True)


def read_status(pgdata: Path) -> Status | None:
    """What postmaster.pid says; None while it is absent or half written."""
    try:
        lines = (pgdata / "postmaster.pid").read_text().splitlines()
        return Status(int(lines[0]), int(lines[3]), Path(lines[4]), lines[7].strip() == "ready")
    except (OSError, IndexError, ValueError):
        return None


def server_processes(pgdata: Path) -> list[int]:
    """Every process of a PostgreSQL server that works in these data."""
    return [int(entry.name) for entry in Path("/proc").glob("[0-9]*") if _is_server(entry, pgdata)]


def _is_server(entry: Path, pgdata: Path) -> bool:
    try:
        return (entry / "comm").read_text() == "postgres\n" and (entry / "cwd").samefile(pgdata)
    except OSError:  # gone meanwhile, or of another account
        return False


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def open_safely(path: Path) -> int:
    """Open for reading and writing; root must not follow a link that the server's account planted."""
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)


def open_cluster(data_dir: Path, binaries: Path | None = None, state: Path = STATE) -> Cluster:
    """The cluster of a wished data folder, with its folder made; nothing runs yet."""
    home, account = locate(data_dir, state)
    _make_home(home, account)
    version = home / "pgdata" / "PG_VERSION"
    major = int(version.read_text()) if version.exists() else None
    return Cluster(home, account, within_reach(binaries or find_binaries(major), account, state))


def locate(data_dir: Path, state: Path = STATE) -> tuple[Path, Account]:
    """The folder that the data really live in, and the account that owns them.

    Usually the wished one. For root it may be unreachable for the server's account, such as below a closed
    home folder: then a folder of `state`, named by a hash of the wished path.
    """
    wished = data_dir.absolute()
    account = server_account(wished)
    if account.may_run(_nearest(wished.parent)):
        return wished, account
    home = state / f"data-{hashlib.sha256(bytes(wished)).hexdigest()[:12]}"
    return home, server_account(home)


def _nearest(folder: Path) -> Path:
    return next(path for path in (folder, *folder.parents) if path.exists())


def _make_home(home: Path, account: Account) -> None:
    if home.exists() and any(home.iterdir()) and not (home / "lock").exists():
        raise EmbeddedPostgresError(f"{home} is neither empty nor a data folder of Smart Redirect")
    make_reachable(home.parent)
    home.mkdir(mode=0o700, exist_ok=True)
    home.chmod(0o700)
    account.take(home)
