"""The log subscription's function: no record is lost, whatever state the database is in, but those that no table can hold."""

import base64
import gzip
import json
import time
from collections.abc import Iterator
from typing import Any

import asyncpg
import pytest

from smart_redirect.adapters.decision_json import as_line
from smart_redirect.bootstrap.store_decisions import StoreDecisions
from smart_redirect.errors import DatabaseUnavailable
from tests.conftest import Server, execute, run
from tests.samples import record

GOOD = as_line(record(), 1795417798.5)
BAD = json.dumps({**json.loads(GOOD), "at": "soon"})
ENTERPRISE = "INSERT INTO enterprises (number, name) VALUES ('0367', 'x')"
READ_ONLY = "ALTER DATABASE {} SET default_transaction_read_only = {}"
END_ALL = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{}'"
# After that a connection may have died, and is tried before it is used.
A_WHILE = 0.6


def delivery(*messages: str) -> dict[str, Any]:
    """What CloudWatch Logs sends to a subscription."""
    events = [{"id": str(number), "timestamp": 0, "message": each} for number, each in enumerate(messages)]
    text = json.dumps({"messageType": "DATA_MESSAGE", "logEvents": events})
    return {"awslogs": {"data": base64.b64encode(gzip.compress(text.encode())).decode()}}


@pytest.fixture
def store(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[StoreDecisions]:
    run(execute(database_url, ENTERPRISE))
    monkeypatch.setenv("DATABASE_URL", database_url)
    store = StoreDecisions()
    yield store
    store.close()


async def count(url: str) -> int:
    connection = await asyncpg.connect(url)
    found = await connection.fetchval("SELECT count(*) FROM decisions")
    await connection.close()
    return int(found)


def test_records_are_stored_and_what_no_table_can_hold_is_counted(store: StoreDecisions, database_url: str) -> None:
    assert store(delivery("START", GOOD, BAD, GOOD), None) == {"stored": 2, "refused": 1}
    assert run(count(database_url)) == 2


def test_a_database_that_only_reads_is_one_that_is_away_until_it_writes_again(
    store: StoreDecisions, postgres: Server, database: str, database_url: str
) -> None:
    postgres.execute(READ_ONLY.format(database, "on"))
    for lines in ([GOOD], [GOOD, BAD]):
        with pytest.raises(DatabaseUnavailable, match="ReadOnlySQLTransactionError"):
            store(delivery(*lines), None)
    postgres.execute(READ_ONLY.format(database, "off"))
    assert store(delivery(GOOD), None) == {"stored": 1, "refused": 0}
    assert run(count(database_url)) == 1


def test_a_table_that_is_not_there_refuses_no_record(store: StoreDecisions, database_url: str) -> None:
    run(execute(database_url, "ALTER TABLE decisions RENAME TO others"))
    with pytest.raises(DatabaseUnavailable, match="UndefinedTableError"):
        store(delivery(GOOD), None)


def test_the_first_delivery_after_a_sleep_in_which_the_connection_died_is_stored(
    store: StoreDecisions, postgres: Server, database: str
) -> None:
    for _ in range(3):
        assert store(delivery(GOOD), None) == {"stored": 1, "refused": 0}
        postgres.execute(END_ALL.format(database))
        time.sleep(A_WHILE)
