"""A round of warm-ups counts environments, and whatever is down costs no more than the round."""

import pytest

from smart_redirect.adapters.memory_mirror_rows import MirrorRows
from smart_redirect.adapters.memory_warm import MemoryCallFunction, MemoryCalls
from smart_redirect.usecases.ports_warm import Warmed
from smart_redirect.usecases.warm_environments import Environments, WarmEnvironments

NONE = Environments(0, 0, 0)


def called_lately(*enterprise_ids: int) -> MemoryCalls:
    calls = MemoryCalls(MirrorRows(lambda: 1000.0))
    for place, enterprise_id in enumerate(enterprise_ids):
        calls.call(enterprise_id, "+375291111111", 900.0 - place)
    return calls


async def test_each_environment_counts_once_however_often_it_was_met() -> None:
    function = MemoryCallFunction(environments=3)
    warm = WarmEnvironments(function, called_lately(7, 4), 5)
    assert await warm() == Environments(reached=3, ready=3, started=3)
    assert function.asked == [(7, 4)] * 5


async def test_with_a_count_of_zero_nobody_is_asked() -> None:
    function = MemoryCallFunction(1)
    assert (await WarmEnvironments(function, called_lately(7), 0)(), function.asked) == (NONE, [])


async def test_a_function_that_is_down_is_told_and_nothing_more(caplog: pytest.LogCaptureFixture) -> None:
    function = MemoryCallFunction(1)
    function.down = True
    assert await WarmEnvironments(function, called_lately(7), 2)() == NONE
    assert "2 of 2 warm-up invocations failed: down" in caplog.text


async def test_without_the_database_environments_are_kept_all_the_same() -> None:
    function, calls = MemoryCallFunction(2), called_lately(7)
    calls._rows.down = True
    assert (await WarmEnvironments(function, calls, 2)()).reached == 2
    assert function.asked == [(), ()]


async def test_one_that_is_not_ready_is_reached_but_not_ready() -> None:
    class Broken(MemoryCallFunction):
        async def warm(self, enterprise_ids: object) -> Warmed:
            return Warmed("a", was_cold=True, is_ready=False, snapshots=0)

    assert await WarmEnvironments(Broken(1), called_lately(7), 1)() == Environments(1, 0, 1)
