"""Caller facts that a process has seen lately: names and routes for the moments when the database is away."""

import marshal
from collections import OrderedDict

from smart_redirect.domain.facts import NO_FACTS, CallerFacts, Contact, Freshness, Talk
from smart_redirect.usecases.ports import Clock

_Talk = tuple[str, int | None, int | None, float]
_Contact = tuple[int, str, str, str, float, bool]
# When it was said and at which epoch, the first and the last talk, the contacts, the own name.
_Packed = tuple[float, int, _Talk | None, _Talk | None, tuple[_Contact, ...], str]


class FactsCache:
    """The last facts of each caller; used only when the database did not answer. Times in seconds.

    They are kept as bytes: whatever could refer to something is walked through by the garbage collector while calls
    wait, thousands of callers at a time (docs/performance.md).
    """

    def __init__(
        self, clock: Clock, names_for: float = 300.0, routes_for: float = 60.0, capacity: int = 20_000
    ) -> None:
        self._clock = clock
        self._names_for = names_for
        self._routes_for = routes_for
        self._capacity = capacity
        self._seen: OrderedDict[tuple[int, str], bytes] = OrderedDict()
        self._epochs: dict[int, int] = {}

    def put(self, enterprise_id: int, caller: str, facts: CallerFacts, epoch: int) -> None:
        """Keep what the database said; a risen epoch forgets all that the enterprise had before."""
        self._epochs[enterprise_id] = epoch
        key = (enterprise_id, caller)
        self._seen[key] = _packed(facts, self._clock(), epoch)
        self._seen.move_to_end(key)
        if len(self._seen) > self._capacity:
            self._seen.popitem(last=False)

    def epoch_of(self, enterprise_id: int) -> int:
        """Return the newest epoch that the database has told."""
        return self._epochs.get(enterprise_id, 0)

    def get(self, enterprise_id: int, caller: str) -> CallerFacts:
        """Return what is still young enough: all, names only, or nothing."""
        seen = self._seen.get((enterprise_id, caller))
        if seen is None:
            return NO_FACTS
        packed: _Packed = marshal.loads(seen)  # noqa: S302  our own bytes
        at, epoch = packed[:2]
        age = self._clock() - at
        if epoch != self._epochs.get(enterprise_id) or age > self._names_for:
            return NO_FACTS
        return _facts(packed) if age <= self._routes_for else _names_only(_facts(packed))


def _packed(facts: CallerFacts, at: float, epoch: int) -> bytes:
    """Pack named tuples as plain ones, which a slice of them is."""
    first, last, contacts, own_name, _ = facts
    packed: _Packed = at, epoch, first and first[:], last and last[:], tuple([each[:] for each in contacts]), own_name
    return marshal.dumps(packed)


def _facts(packed: _Packed) -> CallerFacts:
    _, _, first, last, contacts, own_name = packed
    return CallerFacts(
        first=None if first is None else Talk(*first),
        last=None if last is None else Talk(*last),
        contacts=tuple(Contact(*each) for each in contacts),
        own_name=own_name,
        source=Freshness.CACHE,
    )


def _names_only(facts: CallerFacts) -> CallerFacts:
    contacts = tuple(each._replace(responsible_id="", responsible_extension="") for each in facts.contacts)
    return CallerFacts(contacts=contacts, own_name=facts.own_name, source=Freshness.NONE)
