"""The database of the tests: one server a session, one fresh and migrated database a test.

The server is the embedded one, on a memory file system. POSTGRES_BIN_TEST names the folder of another version's
programs to run instead; DATABASE_URL_TEST a running server, whose role must be allowed to create databases.
"""

import asyncio
import itertools
import os
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest
from hypothesis import HealthCheck, settings

from smart_redirect.adapters.migrations import migrate
from smart_redirect.local.embedded import EmbeddedPostgres, free_port
from smart_redirect.local.server_settings import TEST_SETTINGS

MIGRATIONS = Path(__file__).parents[1] / "infra" / "migrations"
BINARIES = Path(os.environ["POSTGRES_BIN_TEST"]) if os.environ.get("POSTGRES_BIN_TEST") else None
T = TypeVar("T")
# A busy machine is no fault of the code: what must be in time has tests of its own.
settings.register_profile("house", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("house")


def run(work: Coroutine[None, None, T]) -> T:
    """Run async work from a sync fixture on a loop of its own; the process's current loop stays as it is."""
    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(work)
    finally:
        loop.close()


async def execute(dsn: str, *statements: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


async def migrate_dsn(dsn: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await migrate(connection, MIGRATIONS)
    finally:
        await connection.close()


def copy_of(data: Path, parent: Path) -> Path:
    """A copy of a stopped server's folder, owners included: much faster than to make one anew."""
    copy = parent / f"copy-{secrets.token_hex(4)}"
    subprocess.run(["cp", "-a", str(data), str(copy)], check=True)
    return copy


@dataclass(frozen=True, slots=True)
class Server:
    """A server to make databases on: its addresses, with the path (the database) to fill in."""

    socket_url: str
    tcp_url: str | None

    def url(self, database: str) -> str:
        return urlunsplit(urlsplit(self.socket_url)._replace(path=f"/{database}"))

    def tcp(self, database: str) -> str:
        if self.tcp_url is None:
            pytest.skip("DATABASE_URL_TEST is not a TCP address")
        return urlunsplit(urlsplit(self.tcp_url)._replace(path=f"/{database}"))

    def execute(self, *statements: str) -> None:
        run(execute(self.socket_url, *statements))


@pytest.fixture(scope="session")
def memory_dir() -> Iterator[Path]:
    """A temporary folder in memory where possible, short enough for sockets, that the server can enter."""
    shared = Path("/dev/shm")
    folder = Path(tempfile.mkdtemp(prefix="sr-", dir=shared if shared.is_dir() else None))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def postgres(memory_dir: Path) -> Iterator[Server]:
    """The server of this session."""
    given = os.environ.get("DATABASE_URL_TEST")
    if given:
        yield Server(given, given if urlsplit(given).hostname else None)
        return
    with EmbeddedPostgres(
        memory_dir / "session", port=free_port(), settings=TEST_SETTINGS, binaries=BINARIES
    ) as server:
        yield Server(server.dsn, server.tcp_dsn_of("postgres"))


@pytest.fixture(scope="session")
def template_database(postgres: Server) -> Iterator[str]:
    """A migrated database that each test's own one is copied from."""
    name = f"sr_template_{secrets.token_hex(4)}"
    postgres.execute(f"CREATE DATABASE {name}")
    run(migrate_dsn(postgres.url(name)))
    yield name
    postgres.execute(f"DROP DATABASE {name}")


@pytest.fixture(scope="session")
def database_names() -> Iterator[str]:
    session = secrets.token_hex(4)
    return (f"sr_test_{session}_{number}" for number in itertools.count())


@pytest.fixture
def database(postgres: Server, template_database: str, database_names: Iterator[str]) -> Iterator[str]:
    """Name of this test's own database, migrated and empty; dropped afterwards whoever is still connected."""
    name = next(database_names)
    postgres.execute(f"CREATE DATABASE {name} TEMPLATE {template_database}")
    yield name
    postgres.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def database_url(postgres: Server, database: str) -> str:
    """Address of this test's own database."""
    return postgres.url(database)


@pytest.fixture
def database_tcp_url(postgres: Server, database: str) -> str:
    """The same over TCP, for tests that put a proxy in between."""
    return postgres.tcp(database)


@pytest.fixture(scope="session")
def migrated_data(memory_dir: Path) -> Path:
    """Data folder of a migrated server that does not run, to be copied."""
    folder = memory_dir / "migrated"
    with EmbeddedPostgres(folder, settings=TEST_SETTINGS, binaries=BINARIES) as server:
        run(migrate_dsn(server.dsn))
    return folder


@pytest.fixture
def own_postgres(memory_dir: Path, migrated_data: Path) -> Iterator[EmbeddedPostgres]:
    """A migrated server of this test alone, to be killed and restarted; its database is `server.dsn`."""
    folder = copy_of(migrated_data, memory_dir)
    with EmbeddedPostgres(folder, port=free_port(), settings=TEST_SETTINGS, binaries=BINARIES) as server:
        yield server
    shutil.rmtree(folder)
