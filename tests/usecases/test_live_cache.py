"""What live look-ups brought is believed in process for a while: names longest, nobody found shortest, all bounded."""

import pytest

from smart_redirect.domain.facts import Contact
from smart_redirect.usecases.live_cache import Kept, LiveCache, Worth
from smart_redirect.usecases.ports_mirror import Key
from tests.fakes.clock import Clock

KEY, NEIGHBOUR = Key(1, 5), Key(2, 5)
CALLER = "+375291112233"
OLGA = Contact(5, "Петрова Ольга", "17", "150")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def cache(clock: Clock) -> LiveCache:
    cache = LiveCache(clock, capacity=3)
    cache.put(KEY, CALLER, (OLGA,), epoch=1)
    return cache


@pytest.mark.parametrize("age", [0, 60])
def test_for_a_minute_all_is_believed(cache: LiveCache, clock: Clock, age: float) -> None:
    clock.now += age
    assert cache.get(KEY, CALLER, 1) == Kept((OLGA,), Worth.ALL)


@pytest.mark.parametrize("age", [61, 300])
def test_for_five_minutes_the_name_is_believed(cache: LiveCache, clock: Clock, age: float) -> None:
    clock.now += age
    assert cache.get(KEY, CALLER, 1) == Kept((Contact(5, "Петрова Ольга"),), Worth.NAMES)


def test_after_that_nothing_is(cache: LiveCache, clock: Clock) -> None:
    clock.now += 301
    assert cache.get(KEY, CALLER, 1) == Kept()


@pytest.mark.parametrize(("age", "worth"), [(30, Worth.ALL), (31, Worth.NOTHING)])
def test_that_nobody_was_found_is_believed_shortest(cache: LiveCache, clock: Clock, age: float, worth: Worth) -> None:
    cache.put(KEY, "+375290000000", (), epoch=1)
    clock.now += age
    assert cache.get(KEY, "+375290000000", 1) == Kept((), worth)


@pytest.mark.parametrize(("key", "epoch"), [(KEY, 2), (NEIGHBOUR, 1)], ids=["cleared", "another enterprise"])
def test_what_is_cleared_or_another_s_is_not_believed(cache: LiveCache, key: Key, epoch: int) -> None:
    assert cache.get(key, CALLER, epoch) == Kept()


def test_no_more_is_kept_than_there_is_room_for(cache: LiveCache) -> None:
    for number in range(3):
        cache.put(KEY, f"+37529000000{number}", (OLGA,), epoch=1)
    assert cache.get(KEY, CALLER, 1) == Kept()
    assert cache.get(KEY, "+375290000000", 1).worth is Worth.ALL
