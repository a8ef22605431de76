"""The runner of the migrations, on folders of migrations made for each test."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest

from smart_redirect.adapters.migrations import MigrationError, migrate, read_migrations


@pytest.fixture
def empty_database_url(postgres, database_names) -> Iterator[str]:
    name = next(database_names)
    postgres.execute(f"CREATE DATABASE {name}")
    yield postgres.url(name)
    postgres.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
async def connection(empty_database_url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(empty_database_url)
    yield connection
    await connection.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "0001_first.sql").write_text("CREATE TABLE first (id int); INSERT INTO first VALUES (1);")
    (tmp_path / "0002_second.sql").write_text("CREATE TABLE second (id int);")
    return tmp_path


async def tables(connection: asyncpg.Connection) -> list[str]:
    rows = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")
    return [row["tablename"] for row in rows]


async def test_applies_every_file_in_order_and_says_which(connection, folder):
    assert await migrate(connection, folder) == ["0001_first.sql", "0002_second.sql"]
    assert await tables(connection) == ["first", "schema_migrations", "second"]


async def test_records_version_name_and_checksum(connection, folder):
    await migrate(connection, folder)
    record = await connection.fetch("SELECT version, name, checksum FROM schema_migrations ORDER BY version")
    assert [tuple(row) for row in record] == [
        (file.version, file.name, file.checksum) for file in read_migrations(folder)
    ]


async def test_a_second_run_changes_nothing(connection, folder):
    await migrate(connection, folder)
    assert await migrate(connection, folder) == []
    assert await connection.fetchval("SELECT count(*) FROM first") == 1


async def test_a_new_file_is_applied_on_top(connection, folder):
    await migrate(connection, folder)
    (folder / "0003_third.sql").write_text("ALTER TABLE first ADD COLUMN name text;")
    assert await migrate(connection, folder) == ["0003_third.sql"]


async def test_a_changed_file_is_refused_by_name(connection, folder):
    await migrate(connection, folder)
    (folder / "0002_second.sql").write_text("CREATE TABLE second (id bigint);")
    with pytest.raises(MigrationError, match=r"0002_second\.sql was changed"):
        await migrate(connection, folder)


async def test_a_file_that_comes_too_late_is_refused_before_anything_runs(connection, folder):
    (folder / "0001_first.sql").rename(folder / "0005_first.sql")
    await migrate(connection, folder)
    (folder / "0004_late.sql").write_text("CREATE TABLE late (id int);")
    with pytest.raises(MigrationError, match=r"0004_late\.sql comes before number 5"):
        await migrate(connection, folder)
    assert "late" not in await tables(connection)


async def test_a_failing_file_leaves_nothing_behind_and_keeps_those_before_it(connection, folder):
    (folder / "0002_second.sql").write_text("CREATE TABLE half (id int); SELECT 1 / 0;")
    with pytest.raises(MigrationError, match=r"0002_second\.sql: division by zero"):
        await migrate(connection, folder)
    assert await tables(connection) == ["first", "schema_migrations"]


@pytest.mark.parametrize("ending", ["COMMIT;", "COMMIT; BEGIN;", "ROLLBACK;"])
async def test_a_file_must_not_end_its_own_transaction(connection, folder, ending):
    (folder / "0002_second.sql").write_text(f"CREATE TABLE second (id int); {ending}")
    with pytest.raises(MigrationError, match=r"0002_second\.sql ends the transaction"):
        await migrate(connection, folder)


async def test_an_older_release_runs_on_a_newer_schema(connection, folder):
    await migrate(connection, folder)
    (folder / "0002_second.sql").unlink()
    assert await migrate(connection, folder) == []


async def test_of_many_runners_at_once_exactly_one_applies_each_file(empty_database_url, folder):
    (folder / "0002_second.sql").write_text("SELECT pg_sleep(0.1); CREATE TABLE second (id int);")
    connections = [await asyncpg.connect(empty_database_url) for _ in range(4)]
    try:
        applied = await asyncio.gather(*(migrate(connection, folder) for connection in connections))
    finally:
        await asyncio.gather(*(connection.close() for connection in connections))
    assert sorted(itertools.chain(*applied)) == ["0001_first.sql", "0002_second.sql"]


async def test_a_statement_waits_for_a_table_only_for_a_moment(connection, folder):
    (folder / "0003_show.sql").write_text("CREATE TABLE shown AS SELECT current_setting('lock_timeout') AS value;")
    await migrate(connection, folder)
    assert await connection.fetchval("SELECT value FROM shown") == "5s"
    assert await connection.fetchval("SELECT current_setting('lock_timeout')") == "0"


@pytest.mark.parametrize("name", ["1_short.sql", "0003-dash.sql", "0003_Upper.sql", "notes.sql"])
def test_a_file_with_another_kind_of_name_is_refused(folder, name):
    (folder / name).write_text("SELECT 1")
    with pytest.raises(MigrationError, match="is not named like"):
        read_migrations(folder)


def test_two_files_with_one_number_are_refused(folder):
    (folder / "0002_other.sql").write_text("SELECT 1")
    with pytest.raises(MigrationError, match="have the same number"):
        read_migrations(folder)


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(MigrationError, match="has no migrations"):
        read_migrations(tmp_path)
