"""Importing an enterprise from an existing platform: settings in one transaction, then contacts and calls in batches.

Reading, comparing and reporting are the same in a dry run; only the writing is left out. Repeating is harmless: what
is there already is not written again.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Protocol
from zoneinfo import ZoneInfo

from smart_redirect.domain.caller_history import CallerHistory
from smart_redirect.domain.phone import normalise
from smart_redirect.domain.platform.calls import CallReader, PastCall
from smart_redirect.domain.platform.contacts import PhoneBook, differing
from smart_redirect.domain.platform.history import changed_histories, talks_by_caller
from smart_redirect.domain.platform.move import Move, Order, Ours, Theirs
from smart_redirect.domain.platform.report import Remark, Report
from smart_redirect.domain.platform.settings import map_settings
from smart_redirect.domain.platform.tables import Changes, compare_all
from smart_redirect.domain.platform.values import Row, text, whole
from smart_redirect.domain.platform.view import as_enterprise

_DAY = 86400


@dataclass(slots=True)
class Tally:
    """How many rows of one table are new, changed, the same, removed, or only in our database."""

    new: int = 0
    changed: int = 0
    same: int = 0
    removed: int = 0
    only_ours: int = 0


@dataclass(slots=True)
class Outcome:
    """What an import did, or in a dry run would do."""

    report: Report
    tallies: dict[str, Tally] = field(default_factory=dict)

    @property
    def changed_anything(self) -> bool:
        """Whether any row is written."""
        return any(tally.new or tally.changed or tally.removed for tally in self.tallies.values())


class Platform(Protocol):
    """The platform's database, which is only read."""

    async def settings(self, number: str, report: Report) -> Theirs:
        """Return an enterprise's settings; PlatformError says what keeps them from being read."""

    async def count(self, table: str, number: str) -> int:
        """Return how many customers or calls there are."""

    def customers(self, number: str) -> AsyncIterator[Sequence[Row]]:
        """Give the customers in batches."""

    def calls(self, number: str) -> AsyncIterator[Sequence[tuple[Row, Sequence[Row]]]]:
        """Give the calls, each with its participants, in batches, the oldest first."""


class Open(Protocol):
    """Our database in a transaction, which a dry run only reads in; ids are those of our enterprise."""

    async def read(self, number: str, token_hash: str) -> Ours:
        """Return the settings that are there, locked until the transaction ends."""

    async def write(self, enterprise_id: int, changes: Sequence[Changes]) -> int:
        """Write settings; return the enterprise's id, a new one for 0."""

    async def names(self, enterprise_id: int, phones: Sequence[str]) -> Mapping[str, str]:
        """Return the contacts that are there."""

    async def write_names(self, enterprise_id: int, names: Mapping[str, str]) -> None:
        """Write contacts."""

    async def known_calls(self, enterprise_id: int, calls: Sequence[PastCall]) -> Mapping[str, bool]:
        """Return which calls are there by UniqueId, and whether by events of a host."""

    async def write_calls(self, enterprise_id: int, calls: Sequence[PastCall]) -> None:
        """Write new calls with their participants."""

    async def histories(self, enterprise_id: int, callers: Sequence[str]) -> Mapping[str, CallerHistory]:
        """Return the histories of callers, locked in their order until the transaction ends."""

    async def write_histories(self, enterprise_id: int, histories: Mapping[str, CallerHistory]) -> None:
        """Write histories."""


class Target(Protocol):
    """Our database."""

    def open(self) -> AbstractAsyncContextManager[Open]:
        """Begin a transaction."""

    async def make_room(self, calls: Sequence[PastCall]) -> None:
        """Have the partitions that calls belong in."""


class Watch(Protocol):
    """Who watches an import: told how far it is, and every remark as it is made."""

    def progress(self, table: str, done: int, total: int) -> None:
        """Take the rows done so far."""

    def remark(self, remark: Remark) -> None:
        """Take a remark."""


