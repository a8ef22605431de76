"""amoCRM and Kommo, API v4: contacts and companies in the order of their changes, users, search by digits.

Settings: `url` (https://example.amocrm.ru). Credentials: `long_lived_token` of a private integration, or `client_id`,
`client_secret`, `redirect_uri` and `refresh_token` of one with OAuth.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from time import monotonic

from smart_redirect.adapters.crm.amocrm_api import AmoApi, make_api
from smart_redirect.adapters.crm.amocrm_people import KINDS, Kind, company_ids, contact_ids, read_person
from smart_redirect.adapters.crm.bounds import MOST_MANAGERS, End
from smart_redirect.adapters.crm.json_values import Json, read_json
from smart_redirect.adapters.crm.outbound import Outbound
from smart_redirect.adapters.crm.phones import has_phone
from smart_redirect.adapters.crm.session import Params
from smart_redirect.domain.crm import Change, Found, Gone, Ids, Manager, Page, Person
from smart_redirect.domain.crm_mirror import kept_managers
from smart_redirect.domain.crm_name import NameFormats, read_formats
from smart_redirect.errors import CrmMalformed, CrmUnavailable
from smart_redirect.usecases.ports_crm import Access

# 250 are allowed; with many fields of the account's own that would be more than 1 MB.
_PAGE = 100
_USERS = 250
_NATIONAL = 9
_OVERLAP = 60


@dataclass(frozen=True, slots=True)
class _Cursor:
    """Of each kind the second from which its changes are read and the page within it, and which kind is next.

    A list in the order of changes can be followed while it changes: who is edited moves to its end and is met again.
    Everything is but the changes since second 0, so the walk needs no other way.
    """

    since: tuple[int, int] = (0, 0)
    page: int = 1
    kind: int = 0
    walked: bool = False


def make(http: Outbound, access: Access) -> "AmoCrm":
    """Return the CRM of a connection."""
    return AmoCrm(make_api(http, access), read_formats(access.settings))


class AmoCrm:
    """The Crm of one account."""

    people_at_once = 50

    def __init__(self, api: AmoApi, formats: NameFormats) -> None:
        self._api = api
        self._formats = formats

    async def lookup(self, phone: str, seconds: float) -> Found:
        """Search contacts, then companies if no contact has the phone: the search is textual, so they are compared."""
        until, found = monotonic() + seconds, list[Person]()
        query = (("query", phone[-_NATIONAL:]), ("limit", "50"))
        for kind in KINDS:
            rows = _rows(await self._api.get_now(kind.path, query, _left(until)), kind)
            owners = [row for row in rows if has_phone(self._person(row, kind), phone, self._country)]
            names = await self._names_now(owners, until) if kind.name == "contact" else {}
            found += [self._person(row, kind, names) for row in owners]
            if found:
                break
        return Found(tuple(found))

    async def changes(self, cursor: str | None) -> Page:
        """Return the next hundred of whoever was changed since; contacts first, then companies and whose they are."""
        at = _Cursor() if cursor is None else _read_cursor(cursor)
        kind = KINDS[at.kind]
        rows = await self._since(kind, at.since[at.kind], at.page)
        changes = await self._read(kind, rows)
        if kind.name == "company" and at.walked:
            changes += await self._by_ids(KINDS[0], contact_ids(rows))
        following, more = _advanced(at, rows)
        return Page(tuple(changes), _written(following), more)

    async def ids(self, cursor: str | None) -> Ids:
        """Return all ids in the order of changes: a page that moves while it is read leaves nobody out."""
        at = _Cursor(walked=True) if cursor is None else _read_cursor(cursor)
        rows = await self._since(KINDS[at.kind], at.since[at.kind], at.page)
        found = tuple(KINDS[at.kind].id_of(row) for row in rows if not row["is_deleted"].is_true)
        following, more = _advanced(at, rows)
        return Ids(found, _written(following) if more else None)

    async def people(self, external_ids: tuple[str, ...]) -> tuple[Person | Gone, ...]:
        """Return these contacts and companies; whom the answers lack is gone."""
        known: dict[str, Change] = {}
        for kind in KINDS:
            numbers = [number for number in map(kind.number_of, external_ids) if number]
            known |= {each.external_id: each for each in await self._by_ids(kind, numbers)}
        found = [known.get(each) for each in external_ids]
        return tuple(
            each if isinstance(each, Person) else Gone(given) for given, each in zip(external_ids, found, strict=True)
        )

    async def managers(self) -> tuple[Manager, ...]:
        """Return all users; amoCRM knows no extensions."""
        found, page, more, end = list[Manager](), 1, True, End(MOST_MANAGERS)
        while more:
            answer = await self._api.get("/users", (("limit", str(_USERS)), ("page", str(page))))
            rows = answer["_embedded"].rows("users") if answer else ()
            end.count(len(rows))
            found += kept_managers(
                Manager(row["id"].text, row["name"].text, None, row["rights"]["is_active"].is_true) for row in rows
            )
            more, page = bool(rows) and bool(answer["_links"]["next"]), page + 1
        return tuple(found)

    # --- lists

    @property
    def _country(self) -> str:
        return self._api.session.access.country

    def _person(self, row: Json, kind: Kind, names: dict[str, str] | None = None) -> Person:
        return read_person(row, kind, self._formats, names or {})

    async def _list(self, kind: Kind, params: Params) -> tuple[Json, ...]:
        return _rows(await self._api.get(kind.path, params), kind)

    async def _since(self, kind: Kind, second: int, page: int) -> tuple[Json, ...]:
        params = [("limit", str(_PAGE)), ("page", str(page)), ("order[updated_at]", "asc")]
        given = [("filter[updated_at][from]", str(second))] if second else []
        return await self._list(kind, (*params, *given, *kind.with_others))

    async def _read(self, kind: Kind, rows: Sequence[Json]) -> list[Change]:
        present = [row for row in rows if not row["is_deleted"].is_true]
        names = await self._companies(present) if kind.name == "contact" else {}
        gone = [Gone(kind.id_of(row)) for row in rows if row["is_deleted"].is_true]
        return [*gone, *(self._person(row, kind, names) for row in present)]

    async def _by_ids(self, kind: Kind, numbers: Sequence[str]) -> list[Change]:
        changes: list[Change] = []
        for start in range(0, len(numbers), _PAGE):
            wanted = [("filter[id][]", each) for each in numbers[start : start + _PAGE]]
            rows = await self._list(kind, (*wanted, ("limit", str(_PAGE)), *kind.with_others))
            changes += await self._read(kind, rows)
        return changes

    async def _names_now(self, contacts: Sequence[Json], until: float) -> dict[str, str]:
        """Return the names of a caller's companies, while the call waits."""
        ids = [each for row in contacts for each in company_ids(row)][:_PAGE]
        if not ids:
            return {}
        params = (*(("filter[id][]", each) for each in ids), ("limit", str(_PAGE)))
        rows = _rows(await self._api.get_now(KINDS[1].path, params, _left(until)), KINDS[1])
        return {row["id"].text: row["name"].text for row in rows}

    async def _companies(self, contacts: Sequence[Json]) -> dict[str, str]:
        """Return the names of these contacts' companies by their ids."""
        names: dict[str, str] = {}
        ids = list(dict.fromkeys(each for row in contacts for each in company_ids(row)))
        for start in range(0, len(ids), _PAGE):
            wanted = [("filter[id][]", each) for each in ids[start : start + _PAGE]]
            rows = await self._list(KINDS[1], (*wanted, ("limit", str(_PAGE))))
            names |= {row["id"].text: row["name"].text for row in rows}
        return names


