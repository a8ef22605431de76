"""Lists of somebody's own CRM, page by page: by number, by offset, by the cursor in the answer, or in one piece."""

from collections.abc import Mapping
from dataclasses import dataclass

from smart_redirect.adapters.crm.generic_paths import JsonPath, read_path
from smart_redirect.adapters.crm.generic_request import Nobody, Request, read_request
from smart_redirect.adapters.crm.json_values import Json
from smart_redirect.adapters.crm.outbound import Outbound
from smart_redirect.errors import CrmMalformed, CrmRefused
from smart_redirect.usecases.ports_crm import Access

PAGED = frozenset({"page", "offset", "cursor"})


@dataclass(frozen=True, slots=True)
class Place:
    """Where a list is: how many pages and rows were read, the CRM's own cursor, and what the page before was."""

    pages: int = 0
    rows: int = 0
    cursor: str = ""
    seen: str = ""


@dataclass(frozen=True, slots=True)
class Listing:
    """A list: one request a page."""

    request: Request
    rows_path: JsonPath
    cursor_path: JsonPath | None
    id_path: JsonPath
    first_page: int = 1

    async def read(self, at: Place) -> tuple[list[Json], Place | None]:
        """Return a page and where the next one is, None behind the last: one that is empty, or that comes again."""
        values = {"page": str(at.pages + self.first_page), "offset": str(at.rows), "cursor": at.cursor}
        try:
            answer = await self.request.send(values)
        except Nobody:
            # Some say so of the page behind the last one; a list that has no first page has another address.
            if not at.pages:
                raise
            return [], None
        rows = rows_of(answer, self.rows_path)
        mark = self._mark(rows)
        if not rows or mark == at.seen:
            return [], None
        cursor = self.cursor_path.first(answer).text if self.cursor_path else ""
        paged = self.request.template.names & PAGED
        if not paged or ("cursor" in paged and not cursor):
            return rows, None
        return rows, Place(at.pages + 1, at.rows + len(rows), cursor, mark)

    def _mark(self, rows: list[Json]) -> str:
        return "-".join([*(self.id_path.first(each).text[:100] for each in (rows[:1] + rows[-1:])), str(len(rows))])


def rows_of(answer: Json, path: JsonPath) -> list[Json]:
    """Return the records of an answer; CrmMalformed when the path leads to no list, or one of them is no object."""
    rows = list(path.first(answer)) if isinstance(path.first(answer).value, list) else None
    if rows is None or not all(isinstance(each.value, dict) for each in rows):
        raise CrmMalformed("its answer has no list of records where the settings say")
    return rows


def read_listing(http: Outbound, access: Access, prefix: str, id_path: JsonPath) -> Listing | None:
    """Return the list that `<prefix>_url` names, None without one."""
    settings: Mapping[str, object] = access.settings
    if not settings.get(f"{prefix}_url"):
        return None
    request = read_request(http, access, f"{prefix}_url", PAGED)
    cursor_path = read_path(settings, f"{prefix}_cursor_path")
    if "cursor" in request.template.names and cursor_path is None:
        raise CrmRefused(f"the setting {prefix}_cursor_path must say where the next cursor is")
    first = settings.get(f"{prefix}_first_page", 1)
    if not isinstance(first, int) or isinstance(first, bool) or first < 0:
        raise CrmRefused(f"the setting {prefix}_first_page must be a number")
    return Listing(request, read_path(settings, f"{prefix}_path") or JsonPath(), cursor_path, id_path, first)
