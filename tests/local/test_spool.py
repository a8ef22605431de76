"""The spool: what was acknowledged survives anything, and nothing waits longer than it must."""

import asyncio
import os
import signal
import sqlite3
import stat
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from smart_redirect.domain.event import ReceivedEvent
from smart_redirect.errors import QueueUnavailable
from smart_redirect.local.spool import Depth, Spool, age_of
from tests.fakes.pbx import START, start

# Acknowledges on stdout what is on disk, until it is killed.
PUTTER = """
import asyncio, sys
from pathlib import Path
from smart_redirect.domain.event import EventKind, ReceivedEvent
from smart_redirect.local.spool import Spool

async def put(spool, number):
    await spool.put(ReceivedEvent(EventKind.START, f"1795417798.{number}", "{}", b"h", "", 1.0))
    sys.stdout.write(f"{number}\\n")
    sys.stdout.flush()

async def main():
    spool = Spool(Path(sys.argv[1]))
    await spool.start()
    for begin in range(0, 1_000_000, 20):
        await asyncio.gather(*(put(spool, begin + each) for each in range(20)))

asyncio.run(main())
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "spool" / "events.sqlite"


@pytest.fixture
async def spool(path: Path) -> AsyncIterator[Spool]:
    spool = Spool(path, capacity=50)
    await spool.start()
    yield spool
    await spool.stop()


async def messages(spool: Spool) -> list[str]:
    return [message for _, message in await spool.claim(1_000_000)]


async def test_the_oldest_are_claimed_first_and_stay_until_removed(spool):
    told = [start(call=f"1.{number}") for number in range(5)]
    for each in told:
        await spool.put(each)
    first = await spool.claim(2)
    assert await spool.claim(2) == first
    await spool.remove([each for each, _ in first])
    assert await messages(spool) == [each.message() for each in told[2:]]


async def test_the_depth_is_told(spool):
    assert await spool.depth() == Depth(0, None)
    for at in (START + 5.0, START + 9.0):
        await spool.put(start(at=at))
    assert await spool.depth() == Depth(2, START + 5.0)
    assert age_of(await spool.depth(), now=START + 7.0) == 2.0
    assert age_of(Depth(0, None)) == 0.0


async def test_events_survive_a_restart(spool, path):
    await spool.put(start())
    await spool.stop()
    again = Spool(path)
    await again.start()
    assert await messages(again) == [start().message()]
    assert await again.depth() == Depth(1, START + 60)
    await again.stop()


async def test_a_full_spool_refuses_until_something_is_removed(spool):
    await asyncio.gather(*(spool.put(start(call=f"1.{number}")) for number in range(50)))
    with pytest.raises(QueueUnavailable):
        await spool.put(start())
    await spool.remove([each for each, _ in await spool.claim(1)])
    await spool.put(start())


async def test_a_put_that_nobody_waits_for_any_more_does_no_harm(spool):
    task = asyncio.create_task(spool.put(start()))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await spool.put(start(call="1.2"))
    assert start(call="1.2").message() in await messages(spool)


async def test_putting_wakes_whoever_listens(spool):
    woken = asyncio.Event()
    spool.on_put = woken.set
    await spool.put(start())
    assert woken.is_set()


async def test_only_its_owner_may_read_the_file(spool, path):
    await spool.put(start())
    modes = {stat.S_IMODE(each.stat().st_mode) for each in path.parent.iterdir()}
    assert (modes, stat.S_IMODE(path.parent.stat().st_mode)) == ({0o600}, 0o700)


async def test_a_spool_that_cannot_be_opened_is_told_and_may_be_opened_later(path):
    path.parent.touch()
    spool = Spool(path)
    with pytest.raises(QueueUnavailable):
        await spool.start()
    with pytest.raises(QueueUnavailable):
        await spool.put(start())
    path.parent.unlink()
    await spool.start()
    await spool.put(start())
    await spool.stop()


async def test_a_file_that_is_no_spool_is_kept_under_another_name(path, caplog):
    path.parent.mkdir()
    path.write_bytes(b"x" * 5000)
    spool = Spool(path)
    await spool.start()
    await spool.put(start())
    await spool.stop()
    (kept,) = path.parent.glob("events.sqlite.broken-*")
    assert kept.read_bytes() == b"x" * 5000
    assert [kept.name in message for message in caplog.messages] == [True]


async def test_a_file_that_breaks_while_it_is_used_is_replaced_at_the_next_start(spool, path):
    await asyncio.gather(*(spool.put(start(call=f"1.{number}")) for number in range(50)))
    sqlite3.connect(path).execute("PRAGMA wal_checkpoint(TRUNCATE)").connection.close()
    with path.open("r+b") as file:
        file.write(b"x" * path.stat().st_size)
    with pytest.raises(QueueUnavailable):
        await messages(spool)
    while spool.is_open:
        await asyncio.sleep(0.01)
    await spool.start()
    await spool.put(start(call="2.1"))
    assert await messages(spool) == [start(call="2.1").message()]
    assert len(list(path.parent.glob("events.sqlite.broken-*"))) == 1


async def test_who_comes_while_the_spool_closes_is_answered(path):
    spool = Spool(path)
    await spool.start()
    before = [asyncio.create_task(spool.put(start(call=f"1.{number}"))) for number in range(20)]
    closing = asyncio.create_task(spool.stop())
    behind = [asyncio.create_task(spool.put(start(call=f"2.{number}"))) for number in range(20)]
    answers = await asyncio.wait_for(asyncio.gather(*before, closing, *behind, return_exceptions=True), 10)
    assert answers[:21] == [None] * 21
    assert all(each is None or isinstance(each, QueueUnavailable) for each in answers[21:])
    with pytest.raises(QueueUnavailable):
        await spool.put(start())


async def test_a_disk_that_refuses_is_told_and_the_next_put_works(spool, path):
    blocker = sqlite3.connect(path)
    blocker.execute("CREATE TRIGGER full BEFORE INSERT ON events BEGIN SELECT RAISE(FAIL, 'disk full'); END")
    blocker.commit()
    with pytest.raises(QueueUnavailable, match="disk full"):
        await spool.put(start())
    blocker.execute("DROP TRIGGER full")
    blocker.commit()
    blocker.close()
    await spool.put(start())
    assert await spool.depth() == Depth(1, START + 60)


async def test_the_loop_runs_on_while_the_disk_is_busy(spool, path):
    blocker = sqlite3.connect(path, isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    put = asyncio.create_task(spool.put(start()))
    for _ in range(5):
        await asyncio.wait_for(asyncio.sleep(0.01), 0.2)
    assert not put.done()
    blocker.execute("COMMIT")
    blocker.close()
    await put


async def test_nothing_acknowledged_is_lost_when_the_process_is_killed(path):
    with subprocess.Popen([sys.executable, "-c", PUTTER, str(path)], stdout=subprocess.PIPE, text=True) as process:
        heard = [int(process.stdout.readline()) for _ in range(200)]
        os.kill(process.pid, signal.SIGKILL)
        heard += [int(line) for line in process.stdout if line.endswith("\n")]
    spool = Spool(path)
    await spool.start()
    kept = {ReceivedEvent.of_message(each).unique_id for each in await messages(spool)}
    await spool.stop()
    assert {f"1795417798.{number}" for number in heard} <= kept
