"""The settings of an enterprise as an import reads and writes them, and the transactions of an import."""

import contextlib
import datetime
import json
from collections.abc import AsyncIterator, Sequence
from typing import Any

import asyncpg

from smart_redirect.adapters.postgres.import_calls import ImportedCalls
from smart_redirect.adapters.postgres.queries import load
from smart_redirect.domain.platform.calls import PastCall
from smart_redirect.domain.platform.move import Ours
from smart_redirect.domain.platform.tables import ENTERPRISES, Changes, Table
from smart_redirect.domain.platform.values import Row

_WITH_SEQUENCE = ("users", "user_internal_phones", "shops", "crm_connections", "departments")


class PostgresOpenImport(ImportedCalls):
    """The Open of a usecases.import_platform import: one transaction."""

    def __init__(self, connection: Any, *, dry_run: bool) -> None:
        super().__init__(connection, dry_run=dry_run)
        self._queries = load("import_settings")

    async def read(self, number: str, token_hash: str) -> Ours:
        """Return the settings that are there; a second import of the enterprise waits."""
        if not self._dry_run:
            await self._connection.execute(self._queries["lock_enterprise"], number)
        found = await self._connection.fetchval(self._queries["enterprise"], number)
        enterprise = json.loads(found) if found else None
        enterprise_id = enterprise["id"] if enterprise else 0
        taken = await self._connection.fetchval(self._queries["another_has_token"], token_hash, enterprise_id)
        tables: dict[str, Sequence[Row]] = {"enterprises": (enterprise,) if enterprise else ()}
        for row in await self._connection.fetch(self._queries["settings"], enterprise_id):
            tables[row["name"]] = json.loads(row["rows"] or "[]")
        return Ours(enterprise_id, enterprise, tables, taken)

    async def write(self, enterprise_id: int, changes: Sequence[Changes]) -> int:
        """Write settings, what others refer to first; return the enterprise's id."""
        await self._clear_the_way(enterprise_id, changes)
        for each in changes:
            rows = [*each.new, *each.changed]
            if rows and each.table is ENTERPRISES and not enterprise_id:
                enterprise_id = await self._connection.fetchval(self._queries["add_enterprise"], json.dumps(rows))
            elif rows:
                await self._put(f"put_{each.table.name}", enterprise_id, rows)
        for table in _WITH_SEQUENCE:
            await self._connection.execute(self._queries["move_sequence"].format(table=table), f"{table}_id_seq")
        return enterprise_id

    async def _clear_the_way(self, enterprise_id: int, changes: Sequence[Changes]) -> None:
        """Remove what goes, and let rows whose unique columns change step aside, so that two can change places."""
        for each in reversed(changes):
            if each.gone:
                await self._drop(enterprise_id, each.table, each.gone)
        for each in changes:
            if each.moved:
                await self._put(f"park_{each.table.name}", enterprise_id, each.moved)

    async def _drop(self, enterprise_id: int, table: Table, rows: Sequence[Row]) -> None:
        query = self._queries["drop_rows"].format(
            table=table.name,
            compared=", ".join(f"{column}::text" for column in table.key),
            columns=", ".join(table.key),
            typed=", ".join(f"{column} text" for column in table.key),
        )
        await self._connection.execute(query, enterprise_id, json.dumps(rows))

    async def _put(self, query: str, enterprise_id: int, rows: Sequence[Row]) -> None:
        text = (self._queries if query in self._queries else self._bulk)[query]
        await self._connection.execute(text, enterprise_id, json.dumps(rows))


class PostgresTarget:
    """The Target of a usecases.import_platform import; in a dry run PostgreSQL itself refuses to write."""

    def __init__(self, connection: asyncpg.Connection, *, dry_run: bool) -> None:
        self._connection = connection
        self._dry_run = dry_run
        self._months: set[datetime.date] = set()

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[PostgresOpenImport]:
        """Begin a transaction."""
        async with self._connection.transaction(readonly=self._dry_run):
            yield PostgresOpenImport(self._connection, dry_run=self._dry_run)

    async def make_room(self, calls: Sequence[PastCall]) -> None:
        """Have the partitions that calls belong in; a transaction of its own, because it locks the tables shortly."""
        starts = (datetime.datetime.fromtimestamp(call.started_at, datetime.UTC) for call in calls)
        months = {start.date().replace(day=1) for start in starts} - self._months
        if months:
            await self._connection.execute(load("import_calls")["ensure_months"], sorted(months))
            self._months |= months
