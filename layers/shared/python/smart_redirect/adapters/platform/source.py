"""Reading the platform's database: only reading, and only the columns that an import needs."""

import contextlib
import json
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import asyncpg

from smart_redirect.adapters.platform.tables import CALLS, CUSTOMERS, PARTICIPANTS, SETTINGS, Source
from smart_redirect.adapters.postgres.queries import load
from smart_redirect.domain.platform.move import Theirs
from smart_redirect.domain.platform.report import Report
from smart_redirect.domain.platform.values import Row
from smart_redirect.errors import SmartRedirectError

_BATCH = 1000


class PlatformError(SmartRedirectError):
    """The platform's database is not what an import can read; the text names table and column."""


class PlatformDatabase:
    """The Platform of a usecases.import_platform import, on a connection that `reading` has made unable to write."""

    def __init__(self, connection: asyncpg.Connection, batch: int = _BATCH) -> None:
        self._connection = connection
        self._batch = batch
        self._queries = load(str(Path(__file__).with_name("platform")))
        self._columns: dict[str, tuple[str, ...]] = {}

    @classmethod
    @contextlib.asynccontextmanager
    async def reading(cls, connection: asyncpg.Connection, batch: int = _BATCH) -> AsyncIterator["PlatformDatabase"]:
        """Read in one READ ONLY transaction: everything is of one moment, and PostgreSQL itself refuses to write."""
        try:
            async with connection.transaction(isolation="repeatable_read", readonly=True):
                yield cls(connection, batch)
        except asyncpg.InterfaceError as error:
            # Leaving a transaction on a connection that is gone hides the error that it went with.
            if not connection.is_closed():
                raise
            raise PlatformError("the connection to the platform's database was lost") from error

    async def settings(self, number: str, report: Report) -> Theirs:
        """Return an enterprise's settings; PlatformError if they cannot be read."""
        for source in (*SETTINGS, CUSTOMERS, CALLS, PARTICIPANTS):
            await self._learn(source, report)
        found = {source.table: await self._rows(source, number) for source in SETTINGS if self._has(source)}
        if not found["enterprises"]:
            raise PlatformError(f"the platform has no enterprise {number}")
        return Theirs(found)

    async def _learn(self, source: Source, report: Report) -> None:
        """Find out which of a table's columns are there."""
        rows = await self._connection.fetch(self._queries["columns"], source.table)
        present = {row["name"] for row in rows}
        if not present and source.optional:
            report.skip(source.table, "the platform has no such table")
            return
        if not present:
            raise PlatformError(f"the platform has no table {source.table}")
        missing = [column for column in source.required if column not in present]
        if missing:
            raise PlatformError(f"the platform's table {source.table} has no column {', '.join(missing)}")
        self._columns[source.table] = tuple(column for column in source.columns if column in present)

    def _has(self, source: Source) -> bool:
        return source.table in self._columns

    def _query(self, name: str, source: Source, key: str = "") -> str:
        columns = ", ".join(f'"{column}"' for column in self._columns[source.table])
        return self._queries[name].format(columns=columns, table=source.table, scope=source.scope, key=key)

    async def _rows(self, source: Source, number: str) -> list[Row]:
        rows = await self._connection.fetch(self._query("rows", source), number)
        return [json.loads(row["row"]) for row in rows]

    async def count(self, table: str, number: str) -> int:
        """Return how many customers or calls there are, 0 when the table is not there."""
        source = {"customers": CUSTOMERS, "calls": CALLS}[table]
        if not self._has(source):
            return 0
        return int(await self._connection.fetchval(self._query("count", source), number))

    async def customers(self, number: str) -> AsyncIterator[Sequence[Row]]:
        """Give the customers in batches."""
        async for rows in self._batches(CUSTOMERS, "phone_e164", number):
            yield [json.loads(row["row"]) for row in rows]

    async def calls(self, number: str) -> AsyncIterator[Sequence[tuple[Row, Sequence[Row]]]]:
        """Give the calls, each with its participants, in batches."""
        async for rows in self._batches(CALLS, "id", number):
            participants = await self._participants([row["key"] for row in rows])
            yield [(json.loads(row["row"]), participants.get(row["key"], ())) for row in rows]

    async def _participants(self, call_ids: list[Any]) -> dict[Any, list[Row]]:
        found: dict[Any, list[Row]] = {}
        if self._has(PARTICIPANTS):
            for row in await self._connection.fetch(self._query("participants", PARTICIPANTS), call_ids):
                found.setdefault(row["key"], []).append(json.loads(row["row"]))
        return found

    async def _batches(self, source: Source, key: str, number: str) -> AsyncIterator[list[Any]]:
        """Walk a table through a server-side cursor: one pass, and never more than a batch in memory."""
        if not self._has(source):
            return
        cursor = await self._connection.cursor(self._query("walk", source, key), number)
        while rows := await cursor.fetch(self._batch):
            yield rows
