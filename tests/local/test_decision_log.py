"""The decision log writes every record to the file at once, and to the table when the database takes it."""

import asyncio
import contextlib
import gc
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import asyncpg
import pytest

from smart_redirect.adapters.postgres.decisions import PostgresDecisions
from smart_redirect.adapters.postgres.pool import open_pool
from smart_redirect.errors import DatabaseUnavailable
from smart_redirect.local.decision_log import BatchedDecisionLog
from smart_redirect.local.line_file import LineFile
from smart_redirect.local.metrics import Metrics
from smart_redirect.usecases.ports import DecisionRecord
from tests.samples import record, refusal


class Table:
    """A decisions table that can be away, and that refuses records with the word `poison`."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.away = False

    async def append(self, lines: Sequence[str], over: float = 0.0) -> None:
        await asyncio.sleep(over)
        if self.away:
            raise DatabaseUnavailable("away")
        if any("poison" in line for line in lines):
            raise asyncpg.DataError("poison")
        self.lines += lines


@pytest.fixture
def table() -> Table:
    return Table()


@pytest.fixture
def log(tmp_path: Path, table: Table) -> BatchedDecisionLog:
    return BatchedDecisionLog(tmp_path / "logs" / "smart_decisions.log", table.append, Metrics())


def lines_of(tmp_path: Path) -> list[str]:
    return (tmp_path / "logs" / "smart_decisions.log").read_text(encoding="utf-8").splitlines()


async def test_a_record_is_one_line_with_a_masked_phone(log: BatchedDecisionLog, tmp_path: Path) -> None:
    log.write(record())
    await log.finish()
    (line,) = lines_of(tmp_path)
    written = json.loads(line)
    assert "291112233" not in line
    assert (written["reason"], written["context"], written["name"]) == ("routed", "mngr31_0001363_1", "Петрова")
    assert written["trace"][0]["verdict"] == "chosen"
    assert written["ms"] == {"read": 0.1, "facts": 1.25, "total": 1.5}


async def test_an_enterprise_may_want_full_phones(log: BatchedDecisionLog, tmp_path: Path) -> None:
    log.write(record(enterprise=replace(record().enterprise, full_phones=True)))
    await log.finish()
    assert json.loads(lines_of(tmp_path)[0])["phone"] == "+375291112233"


async def test_the_database_gets_later_what_it_could_not_take(
    log: BatchedDecisionLog, table: Table, tmp_path: Path
) -> None:
    table.away = True
    log.write(record())
    await log.finish()
    assert (len(lines_of(tmp_path)), table.lines) == (1, [])
    table.away = False
    log.write(record())
    await log.finish()
    assert table.lines == lines_of(tmp_path)


async def test_one_bad_record_does_not_hold_up_the_others(log: BatchedDecisionLog, table: Table) -> None:
    for unique_id in ("1.0", "poison", "2.0"):
        log.write(record(unique_id=unique_id))
    await log.finish()
    assert [json.loads(line)["call"] for line in table.lines] == ["1.0", "2.0"]


async def test_the_file_may_be_rotated_away(log: BatchedDecisionLog, tmp_path: Path) -> None:
    log.write(record())
    await log.finish()
    (tmp_path / "logs" / "smart_decisions.log").rename(tmp_path / "logs" / "smart_decisions.log.1")
    log.write(record())
    await log.finish()
    assert len(lines_of(tmp_path)) == 1


async def test_a_file_that_cannot_be_written_keeps_nothing_from_the_table(
    log: BatchedDecisionLog, table: Table, tmp_path: Path
) -> None:
    (tmp_path / "logs").touch()
    log.write(record())
    await log.finish()
    (tmp_path / "logs").unlink()
    log.write(record())
    await log.finish()
    assert (len(table.lines), len(lines_of(tmp_path))) == (2, 1)


@pytest.fixture
def pipe(tmp_path: Path) -> Iterator[int]:
    """A pipe in the file's place that takes nothing more, as a disk that hangs; the other end of it."""
    (tmp_path / "logs").mkdir()
    os.mkfifo(tmp_path / "logs" / "smart_decisions.log")
    ends = [
        os.open(tmp_path / "logs" / "smart_decisions.log", mode | os.O_NONBLOCK) for mode in (os.O_RDONLY, os.O_WRONLY)
    ]
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(ends[1], b"x" * 4096)
    yield ends[0]
    for end in ends:
        os.close(end)


async def test_a_file_whose_disk_hangs_holds_up_neither_calls_nor_the_table(
    log: BatchedDecisionLog, table: Table, pipe: int
) -> None:
    for number in range(3):
        log.write(record(unique_id=f"{number}.0"))
        await asyncio.wait_for(log.flush(), 1)
    assert len(table.lines) == 3
    written = b""
    while b'"2.0"' not in written:
        with contextlib.suppress(BlockingIOError):
            written += os.read(pipe, 65536)
        await asyncio.sleep(0.01)
    await asyncio.wait_for(log.finish(), 5)
    assert written.lstrip(b"x").decode().splitlines() == table.lines


