"""smart-redirect backup and restore: database and key in one file, because one is of no use without the other."""

import argparse
import os
import subprocess
import tarfile
import tempfile
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

import asyncpg

from smart_redirect.cli.deployment import Commands, read_deployment_settings
from smart_redirect.errors import SmartRedirectError
from smart_redirect.local.binaries import candidates
from smart_redirect.local.paths import within_checkout
from smart_redirect.settings import PREFIX, Settings

_DUMP, _KEY = "database.dump", "key"


class BackupError(SmartRedirectError):
    """The back-up could not be made or taken back; the message says why."""


def add_commands(commands: Commands) -> None:
    """Add `backup` and `restore`."""
    parser = commands.add_parser("backup", help="write database and key into a file", description=__doc__)
    parser.add_argument("file", type=Path)
    parser.set_defaults(run=_backup)
    text = "Read database and key from a file of `backup`, into a database without enterprises. Restart the server."
    parser = commands.add_parser("restore", help="read them back", description=text)
    parser.add_argument("file", type=Path)
    parser.set_defaults(run=_restore)


async def _backup(given: argparse.Namespace) -> int:
    settings = read_deployment_settings()
    with tempfile.TemporaryDirectory() as folder:
        dump, key = Path(folder) / _DUMP, Path(folder) / _KEY
        _run(settings.database_url, "pg_dump", "--format=custom", "--no-owner", "--no-privileges", f"--file={dump}")
        key.write_text(settings.key)
        descriptor = os.open(given.file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file, tarfile.open(fileobj=file, mode="w") as archive:
            archive.add(dump, _DUMP)
            archive.add(key, _KEY)
    print(f"database and key are in {given.file}: whoever has it has both")
    return 0


async def _restore(given: argparse.Namespace) -> int:
    settings = read_deployment_settings()
    with tempfile.TemporaryDirectory() as folder:
        with tarfile.open(given.file) as archive:
            archive.extractall(folder, filter="data")
        key = (Path(folder) / _KEY).read_text()
        _refuse_key(key)
        await _clear(settings.database_url)
        options = ("--no-owner", "--no-privileges", "--single-transaction")
        _run(settings.database_url, "pg_restore", *options, str(Path(folder) / _DUMP))
    _write_key(settings, key)
    print("restored; restart the server")
    return 0


async def _clear(url: str) -> None:
    """Drop what migrations have made; BackupError if anything is in use there."""
    connection = await asyncpg.connect(url, timeout=10)
    try:
        there = await connection.fetchval("SELECT to_regclass('enterprises') IS NOT NULL")
        if there and await connection.fetchval("SELECT EXISTS (SELECT FROM enterprises)"):
            raise BackupError("the database has enterprises: restore into one that has none")
        await connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    finally:
        await connection.close(timeout=5)


def _refuse_key(key: str) -> None:
    """Refuse before anything is changed: tokens that were hashed by another key would all be unknown."""
    if os.environ.get(f"{PREFIX}KEY", key) != key:
        raise BackupError(f"set {PREFIX}KEY to the key in the back-up first")


def _write_key(settings: Settings, key: str) -> None:
    if f"{PREFIX}KEY" not in os.environ:
        path = within_checkout(settings.data_dir) / "key"
        path.write_text(key)
        path.chmod(0o600)


def _run(url: str, program: str, *options: str) -> None:
    """Run one of PostgreSQL's programs, of the next installation if it fails; BackupError has the first one's words."""
    parts = urlsplit(url)
    bare = urlunsplit(parts._replace(netloc=_without_password(parts.netloc)))
    environment = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "PGPASSWORD": unquote(parts.password or "")}
    said: list[str] = []
    for folder in candidates():
        command = [str(folder / program), f"--dbname={bare}", *options]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603
        if done.returncode == 0:
            return
        said.append(done.stderr.strip())
    raise BackupError(said[0] if said else "PostgreSQL's programs are not installed")


def _without_password(netloc: str) -> str:
    account, at, host = netloc.rpartition("@")
    return f"{account.partition(':')[0]}{at}{host}"