def _rows(answer: Json, kind: Kind) -> tuple[Json, ...]:
    """Return the rows of a list; 204 is an empty one."""
    return answer["_embedded"].rows(kind.plural) if answer else ()


def _left(until: float) -> float:
    """Return the seconds that are left for the next request."""
    left = until - monotonic()
    if left <= 0:
        raise CrmUnavailable("no answer in time")
    return left


def _advanced(at: _Cursor, rows: Sequence[Json]) -> tuple[_Cursor, bool]:
    """Return the cursor after a page, and whether there is more.

    A full page is followed from the second of its last row; one that lies within a single second by its next page. At
    the end the next run begins a minute earlier, because a change may be written later than its time says.
    """
    newest = rows[-1]["updated_at"].count if rows else None
    if rows and newest is None:
        raise CrmMalformed("its rows do not say when they were changed")
    if newest is not None and len(rows) >= _PAGE:
        stands = newest == at.since[at.kind]
        return replace(_from(at, newest), page=at.page + 1 if stands else 1), True
    ended = at if newest is None else _from(at, max(at.since[at.kind], newest - _OVERLAP))
    is_last = at.kind == len(KINDS) - 1
    return replace(ended, page=1, kind=0 if is_last else at.kind + 1, walked=at.walked or is_last), not is_last


def _from(at: _Cursor, second: int) -> _Cursor:
    contacts, companies = at.since
    return replace(at, since=(second, companies) if at.kind == 0 else (contacts, second))


def _written(cursor: _Cursor) -> str:
    return json.dumps(asdict(cursor))


def _read_cursor(text: str) -> _Cursor:
    found = read_json(text.encode())
    since = tuple(each.count for each in found["since"])
    page, kind = found["page"].count, found["kind"].count
    if len(since) != len(KINDS) or None in since or not page or kind not in range(len(KINDS)):
        raise CrmMalformed("the cursor is not one of amoCRM")
    return _Cursor((since[0] or 0, since[1] or 0), page, kind or 0, found["walked"].is_true)
