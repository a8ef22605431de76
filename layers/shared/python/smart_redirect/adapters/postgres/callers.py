"""Snapshots and caller facts from PostgreSQL, one round trip each."""

import json
from typing import Any

from smart_redirect.adapters.postgres.queries import load
from smart_redirect.adapters.postgres.snapshot import read_snapshot
from smart_redirect.adapters.postgres.timed import TimedReads
from smart_redirect.domain.enterprise import Enterprise
from smart_redirect.domain.facts import CallerFacts, Contact, Freshness, Talk
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

    def __init__(self, reads: TimedReads) -> None:
        self._reads = reads
        self._query = load("facts")["caller_facts"]

    async def ask(self, question: FactsQuestion, deadline: float) -> FactsAnswer | None:
        """Return the caller's facts, with the settings when the asker's are not the current ones."""
        row = await self._reads.row(
            self._query, question.enterprise_id, question.caller, question.version, deadline=deadline
        )
        return None if row is None else _answer(row)


def _enterprise(row: Any) -> Enterprise | None:
    return None if row is None else read_snapshot(row["snapshot"], row["version"])


def _answer(row: Any) -> FactsAnswer:
    """Map a row of caller_facts, in the order of its columns: look-ups by name cost more than all the rest."""
    version, epoch, off, snapshot, *talks, own_name, contacts = row
    facts = CallerFacts(
        first=None if talks[0] is None else Talk(*talks[:4]),
        last=None if talks[4] is None else Talk(*talks[4:]),
        contacts=() if contacts is None else tuple([_contact(each) for each in json.loads(contacts)]),
        own_name=own_name or "",
        source=Freshness.DATABASE,
    )
    return FactsAnswer(facts, epoch, off, None if snapshot is None else read_snapshot(snapshot, version))


def _contact(value: list[Any]) -> Contact:
    connection_id, name, responsible_id, extension, updated = value
    return Contact(connection_id, name, responsible_id or "", extension or "", float(updated))
