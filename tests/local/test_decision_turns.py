"""The decision log stores what has come in turns that end, and loses nothing of a turn that is broken off."""

import asyncio
import errno
import json
import os
from pathlib import Path

import pytest

from smart_redirect.local.decision_log import BatchedDecisionLog
from smart_redirect.local.line_file import LineFile
from smart_redirect.local.metrics import Metrics
from tests.local.test_decision_log import Table, log, table
from tests.samples import record

__all__ = ["log", "table"]


async def test_records_that_are_being_stored_when_the_server_ends_are_stored_once_and_in_order(
    log: BatchedDecisionLog, table: Table
) -> None:
    running = asyncio.create_task(log.run(every=0.05))
    for number in range(100):
        log.write(record(unique_id=f"{number}.0"))
    await asyncio.sleep(0.07)
    log.write(record(unique_id="100.0"))
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert [json.loads(line)["call"] for line in table.lines] == [f"{number}.0" for number in range(101)]


async def test_a_turn_ends_though_records_keep_coming(log: BatchedDecisionLog, table: Table) -> None:
    log.write(record())
    turn = asyncio.create_task(log.flush(over=0.02))
    while not turn.done():
        log.write(record())
        await asyncio.sleep(0.001)
    assert (len(table.lines) <= 2, log.waiting > 0) == (True, True)


async def test_what_does_not_fit_any_more_is_the_oldest(tmp_path: Path, table: Table) -> None:
    log = BatchedDecisionLog(tmp_path / "log", table.append, Metrics(), capacity=5)
    table.away = True
    for number in range(5):
        log.write(record(unique_id=f"{number}.0"))
    turn = asyncio.create_task(log.flush(over=0.02))
    await asyncio.sleep(0)
    for number in range(5, 25):
        log.write(record(unique_id=f"{number}.0"))
        await asyncio.sleep(0)
    await turn
    table.away = False
    await log.finish()
    assert [json.loads(line)["call"] for line in table.lines] == [f"{number}.0" for number in range(20, 25)]


async def test_half_a_line_that_a_full_disk_left_takes_no_other_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, room = os.write, [6, 0]

    def to_a_small_disk(descriptor: int, data: bytes) -> int:
        if room and not room[0]:
            room.clear()
            raise OSError(errno.ENOSPC, "full")
        some = data[: room.pop(0)] if room else data
        return write(descriptor, some)

    file = LineFile(tmp_path / "log")
    monkeypatch.setattr("smart_redirect.local.line_file.os.write", to_a_small_disk)
    file.append(["first", "second"])
    await file.settled()
    file.append(["third"])
    await file.settled()
    file.append(["fourth"])
    await file.settled()
    assert (tmp_path / "log").read_text().splitlines() == ["first", "", "third", "fourth"]
    assert file.left_out == 2
