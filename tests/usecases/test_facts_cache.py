"""Facts that a process has seen lately: routes for a minute, names for five, per enterprise, bounded, clearable."""

import gc

import pytest

from smart_redirect.domain.facts import NO_FACTS, CallerFacts, Contact, Freshness, Talk
from smart_redirect.usecases.facts_cache import FactsCache
from tests.fakes.clock import Clock

TALK = Talk("150", 31, 25, 1_759_305_600.0)
FACTS = CallerFacts(TALK, TALK, (Contact(1, "Петрова", "17", "150"),), "Оля", Freshness.DATABASE)
CALLER = "+375291112233"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def cache(clock: Clock) -> FactsCache:
    cache = FactsCache(clock, capacity=3)
    cache.put(1, CALLER, FACTS, epoch=0)
    return cache


@pytest.mark.parametrize("age", [0, 60])
def test_for_a_minute_all_is_remembered(cache: FactsCache, clock: Clock, age: float) -> None:
    clock.now += age
    found = cache.get(1, CALLER)
    assert (found.last, found.contacts, found.source) == (TALK, FACTS.contacts, Freshness.CACHE)


@pytest.mark.parametrize("age", [60.1, 300])
def test_then_only_names_are(cache: FactsCache, clock: Clock, age: float) -> None:
    clock.now += age
    found = cache.get(1, CALLER)
    assert found == CallerFacts(contacts=(Contact(1, "Петрова"),), own_name="Оля", source=Freshness.NONE)


def test_and_after_five_minutes_nothing(cache: FactsCache, clock: Clock) -> None:
    clock.now += 300.1
    assert cache.get(1, CALLER) == NO_FACTS


def test_what_one_enterprise_knows_no_other_does(cache: FactsCache) -> None:
    assert cache.get(2, CALLER) == NO_FACTS


def test_a_risen_epoch_forgets_what_the_enterprise_had(cache: FactsCache) -> None:
    cache.put(2, CALLER, FACTS, epoch=0)
    cache.put(1, "+375447770011", NO_FACTS, epoch=1)
    assert (cache.get(1, CALLER), cache.get(2, CALLER).last) == (NO_FACTS, TALK)


def test_who_called_last_is_kept_when_there_are_too_many(cache: FactsCache) -> None:
    cache.put(1, "b", FACTS, epoch=0)
    cache.put(1, "c", FACTS, epoch=0)
    cache.put(1, CALLER, FACTS, epoch=0)
    cache.put(1, "d", FACTS, epoch=0)
    assert [cache.get(1, who) is not NO_FACTS for who in (CALLER, "b", "c", "d")] == [True, False, True, True]


def test_the_garbage_collector_does_not_walk_what_is_kept(clock: Clock) -> None:
    cache = FactsCache(clock)
    gc.collect()
    before = len(gc.get_objects())
    for number in range(1000):
        cache.put(1, str(number), FACTS, epoch=0)
    for _ in range(4):
        gc.collect()
    assert len(gc.get_objects()) - before < 100
