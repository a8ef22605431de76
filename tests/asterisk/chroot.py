"""Builds, once, a Debian chroot with a stock Asterisk in it, and keeps it under .cache/asterisk."""

import fcntl
import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

CACHE = Path(__file__).parents[2] / ".cache" / "asterisk"
NEEDED_PROGRAMS = ("debootstrap", "sipp")
PACKAGES = ("asterisk", "asterisk-modules", "ca-certificates", "openssl")
# Raised by hand when the steps below change in a way that the key does not see.
RECIPE = 1

APT_CONF = 'Acquire::Check-Valid-Until "false";\nAcquire::Languages "none";\nAPT::Install-Recommends "false";\n'
NO_SERVICES = "#!/bin/sh\nexit 101\n"


@dataclass(frozen=True, slots=True)
class Release:
    """One Asterisk to test on: the Debian suite that carries it, and its major version."""

    suite: str
    major: int


ASTERISK_16 = Release(suite="bullseye", major=16)
ASTERISK_22 = Release(suite="sid", major=22)


def why_not() -> str | None:
    """What this machine lacks for these tests, in words for the person who ran them."""
    if os.geteuid() != 0:
        return "needs root (chroot)"
    missing = [name for name in NEEDED_PROGRAMS if shutil.which(name) is None]
    return f"needs {', '.join(missing)} (apt-get install debootstrap sip-tester)" if missing else None


def chroot(release: Release) -> Path:
    """The chroot of a release, built if it is not there whole."""
    root = CACHE / release.suite
    with _lock(release):
        if not _is_whole(root, release):
            _build(root, release)
    return root


def _key(release: Release) -> str:
    recipe = f"{RECIPE} {release.suite} {' '.join(PACKAGES)} {APT_CONF}"
    return hashlib.sha256(recipe.encode()).hexdigest()


def _is_whole(root: Path, release: Release) -> bool:
    stamp = root / ".whole"
    return stamp.is_file() and stamp.read_text() == _key(release)


@contextmanager
def _lock(release: Release) -> Iterator[None]:
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / f"{release.suite}.lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _build(root: Path, release: Release) -> None:
    """Everything happens in a folder of another name: a half-made chroot is never taken for a whole one."""
    half = root.with_name(f"{root.name}.half")
    for leftover in (half, root):
        shutil.rmtree(leftover, ignore_errors=True)
    log = root.with_name(f"{root.name}.log")
    with log.open("w") as output:
        _run(["debootstrap", "--variant=minbase", release.suite, str(half)], output.fileno(), log)
        (half / "usr/sbin/policy-rc.d").write_text(NO_SERVICES)
        (half / "usr/sbin/policy-rc.d").chmod(0o755)
        (half / "etc/apt/apt.conf.d/90test").write_text(APT_CONF)
        _run(["chroot", str(half), "apt-get", "update"], output.fileno(), log)
        _run(["chroot", str(half), "apt-get", "install", "--yes", *PACKAGES], output.fileno(), log)
        _run(["chroot", str(half), "apt-get", "clean"], output.fileno(), log)
    (half / ".whole").write_text(_key(release))
    half.rename(root)


def _run(command: list[str], output: int, log: Path) -> None:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C"}
    done = subprocess.run(command, stdout=output, stderr=output, env=environment, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} failed ({done.returncode}); its output is in {log}")
