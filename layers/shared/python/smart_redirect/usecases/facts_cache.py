"""Caller facts that a process has seen lately: names and routes for the moments when the database is away."""

from collections import OrderedDict
from dataclasses import replace
from typing import NamedTuple

from smart_redirect.domain.facts import NO_FACTS, CallerFacts, Freshness
from smart_redirect.usecases.ports import Clock


class _Seen(NamedTuple):
    facts: CallerFacts
    at: float
    epoch: int


class FactsCache:
    """The last facts of each caller; used only when the database did not answer. Times in seconds."""

    def __init__(
        self, clock: Clock, names_for: float = 300.0, routes_for: float = 60.0, capacity: int = 20_000
    ) -> None:
        self._clock = clock
        self._names_for = names_for
        self._routes_for = routes_for
        self._capacity = capacity
        self._seen: OrderedDict[tuple[int, str], _Seen] = OrderedDict()
        self._epochs: dict[int, int] = {}

    def put(self, enterprise_id: int, caller: str, facts: CallerFacts, epoch: int) -> None:
        """Keep what the database said; a risen epoch forgets all that the enterprise had before."""
        self._epochs[enterprise_id] = epoch
        key = (enterprise_id, caller)
        self._seen[key] = _Seen(facts, self._clock(), epoch)
        self._seen.move_to_end(key)
        if len(self._seen) > self._capacity:
            self._seen.popitem(last=False)

    def epoch_of(self, enterprise_id: int) -> int:
        """Return the newest epoch that the database has told."""
        return self._epochs.get(enterprise_id, 0)

    def get(self, enterprise_id: int, caller: str) -> CallerFacts:
        """Return what is still young enough: all, names only, or nothing."""
        seen = self._seen.get((enterprise_id, caller))
        if seen is None or seen.epoch != self._epochs.get(enterprise_id):
            return NO_FACTS
        age = self._clock() - seen.at
        if age <= self._routes_for:
            return replace(seen.facts, source=Freshness.CACHE)
        return _names_only(seen.facts) if age <= self._names_for else NO_FACTS


def _names_only(facts: CallerFacts) -> CallerFacts:
    contacts = tuple(replace(each, responsible_id="", responsible_extension="") for each in facts.contacts)
    return CallerFacts(contacts=contacts, own_name=facts.own_name, source=Freshness.NONE)
