"""Our database in memory, as an import sees it, for tests of the import without a database."""

import contextlib
import copy
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field

from smart_redirect.domain.caller_history import CallerHistory
from smart_redirect.domain.platform.calls import PastCall
from smart_redirect.domain.platform.move import Ours
from smart_redirect.domain.platform.tables import TABLES, Changes
from smart_redirect.domain.platform.values import Row

_ENTERPRISE_IS_SET_ONCE = ("country", "time_zone")


@dataclass(slots=True)
class Kept:
    """What is kept of one enterprise."""

    tables: dict[str, tuple[Row, ...]] = field(default_factory=lambda: {table.name: () for table in TABLES})
    names: dict[str, str] = field(default_factory=dict)
    calls: dict[str, PastCall] = field(default_factory=dict)
    live: set[str] = field(default_factory=set)
    histories: dict[str, CallerHistory] = field(default_factory=dict)


class MemoryTarget:
    """The Target of a usecases.import_platform import; `kept` is by id, enterprises are numbered from 1."""

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}
        self.kept: dict[int, Kept] = {}

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator["MemoryOpenImport"]:
        """Begin a transaction: an error takes back what was written in it."""
        before = copy.copy(self.numbers), copy.deepcopy(self.kept)
        try:
            yield MemoryOpenImport(self)
        except BaseException:
            self.numbers, self.kept = before
            raise

    async def make_room(self, calls: Sequence[PastCall]) -> None:
        """Have the partitions that calls belong in: memory has none."""


class MemoryOpenImport:
    """The Open of a usecases.import_platform import."""

    def __init__(self, target: MemoryTarget) -> None:
        self._target = target

    def _of(self, enterprise_id: int) -> Kept:
        return self._target.kept.get(enterprise_id, Kept())

    async def read(self, number: str, token_hash: str) -> Ours:
        """Return the settings that are there."""
        enterprise_id = self._target.numbers.get(number, 0)
        tables = self._of(enterprise_id).tables
        others = (kept for key, kept in self._target.kept.items() if key != enterprise_id)
        taken = any(row["token_hash"] == token_hash for kept in others for row in kept.tables["call_tokens"])
        return Ours(enterprise_id, next(iter(tables["enterprises"]), None), dict(tables), taken)

    async def write(self, enterprise_id: int, changes: Sequence[Changes]) -> int:
        """Write settings; return the enterprise's id, a new one for 0."""
        if not enterprise_id:
            enterprise_id = len(self._target.kept) + 1
            self._target.kept[enterprise_id] = Kept()
        tables = self._target.kept[enterprise_id].tables
        for each in changes:
            tables[each.table.name] = _changed(tables[each.table.name], each)
        self._target.numbers[str(tables["enterprises"][0]["number"])] = enterprise_id
        return enterprise_id

    async def names(self, enterprise_id: int, phones: Sequence[str]) -> Mapping[str, str]:
        """Return the contacts that are there."""
        return {phone: name for phone, name in self._of(enterprise_id).names.items() if phone in phones}

    async def write_names(self, enterprise_id: int, names: Mapping[str, str]) -> None:
        """Write contacts."""
        self._target.kept[enterprise_id].names.update(names)

    async def known_calls(self, enterprise_id: int, calls: Sequence[PastCall]) -> Mapping[str, bool]:
        """Return which calls are there by UniqueId, and whether by events of a host."""
        kept = self._of(enterprise_id)
        found = {call.unique_id for call in calls} & (kept.calls.keys() | kept.live)
        return {unique_id: unique_id in kept.live for unique_id in found}

    async def write_calls(self, enterprise_id: int, calls: Sequence[PastCall]) -> None:
        """Write new calls with their participants; one that is there stays."""
        for call in calls:
            self._target.kept[enterprise_id].calls.setdefault(call.unique_id, call)

    async def histories(self, enterprise_id: int, callers: Sequence[str]) -> Mapping[str, CallerHistory]:
        """Return the histories of callers."""
        return {caller: found for caller, found in self._of(enterprise_id).histories.items() if caller in callers}

    async def write_histories(self, enterprise_id: int, histories: Mapping[str, CallerHistory]) -> None:
        """Write histories."""
        self._target.kept[enterprise_id].histories.update(histories)


def _changed(present: Sequence[Row], change: Changes) -> tuple[Row, ...]:
    """Return the rows after a change; columns that an import does not set stay as they were."""
    key_of = change.table.key_of
    gone = {key_of(row) for row in change.gone}
    rows = {key_of(row): row for row in present if key_of(row) not in gone}
    for row in (*change.new, *change.changed):
        before = rows.get(key_of(row), {})
        kept = {column: before[column] for column in _ENTERPRISE_IS_SET_ONCE if column in before}
        rows[key_of(row)] = {**before, **row, **kept}
    return tuple(rows.values())
