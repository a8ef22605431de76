"""What could not be recorded is listed, and recorded by a replay once its cause is gone."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from smart_redirect.adapters.postgres.history import PostgresLedger
from smart_redirect.adapters.postgres.pool import open_pool
from smart_redirect.cli.main import main
from tests.conftest import run
from tests.fakes.pbx import KEY, add_token, hangup, set_up, start, talk

Work = Callable[[asyncpg.Connection], Awaitable[Any]]


@pytest.fixture
def database(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Work], Any]:
    """Runs work on the deployment's database, in which two events of a token not known yet were given up."""
    monkeypatch.setenv("SMART_REDIRECT_KEY", KEY.decode())
    monkeypatch.setenv("DATABASE_URL", database_url)

    def do(work: Work) -> Any:
        async def on_connection() -> Any:
            connection = await asyncpg.connect(database_url)
            try:
                return await work(connection)
            finally:
                await connection.close()

        return asyncio.run(on_connection())

    do(set_up)
    run(bury(database_url))
    return do


async def bury(url: str) -> None:
    pool = await open_pool(url, size=1)
    ledger = PostgresLedger(pool)
    for event in (start(token="late"), hangup(talk("150"), token="late")):
        await ledger.bury(event.message(), "TokenUnknown: ")
    await ledger.bury("not a message", "unreadable")
    await pool.close()


def test_they_are_counted_by_reason_and_listed_without_callers(database: Any, capsys: Any) -> None:
    assert main(["events", "list"]) == 0
    assert [line.split()[:2] for line in capsys.readouterr().out.splitlines()] == [
        ["2", "TokenUnknown"],
        ["1", "unreadable"],
    ]
    assert main(["events", "list", "--reason", "TokenUnknown"]) == 0
    listed = capsys.readouterr().out
    assert ("start 1795417798.12" in listed, "hangup 1795417798.12" in listed, "291112233" in listed) == (
        True,
        True,
        False,
    )


def test_a_replay_records_what_can_be_recorded_now_and_keeps_the_rest(database: Any, capsys: Any) -> None:
    assert main(["events", "replay"]) == 0
    assert capsys.readouterr().out == "0 recorded, 3 not\n"
    database(lambda connection: add_token(connection, "late", 1))
    assert main(["events", "replay"]) == 0
    assert capsys.readouterr().out == "2 recorded, 1 not\n"
    assert database(lambda connection: connection.fetchval("SELECT status FROM calls")) == "answered"
    assert (
        database(lambda connection: connection.fetchval("SELECT string_agg(reason, ';') FROM dead_events"))
        == "unreadable"
    )


def test_a_replay_may_be_of_one_reason(database: Any, capsys: Any) -> None:
    database(lambda connection: add_token(connection, "late", 1))
    assert main(["events", "replay", "--reason", "TokenUnknown"]) == 0
    assert capsys.readouterr().out == "2 recorded, 0 not\n"