class ImportPlatform:
    """One import; use it once."""

    def __init__(self, platform: Platform, target: Target, order: Order, watch: Watch) -> None:
        self._platform = platform
        self._target = target
        self._order = order
        self._watch = watch
        self._outcome = Outcome(Report(watch.remark))
        self._callers: set[str] = set()

    async def __call__(self) -> Outcome:
        """Import everything that is not there yet."""
        ours = await self._settings()
        await self._contacts(ours)
        await self._calls(ours)
        return self._outcome

    async def _settings(self) -> Ours:
        """Import the settings; return them as they are then."""
        order, report = self._order, self._outcome.report
        theirs = await self._platform.settings(order.number, report)
        async with self._target.open() as target:
            ours = await target.read(order.number, theirs.token_hash(order))
            wanted = map_settings(Move(theirs, ours, order, report))
            changes = compare_all(wanted, ours.tables, prune=order.prune)
            enterprise_id = ours.id
            if not order.dry_run and any(each.any for each in changes):
                enterprise_id = await target.write(ours.id, changes)
        for each in changes:
            self._outcome.tallies[each.table.name] = Tally(
                len(each.new), len(each.changed), each.same, len(each.gone), each.only_ours
            )
        enterprise = {**(ours.enterprise or {}), **wanted["enterprises"][0]}
        return Ours(enterprise_id, enterprise, {**ours.tables, **_merged(wanted, ours, changes)})

    async def _contacts(self, ours: Ours) -> None:
        total = await self._platform.count("customers", self._order.number)
        book = PhoneBook(as_enterprise(ours).country, normalise, self._outcome.report)
        done = 0
        async for rows in self._platform.customers(self._order.number):
            await self._contacts_batch(ours.id, book.read(rows))
            done += len(rows)
            self._watch.progress("customers", done, total)

    async def _contacts_batch(self, enterprise_id: int, wanted: Mapping[str, str]) -> None:
        async with self._target.open() as target:
            present = await target.names(enterprise_id, list(wanted))
            changed = differing(wanted, present)
            if changed and not self._order.dry_run:
                await target.write_names(enterprise_id, changed)
        tally = self._tally("contacts")
        tally.new += len(changed.keys() - present.keys())
        tally.changed += len(changed.keys() & present.keys())
        tally.same += len(wanted) - len(changed)

    async def _calls(self, ours: Ours) -> None:
        total = await self._platform.count("calls", self._order.number)
        enterprise = as_enterprise(ours)
        row = ours.enterprise or {}
        oldest = self._order.now - (whole(row.get("calls_kept_days")) or 396) * _DAY
        reader = CallReader(enterprise, ZoneInfo(text(row["time_zone"])), self._order.now, self._outcome.report)
        done = 0
        async for rows in self._platform.calls(self._order.number):
            read = (reader.read(call, participants) for call, participants in rows)
            await self._calls_batch(ours, {call.unique_id: call for call in read if call is not None}, oldest)
            done += len(rows)
            self._watch.progress("calls", done, total)

    async def _calls_batch(self, ours: Ours, calls: Mapping[str, PastCall], oldest: float) -> None:
        kept = [call for call in calls.values() if call.started_at >= oldest]
        if not self._order.dry_run:
            await self._target.make_room(kept)
        async with self._target.open() as target:
            known = await target.known_calls(ours.id, list(calls.values()))
            new = [call for call in kept if call.unique_id not in known]
            if new and not self._order.dry_run:
                await target.write_calls(ours.id, new)
            await self._histories(target, ours, [call for call in calls.values() if not known.get(call.unique_id)])
        for _ in range(len(calls) - len(kept)):
            self._outcome.report.skip("calls", "calls older than the enterprise keeps them: for the history only")
        tally = self._tally("calls")
        tally.new += len(new)
        tally.same += len(kept) - len(new)

    async def _histories(self, target: Open, ours: Ours, calls: Sequence[PastCall]) -> None:
        """Extend the histories by calls that no host has reported itself."""
        count_outgoing = bool((ours.enterprise or {}).get("count_outgoing"))
        talks = talks_by_caller(calls, count_outgoing=count_outgoing)
        present = await target.histories(ours.id, list(talks))
        changed = changed_histories(talks, present)
        if changed and not self._order.dry_run:
            await target.write_histories(ours.id, changed)
        tally = self._tally("caller_history")
        for caller in talks:
            self._count_caller(tally, caller, (caller in changed, caller in present))

    def _count_caller(self, tally: Tally, caller: str, state: tuple[bool, bool]) -> None:
        """Count a caller once, however many batches hold calls of it: as changed if any batch changes it."""
        changed, present = state
        if changed and caller not in self._callers:
            self._callers.add(caller)
            tally.new += not present
            tally.changed += present

    def _tally(self, table: str) -> Tally:
        return self._outcome.tallies.setdefault(table, Tally())


def _merged(wanted: Mapping[str, Sequence[Row]], ours: Ours, changes: Sequence[Changes]) -> dict[str, Sequence[Row]]:
    """Return the tables as the import leaves them: columns that it does not set stay as they were."""
    found: dict[str, Sequence[Row]] = {}
    for each in changes:
        key_of = each.table.key_of
        gone = {key_of(row) for row in each.gone}
        rows = {key_of(row): row for row in ours.rows(each.table) if key_of(row) not in gone}
        for row in wanted[each.table.name]:
            rows[key_of(row)] = {**rows.get(key_of(row), {}), **row}
        found[each.table.name] = tuple(rows.values())
    return found
