"""Snapshots and caller facts from PostgreSQL, one round trip each."""

from typing import Any

from smart_redirect.adapters.postgres.queries import load
from smart_redirect.adapters.postgres.snapshot import read_snapshot
from smart_redirect.adapters.postgres.timed import TimedReads
from smart_redirect.domain.enterprise import Enterprise
from smart_redirect.domain.facts import LOOKED_UP_SECONDS, ROUTES_SECONDS, CallerFacts, Contact, Freshness, Talk
from smart_redirect.usecases.ports import FactsAnswer, FactsQuestion


class PostgresSettings:
    """The SettingsSource that reads the database."""

    def __init__(self, reads: TimedReads) -> None:
        self._reads = reads
        self._queries = load("facts")

    async def load(self, token_hash: bytes, deadline: float) -> Enterprise | None:
        """Return the enterprise that a token names."""
        return _enterprise(await self._reads.row(self._queries["snapshot_by_token"], token_hash, deadline=deadline))

    async def reload(self, enterprise_id: int, deadline: float) -> Enterprise | None:
        """Return the current snapshot of an enterprise."""
        return _enterprise(await self._reads.row(self._queries["snapshot_by_id"], enterprise_id, deadline=deadline))


class PostgresCallers:
    """The CallerFactsSource that reads the database."""

    def __init__(self, reads: TimedReads, routes_for: float = ROUTES_SECONDS) -> None:
        self._reads = reads
        self._query = load("facts")["caller_facts"]
        self.routes_for = routes_for
        """For how many seconds a responsible counts whom a look-up told."""

    async def ask(self, question: FactsQuestion, deadline: float) -> FactsAnswer | None:
        """Return the caller's facts, with the settings when the asker's are not the current ones."""
        rows = await self._reads.rows(
            self._query, question.enterprise_id, question.caller, question.version, deadline=deadline
        )
        return read_answer(rows, self.routes_for) if rows else None


def _enterprise(row: Any) -> Enterprise | None:
    return None if row is None else read_snapshot(row["snapshot"], row["version"])


def read_answer(rows: list[Any], routes_for: float = ROUTES_SECONDS) -> FactsAnswer:
    """Map the rows of caller_facts, in the order of their columns: look-ups by name cost more than all the rest."""
    version, epoch, off, snapshot, *talks, own_name, _, _, _, _, _, external_id, _, _ = rows[0]
    lapses = LOOKED_UP_SECONDS - routes_for
    facts = CallerFacts(
        first=None if talks[0] is None else Talk(*talks[:4]),
        last=None if talks[4] is None else Talk(*talks[4:]),
        contacts=() if external_id is None else tuple([_contact(row, lapses) for row in _in_order(rows)]),
        own_name=own_name or "",
        source=Freshness.DATABASE,
    )
    return FactsAnswer(facts, epoch, off, None if snapshot is None else read_snapshot(snapshot, version))


def _in_order(rows: list[Any]) -> list[Any]:
    """Order the owners of a phone: customers before leads, then with a responsible, the newest, the oldest id."""
    if len(rows) == 1:
        return rows
    return sorted(rows, key=lambda row: (row[19], row[15] is None, -row[17], len(row[18]), row[18]))


def _contact(row: Any, lapses: float) -> Contact:
    """Map a contact; of what a look-up found the name alone, when it lasts no longer than `lapses` (seconds)."""
    lasts = row[20]
    if lasts is not None and lasts <= lapses:
        return Contact(row[13], row[14], "", "", row[17], True)
    return Contact(row[13], row[14], row[15] or "", row[16] or "", row[17])
