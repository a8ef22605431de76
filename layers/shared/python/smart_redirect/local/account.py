"""The system account that the embedded PostgreSQL runs as, because it refuses to run as root."""

import os
import pwd
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

UNPRIVILEGED = ("postgres", "nobody")

# Nothing of the caller's environment reaches the server: PG* variables and locales would change what it does.
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C"}


@dataclass(frozen=True, slots=True)
class Account:
    """Who runs the server's programs; without ids, whoever runs this process."""

    uid: int | None = None
    gid: int | None = None

    @property
    def groups(self) -> list[int] | None:
        """Supplementary groups: none of root's when the account is not our own."""
        return None if self.uid is None else []

    def run(self, *command: str | Path, cwd: str | Path = "/") -> subprocess.CompletedProcess[str]:
        """Run a program as this account and hand back its exit code and output."""
        return subprocess.run(  # noqa: S603  our own programs, words as a list
            [str(word) for word in command],
            cwd=cwd,
            env=ENVIRONMENT,
            user=self.uid,
            group=self.gid,
            extra_groups=self.groups,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    def may_run(self, path: Path) -> bool:
        """Whether this account can execute a program, or enter a folder, through all folders above it."""
        return self.run("/bin/sh", "-c", 'test -x "$1"', "sh", path).returncode == 0

    def take(self, path: Path) -> None:
        """Make this account the owner of a file or folder."""
        if self.uid is not None and self.gid is not None:
            os.chown(path, self.uid, self.gid, follow_symlinks=False)


def server_account(home: Path) -> Account:
    """Our own account; for root, whoever already owns the data, else an existing unprivileged one."""
    if os.geteuid() != 0:
        return Account()
    if home.exists() and home.stat().st_uid != 0:
        return Account(home.stat().st_uid, home.stat().st_gid)
    entry = next(_existing(UNPRIVILEGED))
    return Account(entry.pw_uid, entry.pw_gid)


def _existing(names: tuple[str, ...]) -> Iterator[pwd.struct_passwd]:
    for name in names:
        try:
            yield pwd.getpwnam(name)
        except KeyError:
            continue


def make_reachable(folder: Path) -> None:
    """Make a folder that every account can enter, whatever the umask says; existing ones stay as they are."""
    for path in reversed((folder, *folder.parents)):
        if not path.exists():
            path.mkdir(exist_ok=True)
            path.chmod(0o755)