async def test_what_a_file_does_not_take_in_time_is_counted_and_told_once(
    tmp_path: Path, pipe: int, caplog: pytest.LogCaptureFixture
) -> None:
    file = LineFile(tmp_path / "logs" / "smart_decisions.log", capacity=10)
    for number in range(20):
        file.append([str(number)])
    assert (file.waiting, file.left_out, len(caplog.messages)) == (10, 10, 1)
    os.read(pipe, 1_000_000)
    await asyncio.wait_for(file.settled(), 5)
    file.append(["20"])
    await asyncio.wait_for(file.settled(), 5)
    assert os.read(pipe, 1000).split() == [str(number).encode() for number in (*range(10), 20)]
    assert [" is written again; 10 decision records" in message for message in caplog.messages] == [False, True]


async def test_records_do_not_wait_as_objects(log: BatchedDecisionLog) -> None:
    before = len([each for each in gc.get_objects() if isinstance(each, DecisionRecord)])
    for _ in range(200):
        log.write(record())
        await asyncio.sleep(0)
    left = len([each for each in gc.get_objects() if isinstance(each, DecisionRecord)])
    assert (log.waiting, left - before < 10) == (200, True)


@pytest.mark.parametrize("text", ["1.0", "\x00", "\ud800", "\\u0000", "'\"\\", "я" * 200])
async def test_the_table_takes_whatever_a_host_sent(database_url: str, tmp_path: Path, text: str) -> None:
    pool = await open_pool(database_url, size=1)
    log = BatchedDecisionLog(tmp_path / "log", PostgresDecisions(pool).append, Metrics())
    await pool.execute("INSERT INTO enterprises (number, name) VALUES ('0367', 'x')")
    log.write(record(unique_id=text, line_id=text, phone=text))
    await log.finish()
    row = await pool.fetchrow("SELECT * FROM decisions")
    await pool.close()
    assert (row["reason"], row["context"], row["enterprise_id"]) == ("routed", "mngr31_0001363_1", 1)


async def test_a_refusal_is_a_line_unless_it_is_left_out(log: BatchedDecisionLog, tmp_path: Path) -> None:
    log.refused(refusal())
    log.refused(refusal(left_out=None))
    await log.finish()
    (line,) = lines_of(tmp_path)
    assert (json.loads(line)["reason"], "291112233" in line) == ("AddressRefused", False)


async def test_the_table_takes_a_refusal_whose_enterprise_is_known(database_url: str, tmp_path: Path) -> None:
    pool = await open_pool(database_url, size=1)
    log = BatchedDecisionLog(tmp_path / "logs" / "smart_decisions.log", PostgresDecisions(pool).append, Metrics())
    await pool.execute("INSERT INTO enterprises (number, name) VALUES ('0367', 'x')")
    log.refused(refusal())
    log.refused(refusal(enterprise=None, reason="TokenUnknown"))
    await log.flush()
    rows = await pool.fetch("SELECT reason, host_id, line_id, sources->>'address' AS address FROM decisions")
    await pool.close()
    assert [tuple(row) for row in rows] == [("AddressRefused", 1, "0001363", "203.0.113.1")]
    assert (len(lines_of(tmp_path)), log.waiting) == (2, 0)


async def test_metrics_count_results_and_reasons(tmp_path: Path, table: Table) -> None:
    metrics = Metrics()
    log = BatchedDecisionLog(tmp_path / "log", table.append, metrics)
    log.write(record())
    log.write(record(decision=record().decision._replace(shadow=True)))
    log.refused(refusal(reason="TokenUnknown", enterprise=None, left_out=None))
    log.refused(refusal(reason="DatabaseUnavailable", status=503, total_ms=285.0))
    await log.finish()
    text = metrics.render().decode()
    assert 'smart_redirect_requests_total{reason="routed",result="routed"} 1.0' in text
    assert 'smart_redirect_requests_total{reason="routed",result="shadow"} 1.0' in text
    assert 'smart_redirect_requests_total{reason="TokenUnknown",result="refused"} 1.0' in text
    assert 'smart_redirect_requests_total{reason="DatabaseUnavailable",result="failed"} 1.0' in text
    for result, bucket in (("routed", "0.002"), ("shadow", "0.002"), ("refused", "0.002"), ("failed", "0.3")):
        assert f'smart_redirect_decision_seconds_bucket{{le="{bucket}",result="{result}"}} 1.0' in text
    assert 'smart_redirect_decision_seconds_bucket{le="0.25",result="failed"} 0.0' in text
