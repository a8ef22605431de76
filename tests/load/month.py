"""A month of calls to one enterprise, the same each time: who calls when, and whose manager changes."""

import random
from collections.abc import Iterator
from dataclasses import dataclass

DAY = 86_400.0
# Calls of a weekday from 00:00 on, by hour, in parts; Saturday has a third of them, Sunday a tenth.
_HOURS = (0, 0, 0, 0, 0, 0, 1, 3, 8, 14, 16, 15, 11, 12, 14, 13, 11, 8, 5, 3, 2, 1, 0, 0)
_WEEK = (1.0, 1.0, 1.05, 1.0, 0.95, 0.33, 0.1)


@dataclass(frozen=True, slots=True)
class Event:
    """At a time (seconds from a Monday's 00:00) a caller calls, or gets another manager."""

    at: float
    caller: int
    manager: int | None = None


@dataclass(frozen=True, slots=True)
class Habits:
    """What the month is made of; the numbers are assumptions, told beside the figures."""

    customers: int = 20_000
    calls_a_day: int = 600
    # Rank r calls in proportion to 1 / r ** tail: a few percent of the customers make half of the calls.
    tail: float = 0.9
    newcomers: float = 0.15
    calls_back: float = 0.25
    back_after: float = 3 * 3600.0
    manager_changes_a_day: int = 200


def month(days: int, habits: Habits, seed: int = 367) -> list[Event]:
    """Return all events in order of time."""
    chance = random.Random(seed)
    weights = [1.0 / rank**habits.tail for rank in range(1, habits.customers + 1)]
    newcomers = iter(range(habits.customers, 100 * habits.customers))
    events: list[Event] = []
    for day in range(days):
        for at in _times(day, habits, chance):
            is_new = chance.random() < habits.newcomers
            caller = next(newcomers) if is_new else chance.choices(range(habits.customers), weights)[0]
            events += _calls(caller, at, habits, chance)
        events += _changes(day, habits, chance)
    return sorted((each for each in events if each.at < days * DAY), key=lambda event: event.at)


def _times(day: int, habits: Habits, chance: random.Random) -> Iterator[float]:
    first_calls = habits.calls_a_day * (1 - habits.calls_back) * _WEEK[day % 7]
    for _ in range(round(first_calls)):
        yield (day + (chance.choices(range(24), _HOURS)[0] + chance.random()) / 24) * DAY


def _calls(caller: int, at: float, habits: Habits, chance: random.Random) -> Iterator[Event]:
    """A call and, now and then, further ones of the same matter."""
    yield Event(at, caller)
    while chance.random() < habits.calls_back:
        at += chance.expovariate(1 / habits.back_after)
        yield Event(at, caller)


def _changes(day: int, habits: Habits, chance: random.Random) -> Iterator[Event]:
    for _ in range(habits.manager_changes_a_day):
        yield Event((day + chance.random()) * DAY, chance.randrange(habits.customers), chance.randrange(20))
