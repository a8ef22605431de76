"""What live look-ups brought lately, in process: bridges the time until the mirror has it, or fails to take it."""

from collections import OrderedDict
from dataclasses import dataclass
from enum import StrEnum

from smart_redirect.domain.facts import Contact
from smart_redirect.usecases.ports import Clock
from smart_redirect.usecases.ports_mirror import Key


class Worth(StrEnum):
    """How much of a kept result still counts."""

    ALL = "all"
    NAMES = "names"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Lasting:
    """For how many seconds what is believed in process; nobody found is believed shortest."""

    names: float = 300.0
    routes: float = 60.0
    missed: float = 30.0


@dataclass(frozen=True, slots=True)
class Kept:
    """What one connection said of a caller, and how much of it still counts."""

    contacts: tuple[Contact, ...] = ()
    worth: Worth = Worth.NOTHING


@dataclass(frozen=True, slots=True)
class _Seen:
    contacts: tuple[Contact, ...]
    at: float
    epoch: int


class LiveCache:
    """The newest answer of each connection about each caller, the oldest forgotten first; times in seconds."""

    def __init__(self, clock: Clock, lasting: Lasting | None = None, capacity: int = 20_000) -> None:
        self._clock = clock
        self._lasting = lasting or Lasting()
        self._capacity = capacity
        self._seen: OrderedDict[tuple[Key, str], _Seen] = OrderedDict()

    def put(self, key: Key, caller: str, contacts: tuple[Contact, ...], epoch: int) -> None:
        """Keep an answer, an empty one too: it says that the connection does not know the caller."""
        self._seen[key, caller] = _Seen(contacts, self._clock(), epoch)
        self._seen.move_to_end((key, caller))
        if len(self._seen) > self._capacity:
            self._seen.popitem(last=False)

    def get(self, key: Key, caller: str, epoch: int) -> Kept:
        """Return what is young enough and of the same epoch; with the routes out of date, the names alone."""
        seen = self._seen.get((key, caller))
        if seen is None or seen.epoch != epoch:
            return Kept()
        age = self._clock() - seen.at
        if age <= (self._lasting.routes if seen.contacts else self._lasting.missed):
            return Kept(seen.contacts, Worth.ALL)
        if seen.contacts and age <= self._lasting.names:
            return Kept(tuple(map(_name_only, seen.contacts)), Worth.NAMES)
        return Kept()


def _name_only(contact: Contact) -> Contact:
    return contact._replace(responsible_id="", responsible_extension="")
