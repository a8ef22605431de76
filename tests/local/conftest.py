"""Servers for the tests of the embedded PostgreSQL, with every build of it that is installed."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from smart_redirect.local.binaries import candidates
from smart_redirect.local.embedded import EmbeddedPostgres, free_port
from smart_redirect.local.server_settings import TEST_SETTINGS
from tests.conftest import copy_of

SOURCE = Path(__file__).parents[2] / "layers" / "shared" / "python"

# Needs nothing but the standard library, so that any Python of the machine will do.
OWNER = """
import sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from smart_redirect.local.embedded import EmbeddedPostgres
from smart_redirect.local.server_settings import TEST_SETTINGS
with EmbeddedPostgres(Path(sys.argv[2]), settings=TEST_SETTINGS, binaries=Path(sys.argv[3])) as server:
    print(server.dsn, flush=True)
    sys.stdin.read()
"""


@pytest.fixture(scope="module", params=list(candidates()), ids=lambda folder: folder.parts[-2])
def binaries(request) -> Path:
    return request.param


@pytest.fixture(scope="module")
def fresh(memory_dir: Path, binaries: Path) -> Path:
    folder = memory_dir / f"fresh-{binaries.parts[-2]}"
    with EmbeddedPostgres(folder, settings=TEST_SETTINGS, binaries=binaries):
        return folder


@pytest.fixture
def data_dir(memory_dir: Path, fresh: Path) -> Iterator[Path]:
    folder = copy_of(fresh, memory_dir)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def server(data_dir: Path, binaries: Path) -> Iterator[EmbeddedPostgres]:
    with EmbeddedPostgres(data_dir, port=free_port(), settings=TEST_SETTINGS, binaries=binaries) as server:
        yield server


async def query(dsn: str, *statements: str) -> object:
    """Result of the last statement."""
    connection = await asyncpg.connect(dsn)
    try:
        return [await connection.fetchval(statement) for statement in statements][-1]
    finally:
        await connection.close()
