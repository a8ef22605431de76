"""Where a walk through Bitrix24 is, and where its increments begin, as text that the mirror keeps."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta

from smart_redirect.adapters.crm.bitrix24_rest import PAGE
from smart_redirect.adapters.crm.json_values import Json, read_json
from smart_redirect.domain.crm import Page, Person
from smart_redirect.errors import CrmMalformed

# DATE_MODIFY is the database's clock, and a change is seen only once its transaction has ended.
_OVERLAP = timedelta(minutes=2)
_LONGEST_SINCE = 40


@dataclass(frozen=True, slots=True)
class Place:
    """Where a pass is: the walk of everything when `since` is empty, else of what was changed since then.

    `left` are the kinds that are not read to their end with the last id read; `following` is where the next pass
    begins; `companies` are those whose contacts are still to be read again, behind the contact `contact`.
    """

    since: str
    following: str
    left: Mapping[str, int]
    companies: tuple[str, ...] = ()
    contact: int = 0
    done: int = 0

    @classmethod
    def of(cls, kinds: Sequence[str], since: str = "") -> "Place":
        """Return the beginning of a pass."""
        return cls(since, "", dict.fromkeys(kinds, 0))

    @property
    def is_fresh(self) -> bool:
        """Whether nothing is read of this pass: then one page of each kind is, which often is all."""
        return not self.following

    def passed(self, rows: Mapping[str, Sequence[Json]], began: datetime) -> "Place":
        """Return the place after these rows of each kind."""
        left = dict(self.left)
        for kind, of in rows.items():
            if is_end(of):
                del left[kind]
            else:
                left[kind] = last_id(of)
        changed = tuple(row["ID"].text for row in rows.get("company", ())) if self.since else ()
        following = self.following or (began - _OVERLAP).isoformat(timespec="seconds")
        count = sum(len(of) for of in rows.values())
        return replace(self, left=left, following=following, companies=changed, done=self.done + count)

    def page(self, people: Sequence[Person], kinds: Sequence[str]) -> Page:
        """Return the page that ends here; the end of the walk goes on with the first increments at once."""
        done, total = (0, None) if self.since else (self.done, None)
        if self.left or self.companies:
            return Page(tuple(people), self.written, True, done, total)
        following = Place.of(kinds, self.following)
        return Page(tuple(people), following.written, not self.since, done, None if self.since else done)

    @property
    def written(self) -> str:
        """The place as text."""
        return json.dumps(asdict(self))


@dataclass(frozen=True, slots=True)
class Sweep:
    """Where a sweep of the ids is."""

    kind: str
    after: int = 0

    def passed(self, rows: Sequence[Json], kinds: Sequence[str]) -> "Sweep | None":
        """Return the place after these rows: this kind while it has more, else the next one; None after the last."""
        if not is_end(rows):
            return Sweep(self.kind, last_id(rows))
        place = kinds.index(self.kind) + 1
        return Sweep(kinds[place]) if place < len(kinds) else None

    @property
    def written(self) -> str:
        """The place as text."""
        return json.dumps(asdict(self))


def is_end(rows: Sequence[Json]) -> bool:
    """Tell whether a list ended with these rows of a chain: its last page was not full."""
    return not rows or len(rows) % PAGE != 0


def last_id(rows: Sequence[Json]) -> int:
    """Return the highest id."""
    return max((row["ID"].count or 0 for row in rows), default=0)


def read_place(text: str, kinds: Sequence[str]) -> Place:
    """Read a cursor; kinds that are not mirrored any more are read no further. CrmMalformed for what is none."""
    found = read_json(text.encode())
    since, following, left = found["since"].value, found["following"].value, found["left"].value
    numbers = [found[name].count for name in ("contact", "done")]
    if not _is_time(since) or not _is_time(following) or not isinstance(left, dict) or None in numbers:
        raise CrmMalformed("the cursor is not one of Bitrix24")
    places = {kind: found["left"][kind].count or 0 for kind in kinds if kind in left}
    companies = tuple(each.text for each in found["companies"] if each.text)
    return Place(str(since), str(following), places, companies, numbers[0] or 0, numbers[1] or 0)


def read_sweep(text: str, kinds: Sequence[str]) -> Sweep:
    """Read a cursor of the ids."""
    found = read_json(text.encode())
    kind, after = found["kind"].text, found["after"].count
    if kind not in kinds or after is None:
        raise CrmMalformed("the cursor is not one of Bitrix24")
    return Sweep(kind, after)


def _is_time(value: object) -> bool:
    """Tell whether it is a time, or empty for none; it becomes part of a filter."""
    if not isinstance(value, str) or len(value) > _LONGEST_SINCE:
        return False
    try:
        return not value or datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return False
