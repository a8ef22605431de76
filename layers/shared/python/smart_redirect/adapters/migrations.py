"""Brings a database to the schema of the numbered SQL files, each applied once and in order."""

import hashlib
import itertools
import re
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from smart_redirect.errors import SmartRedirectError

# Any number will do, as long as every runner uses the same one.
LOCK = 7_236_190_427
_FILE_NAME = re.compile(r"(\d{4})_([a-z0-9_]+)\.sql")

# A runner waits for another one for long, but a statement waits for the tables only for moments: while it
# waits for its lock, every query behind it waits too, those of the calls included.
_CLAIM = f"SET LOCAL lock_timeout = '10min'; SELECT pg_advisory_xact_lock({LOCK}); SET LOCAL lock_timeout = '5s'"

_CREATE_RECORD = """
CREATE TABLE IF NOT EXISTS schema_migrations (
    version int PRIMARY KEY,
    name text NOT NULL,
    checksum text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
)
"""
_INSERT_RECORD = "INSERT INTO schema_migrations (version, name, checksum) VALUES ($1, $2, $3)"
_SELECT_RECORD = "SELECT version, checksum FROM schema_migrations"


class MigrationError(SmartRedirectError):
    """The schema can not be brought up to date; the message names the file."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One SQL file."""

    version: int
    name: str
    checksum: str
    sql: str


async def migrate(connection: asyncpg.Connection, folder: Path) -> list[str]:
    """Apply what is missing, each file in its own transaction, and return the names of the files applied.

    Safe to run from many processes at once, behind a transaction pooler too. A file that was changed after it
    was applied, or that comes before one that was, is refused. Versions that the database has and the folder
    has not are left alone: that is an older release running on a newer schema.
    """
    files = read_migrations(folder)
    async with connection.transaction():
        await connection.execute(_CLAIM)
        await connection.execute(_CREATE_RECORD)
        _refuse_unknown_history(files, await _applied(connection))
    return [file.name for file in files if await _apply(connection, file)]


def read_migrations(folder: Path) -> tuple[Migration, ...]:
    """The files of a folder, in order."""
    files = tuple(_read(path) for path in sorted(folder.glob("*.sql")))
    if not files:
        raise MigrationError(f"{folder} has no migrations")
    for one, following in itertools.pairwise(files):
        if one.version == following.version:
            raise MigrationError(f"{one.name} and {following.name} have the same number")
    return files


def _read(path: Path) -> Migration:
    found = _FILE_NAME.fullmatch(path.name)
    if found is None:
        raise MigrationError(f"{path.name} is not named like 0001_what_it_does.sql")
    content = path.read_bytes()
    return Migration(int(found[1]), path.name, hashlib.sha256(content).hexdigest(), content.decode())


def _refuse_unknown_history(files: tuple[Migration, ...], applied: dict[int, str]) -> None:
    newest = max(applied, default=0)
    for file in files:
        if file.version not in applied and file.version < newest:
            raise MigrationError(f"{file.name} comes before number {newest}, which was applied already")
        if applied.get(file.version, file.checksum) != file.checksum:
            raise MigrationError(f"{file.name} was changed after it had been applied: add a new file instead")


async def _applied(connection: asyncpg.Connection) -> dict[int, str]:
    return {row["version"]: row["checksum"] for row in await connection.fetch(_SELECT_RECORD)}


async def _apply(connection: asyncpg.Connection, file: Migration) -> bool:
    async with connection.transaction():
        await connection.execute(_CLAIM)
        if file.version in await _applied(connection):
            return False
        await _run(connection, file)
        await connection.execute(_INSERT_RECORD, file.version, file.name, file.checksum)
    return True


async def _run(connection: asyncpg.Connection, file: Migration) -> None:
    before = await connection.fetchval("SELECT pg_current_xact_id()::text")
    try:
        await connection.execute(file.sql)
        after = await connection.fetchval("SELECT pg_current_xact_id()::text")
    except asyncpg.PostgresError as error:
        raise MigrationError(f"{file.name}: {error}") from error
    if before != after:
        raise MigrationError(f"{file.name} ends the transaction that it is run in: it must not say COMMIT")
