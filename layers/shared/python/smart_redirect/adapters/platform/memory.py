"""A platform in memory, for tests of the import without a database: the same tables, rows as JSON has them."""

from collections.abc import AsyncIterator, Mapping, Sequence

from smart_redirect.adapters.platform.source import PlatformError
from smart_redirect.adapters.platform.tables import SETTINGS, Source
from smart_redirect.domain.platform.move import Theirs
from smart_redirect.domain.platform.report import Report
from smart_redirect.domain.platform.values import Row, text


class MemoryPlatform:
    """The Platform of a usecases.import_platform import, of the rows of all enterprises by table."""

    def __init__(self, tables: Mapping[str, Sequence[Row]], batch: int = 1000) -> None:
        self._tables = tables
        self._batch = batch

    async def settings(self, number: str, report: Report) -> Theirs:
        """Return an enterprise's settings; PlatformError if they cannot be read."""
        found: dict[str, Sequence[Row]] = {}
        for source in SETTINGS:
            if source.table in self._tables:
                found[source.table] = [_cut(source, row) for row in self._rows(source.table, number)]
            elif source.optional:
                report.skip(source.table, "the platform has no such table")
            else:
                raise PlatformError(f"the platform has no table {source.table}")
        if not found["enterprises"]:
            raise PlatformError(f"the platform has no enterprise {number}")
        return Theirs(found)

    def _rows(self, table: str, number: str) -> list[Row]:
        rows = self._tables.get(table, ())
        if table == "department_members":
            departments = {row["id"] for row in self._rows("departments", number)}
            return [row for row in rows if row["department_id"] in departments]
        column = {"enterprises": "number", "dial_schemas": "enterprise_id", "calls": "enterprise_id"}.get(table)
        return [row for row in rows if text(row[column or "enterprise_number"]) == number]

    async def count(self, table: str, number: str) -> int:
        """Return how many customers or calls there are."""
        return len(self._rows(table, number))

    async def customers(self, number: str) -> AsyncIterator[Sequence[Row]]:
        """Give the customers in batches, in the order of their phones."""
        rows = sorted(self._rows("customers", number), key=lambda row: text(row["phone_e164"]))
        for start in range(0, len(rows), self._batch):
            yield rows[start : start + self._batch]

    async def calls(self, number: str) -> AsyncIterator[Sequence[tuple[Row, Sequence[Row]]]]:
        """Give the calls, each with its participants, in batches, in the order of their ids."""
        took_part: dict[object, list[Row]] = {}
        for row in self._tables.get("call_participants", ()):
            took_part.setdefault(row["call_id"], []).append(row)
        rows = sorted(self._rows("calls", number), key=lambda row: int(text(row["id"])))
        for start in range(0, len(rows), self._batch):
            yield [(row, took_part.get(row["id"], ())) for row in rows[start : start + self._batch]]


def _cut(source: Source, row: Row) -> Row:
    return {column: row[column] for column in source.columns if column in row}
