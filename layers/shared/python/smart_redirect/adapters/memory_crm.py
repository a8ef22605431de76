"""A CRM in memory behind the port that every vendor stands behind: people who change, and failures to order."""

import asyncio
import itertools
from collections.abc import Iterable
from dataclasses import replace

from smart_redirect.domain.crm import Change, Found, Gone, Ids, Manager, Merged, Page, Person
from smart_redirect.errors import CrmMalformed, CrmUnavailable
from smart_redirect.usecases.ports_mirror import Turn


class MemoryCrm:
    """People with a feed of changes; `feeds_deletions` says whether deletions are in it or have to be swept for.

    `tells_extensions` says whether a look-up names the managers' extensions, which hardly any CRM does.

    A cursor is `walk:<position>:<feed>` during the walk of everybody and `feed:<number>` after it. Set `failure` to
    an error that every call is to raise, `failures` to one for each of the next calls (None: that call succeeds), and
    `takes` to the seconds that a look-up takes. `unreadable` are ids that it answers no question about.
    """

    def __init__(self, page: int = 3, *, feeds_deletions: bool = True, tells_extensions: bool = False) -> None:
        self.people_now: dict[str, Person] = {}
        self.users: tuple[Manager, ...] = ()
        self.feed: list[Change] = []
        self.feeds_deletions = feeds_deletions
        self.tells_extensions = tells_extensions
        self.failure: Exception | None = None
        self.failures: list[Exception | None] = []
        self.unreadable: set[str] = set()
        self.calls = 0
        self.takes = 0.0
        self._page = page
        self._numbers = itertools.count(1)

    # --- what its users do

    def save(self, person: Person) -> None:
        """Create or edit a person."""
        stored = replace(person, updated_at=float(next(self._numbers)))
        self.people_now[person.external_id] = stored
        self.feed.append(stored)

    def delete(self, external_id: str) -> None:
        """Delete a person."""
        self.people_now.pop(external_id, None)
        if self.feeds_deletions:
            self.feed.append(Gone(external_id))

    def merge(self, external_id: str, into: str) -> None:
        """Join a person with another, who takes over the phones."""
        joined, survivor = self.people_now.pop(external_id), self.people_now[into]
        if self.feeds_deletions:
            self.feed.append(Merged(external_id, into))
        self.save(replace(survivor, phones=(*survivor.phones, *joined.phones)))

    def move_phones(self, external_id: str, to: str) -> None:
        """Take all phones from one person and give them to another."""
        moved = self.people_now[external_id].phones
        self.save(replace(self.people_now[external_id], phones=()))
        self.save(replace(self.people_now[to], phones=(*self.people_now[to].phones, *moved)))

    # --- the port

    people_at_once = 50

    async def lookup(self, phone: str, seconds: float) -> Found:
        """Return whoever has a phone that ends like this one, as a CRM that compares loosely does."""
        self._called()
        await asyncio.sleep(min(self.takes, seconds))
        if self.takes > seconds:
            raise CrmUnavailable("no answer in time")
        found = tuple(each for each in self.people_now.values() if any(_alike(own, phone) for own in each.phones))
        known = {each.id: each.extension for each in self.users if each.extension and self.tells_extensions}
        wanted = {each.responsible_id for each in found if each.responsible_id in known}
        return Found(found, tuple((each, known[each] or "") for each in sorted(wanted, key=str) if each is not None))

    async def changes(self, cursor: str | None) -> Page:
        """Return the next page of the walk or of the feed."""
        self._called()
        kind, *numbers = (cursor or f"walk::{len(self.feed)}").split(":")
        if kind == "feed":
            return self._fed(int(numbers[0]))
        after, since = numbers[0], int(numbers[1])
        left = sorted(each for each in self.people_now if each > after)
        people = tuple(self.people_now[each] for each in left[: self._page])
        done = len(self.people_now) - len(left) + len(people)
        if len(left) <= self._page:
            return Page(people, f"feed:{since}", since < len(self.feed), done, len(self.people_now))
        return Page(people, f"walk:{people[-1].external_id}:{since}", True, done, len(self.people_now))

    async def ids(self, cursor: str | None) -> Ids:
        """Return ids; nothing where deletions are fed."""
        self._called()
        if self.feeds_deletions:
            return Ids((), None)
        left = sorted(each for each in self.people_now if each > (cursor or ""))
        page = tuple(left[: self._page])
        return Ids(page, page[-1] if len(left) > self._page else None)

    async def people(self, external_ids: tuple[str, ...]) -> tuple[Person | Gone, ...]:
        """Return people as they are now; an error if one of them is `unreadable`."""
        self._called()
        if self.unreadable & set(external_ids):
            raise CrmMalformed("answers 400")
        return tuple(self.people_now.get(each, Gone(each)) for each in external_ids)

    async def managers(self) -> tuple[Manager, ...]:
        """Return the users."""
        self._called()
        return self.users

    def _fed(self, since: int) -> Page:
        until = min(since + self._page, len(self.feed))
        return Page(tuple(self.feed[since:until]), f"feed:{until}", until < len(self.feed))

    def _called(self) -> None:
        self.calls += 1
        ordered = self.failures.pop(0) if self.failures else self.failure
        if ordered is not None:
            raise ordered

    def fill(self, people: Iterable[Person]) -> None:
        """Have people from the beginning, before any feed."""
        self.people_now |= {person.external_id: person for person in people}


class PacedCrm:
    """A CRM in memory as one run sees it: each call is a request, and waits for its turn."""

    def __init__(self, crm: MemoryCrm, turn: Turn) -> None:
        self._crm = crm
        self._turn = turn

    @property
    def people_at_once(self) -> int:
        """As many as the CRM says."""
        return self._crm.people_at_once

    async def lookup(self, phone: str, seconds: float) -> Found:
        """Look up in turn."""
        await self._turn()
        return await self._crm.lookup(phone, seconds)

    async def changes(self, cursor: str | None) -> Page:
        """Return a page in turn."""
        await self._turn()
        return await self._crm.changes(cursor)

    async def ids(self, cursor: str | None) -> Ids:
        """Return ids in turn."""
        await self._turn()
        return await self._crm.ids(cursor)

    async def people(self, external_ids: tuple[str, ...]) -> tuple[Person | Gone, ...]:
        """Return people in turn."""
        await self._turn()
        return await self._crm.people(external_ids)

    async def managers(self) -> tuple[Manager, ...]:
        """Return the users in turn."""
        await self._turn()
        return await self._crm.managers()


def _alike(own: str, phone: str) -> bool:
    digits = "".join(filter(str.isdigit, own))
    return digits[-9:] == phone[-9:]
