"""The platform's database is only read: PostgreSQL itself refuses everything else, in every part of an import."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import asyncpg
import pytest

from smart_redirect.adapters.platform.source import PlatformDatabase
from smart_redirect.adapters.platform.tables import CALLS, CUSTOMERS, PARTICIPANTS, SETTINGS
from smart_redirect.domain.platform.report import Report
from tests.conftest import Server
from tests.fakes.platform_import import SCHEMA, Desk, connect

TABLES = [source.table for source in (*SETTINGS, CUSTOMERS, CALLS, PARTICIPANTS)]
WRITES = """
    CREATE TABLE written (what text);
    CREATE FUNCTION writes() RETURNS boolean LANGUAGE plpgsql AS $$
    BEGIN INSERT INTO written VALUES ('x'); RETURN true; END $$;
"""


@pytest.fixture
async def platform(postgres: Server, database_names: Iterator[str]) -> AsyncIterator[asyncpg.Connection]:
    name = next(database_names)
    admin = await connect(postgres.url("postgres"))
    await admin.execute(f"CREATE DATABASE {name} TEMPLATE template0")
    connection = await connect(postgres.url(name))
    await connection.execute(SCHEMA)
    yield connection
    await connection.close()
    await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await admin.close()


@pytest.fixture
async def desk(platform: asyncpg.Connection, database_url: str) -> AsyncIterator[Desk]:
    ours = await connect(database_url)
    yield Desk(platform, ours)
    await ours.close()


@pytest.mark.parametrize("table", TABLES)
async def test_a_read_that_would_write_is_refused_whatever_table_it_is_of(desk, table):
    view = (
        f"ALTER TABLE {table} RENAME TO real_{table}; CREATE VIEW {table} AS SELECT * FROM real_{table} WHERE writes()"
    )
    await desk.there(WRITES + view)
    with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
        await desk.run()
    assert await desk.platform.fetchval("SELECT count(*) FROM written") == 0


async def test_an_import_is_one_transaction_on_the_platform_and_it_is_read_only(desk):
    said: list[str] = []
    with desk.platform.query_logger(lambda record: said.append(record.query.strip())):
        await desk.run()
        await asyncio.sleep(0)  # the logger is called by the loop
    begun = [query for query in said if query.startswith(("BEGIN", "START", "SAVEPOINT", "COMMIT", "ROLLBACK"))]
    assert begun == ["BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;", "COMMIT;"]


async def test_what_changes_on_the_platform_meanwhile_is_not_seen_in_part(platform, postgres):
    other = await connect(postgres.url(await platform.fetchval("SELECT current_database()")))
    async with PlatformDatabase.reading(platform, 2) as reading:
        await reading.settings("0367", Report())
        await other.execute("DELETE FROM call_participants; DELETE FROM calls")
        calls = [call["id"] async for batch in reading.calls("0367") for call, _ in batch]
    await other.close()
    assert calls == [1, 2, 3, 4, 5, 6, 7, 8]


async def test_no_more_than_a_batch_is_fetched_at_a_time(platform):
    async with PlatformDatabase.reading(platform, 3) as reading:
        await reading.settings("0367", Report())
        assert [len(batch) async for batch in reading.calls("0367")] == [3, 3, 2]
