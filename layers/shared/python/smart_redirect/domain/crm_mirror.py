"""What a page of changes means for the mirror: one last state a person, with phones in E.164 and texts to be kept."""

import re
from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

from smart_redirect.domain.crm import Change, Found, Manager, Person
from smart_redirect.domain.phone import may_be, normalise
from smart_redirect.domain.phone_fields import numbers_in

T = TypeVar("T")
Steps = Generator[int, None, T]
"""Work that stops after each person to tell how many phones it has looked at, for whoever must not be held up by it."""

# What PostgreSQL cannot keep, and what a broken CRM sends: NUL and lone surrogates, among other control characters.
_UNKEPT = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]+")
_LONGEST_NAME = 200
_LONGEST_ID = 200
# A phone from abroad takes 0.1 ms, and nobody has that many: whoever lists more of them has something else there.
MOST_PHONES = 10
# Fields without any phone take time too.
_MOST_FIELDS = 50
# Of those whom a CRM names as the owners of one phone.
MOST_OWNERS = 50
# Years that every date type has; a time outside is no time.
_LATEST = 4_102_444_800.0


@dataclass(frozen=True, slots=True)
class Owner:
    """A person as the mirror keeps it; `updated_at` 0 when the CRM does not say."""

    external_id: str
    name: str
    phones: tuple[str, ...]
    responsible_id: str | None
    updated_at: float
    is_lead: bool = False


@dataclass(frozen=True, slots=True)
class Fold:
    """The last state of everybody whom some changes name; nobody is in both."""

    owners: tuple[Owner, ...] = ()
    gone: tuple[str, ...] = ()


def folding(changes: Iterable[Change], country: str) -> Steps[Fold]:
    """Return the last state of each person, in order of appearance; `country` completes national numbers."""
    last: dict[str, Change] = {}
    for change in changes:
        if external_id := kept_id(change.external_id):
            last.pop(external_id, None)
            last[external_id] = change
        yield 1
    owners: list[Owner] = []
    gone: list[str] = []
    for external_id, change in last.items():
        if isinstance(change, Person):
            owners.append(owner(change, country))
        else:
            # The one that it was joined with comes as a person of its own.
            gone.append(external_id)
        yield _cost(change)
    return Fold(tuple(owners), tuple(gone))


def owner(person: Person, country: str) -> Owner:
    """Return a person as the mirror keeps it; what is no full public number is left out."""
    phones = (normalise(raw, country) for raw in written_phones(person))
    return Owner(
        external_id=kept_id(person.external_id),
        name=_kept(person.name)[:_LONGEST_NAME],
        phones=tuple(dict.fromkeys(phone for phone in phones if phone)),
        responsible_id=kept_id(person.responsible_id or "") or None,
        updated_at=_time(person.updated_at),
        is_lead=person.is_lead,
    )


def written_phones(person: Person) -> tuple[str, ...]:
    """Return the first phones of a person as the CRM has them: people write several into one field, and words."""
    fields = person.phones[:_MOST_FIELDS]
    return tuple(islice((number for field in fields for number in numbers_in(field)), MOST_PHONES))


def finding(found: Found, country: str, phone: str) -> Steps[Sequence[Owner]]:
    """Return those who really have the phone (E.164), in the mirror's order: CRMs compare loosely."""
    owners: list[Owner] = []
    alike = 0
    for person in found.people:
        if any(may_be(raw, phone) for raw in written_phones(person)):
            alike += 1
            each = owner(person, country)
            owners += [each] if phone in each.phones else []
        yield _cost(person)
        if alike == MOST_OWNERS:
            break
    return sorted(owners, key=_rank)


def _cost(change: Change) -> int:
    return max(1, min(len(change.phones), MOST_PHONES)) if isinstance(change, Person) else 1


def kept_managers(managers: Iterable[Manager]) -> tuple[Manager, ...]:
    """Return managers as they are kept, without those who have no id."""
    found = (
        Manager(
            id=kept_id(each.id),
            name=_kept(each.name)[:_LONGEST_NAME],
            extension=_kept(each.extension or "")[:_LONGEST_NAME] or None,
            is_active=each.is_active,
        )
        for each in managers
    )
    return tuple(each for each in found if each.id)


def kept_extensions(found: Found) -> dict[str, str]:
    """Return the extensions of those who are responsible for somebody who was found, by their ids, as they are kept."""
    wanted = {each.responsible_id for each in found.people}
    known = kept_managers(Manager(each, "", extension) for each, extension in found.extensions if each in wanted)
    return {each.id: each.extension for each in known if each.extension}


def current_extensions(told: Mapping[str, str], managers: Iterable[Manager]) -> dict[str, str]:
    """Return the extensions that count, by manager: as in caller_facts, the mirror's word before that of a look-up.

    Who has left has none, whatever anybody tells.
    """
    known = {each.id: each.extension if each.is_active else "" for each in managers}
    said = {who: extension for who, extension in known.items() if extension is not None}
    return {who: extension for who, extension in {**told, **said}.items() if extension}


def _rank(each: Owner) -> tuple[bool, bool, float, int, str]:
    return each.is_lead, each.responsible_id is None, -each.updated_at, len(each.external_id), each.external_id


def kept_id(external_id: str) -> str:
    """Return an id as it is kept, empty for what is none."""
    return _kept(external_id)[:_LONGEST_ID]


def _kept(text: str) -> str:
    return _UNKEPT.sub(" ", text).strip()


def _time(seconds: float | None) -> float:
    return seconds if seconds is not None and 0 < seconds < _LATEST else 0.0
