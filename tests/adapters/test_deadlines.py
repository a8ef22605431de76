"""One timer ends every read at its own time, and none that was over before."""

import asyncio

import pytest

from smart_redirect.adapters.postgres.deadlines import Deadlines


class Line:
    """A connection that notes when it was cut."""

    def __init__(self) -> None:
        self.cut_at = 0.0

    def terminate(self) -> None:
        self.cut_at = asyncio.get_running_loop().time()


def soon(seconds: float) -> float:
    return asyncio.get_running_loop().time() + seconds


async def test_each_connection_is_cut_at_its_own_time_in_whatever_order_they_were_guarded() -> None:
    deadlines, times = Deadlines(), [soon(0.09), soon(0.03), soon(0.06)]
    lines = [Line() for _ in times]
    for line, until in zip(lines, times, strict=True):
        deadlines.guard(until).connection = line
    await asyncio.sleep(0.2)
    assert all(until - 0.002 <= line.cut_at < until + 0.05 for line, until in zip(lines, times, strict=True))
    assert lines[1].cut_at < lines[2].cut_at < lines[0].cut_at


async def test_a_read_that_is_over_is_left_alone() -> None:
    deadlines, over, late = Deadlines(), Line(), Line()
    guard = deadlines.guard(soon(0.02))
    guard.connection = over
    deadlines.guard(soon(0.04)).connection = late
    guard.stand_down()
    await asyncio.sleep(0.1)
    assert (over.cut_at, late.cut_at > 0) == (0.0, True)


async def test_who_waits_for_a_connection_is_cancelled_and_can_tell_by_whom() -> None:
    guard = Deadlines().guard(soon(0.02))
    with pytest.raises(asyncio.CancelledError):
        await asyncio.sleep(5)
    assert guard.has_cancelled()


async def test_a_cancellation_from_outside_is_not_the_guards_own() -> None:
    guard = Deadlines().guard(soon(5))
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().call_later(0.01, task.cancel)
    with pytest.raises(asyncio.CancelledError):
        await asyncio.sleep(5)
    assert not guard.has_cancelled()
    task.uncancel()


async def test_what_is_over_is_forgotten_at_once() -> None:
    deadlines = Deadlines()
    for _ in range(1000):
        deadlines.guard(soon(10)).stand_down()
    assert not deadlines.pending


async def test_what_is_guarded_after_the_timer_was_set_is_cut_too_when_it_is_due_earlier_or_later() -> None:
    deadlines, lines = Deadlines(), [Line(), Line(), Line()]
    deadlines.guard(soon(0.05)).stand_down()
    for line, seconds in zip(lines, (0.08, 0.02, 0.11), strict=True):
        deadlines.guard(soon(seconds)).connection = line
    await asyncio.sleep(0.2)
    assert 0 < lines[1].cut_at < lines[0].cut_at < lines[2].cut_at
    assert not deadlines.pending
