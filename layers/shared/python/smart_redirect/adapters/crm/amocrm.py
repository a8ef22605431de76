"""amoCRM and Kommo, API v4: contacts and companies in the order of their changes, users, search by digits.

Settings: `url` (https://example.amocrm.ru). Credentials: `long_lived_token` of a private integration, or `client_id`,
`client_secret`, `redirect_uri` and `refresh_token` of one with OAuth.
"""

from collections.abc import Callable, Sequence
from time import monotonic, time

from smart_redirect.adapters.crm.amocrm_api import AmoApi, make_api
from smart_redirect.adapters.crm.amocrm_cursor import DELETIONS, PAGE, Cursor, begun, read_cursor
from smart_redirect.adapters.crm.amocrm_people import KINDS, Kind, company_ids, contact_ids, read_person
from smart_redirect.adapters.crm.bounds import MOST_MANAGERS, End
from smart_redirect.adapters.crm.json_values import Json
from smart_redirect.adapters.crm.outbound import Outbound
from smart_redirect.adapters.crm.phones import has_phone
from smart_redirect.adapters.crm.session import Params
from smart_redirect.domain.crm import Change, Found, Gone, Ids, Manager, Page, Person
from smart_redirect.domain.crm_mirror import kept_managers
from smart_redirect.domain.crm_name import NameFormats, read_formats
from smart_redirect.errors import CrmMalformed, CrmRefused, CrmUnavailable
from smart_redirect.usecases.ports_crm import Access

_USERS = 250
_NATIONAL = 9
_DELETED = (("filter[type][]", "contact_deleted"), ("filter[type][]", "company_deleted"))


def make(http: Outbound, access: Access, clock: Callable[[], float] = time) -> "AmoCrm":
    """Return the CRM of a connection."""
    return AmoCrm(make_api(http, access), read_formats(access.settings), clock)


class AmoCrm:
    """The Crm of one account."""

    people_at_once = 50

    def __init__(self, api: AmoApi, formats: NameFormats, clock: Callable[[], float]) -> None:
        self._api = api
        self._formats = formats
        self._clock = clock

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
        """Return the next hundred of whoever was changed since: contacts, companies and whose they are, deletions."""
        now = int(self._clock())
        at = begun(now) if cursor is None else read_cursor(cursor, now)
        if at.kind == DELETIONS:
            return await self._deletions(at, now)
        kind = KINDS[at.kind]
        rows = await self._since(kind, at.since[at.kind], at.page)
        changes = await self._read(kind, rows)
        if kind.name == "company" and at.walked:
            changes += await self._by_ids(KINDS[0], contact_ids(rows))
        following = at.after(rows, now)
        if following.kind == DELETIONS and now < at.quiet:
            return Page(tuple(changes), following.rested().text, False)
        return Page(tuple(changes), following.text, True)

    async def ids(self, cursor: str | None) -> Ids:
        """Return all ids in the order of changes: a page that moves while it is read leaves nobody out."""
        now = int(self._clock())
        at = begun(now) if cursor is None else read_cursor(cursor, now)
        rows = await self._since(KINDS[at.kind], at.since[at.kind], at.page)
        found = tuple(KINDS[at.kind].id_of(row) for row in rows if not row["is_deleted"].is_true)
        following = at.after(rows, now)
        return Ids(found, None if following.kind == DELETIONS else following.text)

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
        params = [("limit", str(PAGE)), ("page", str(page)), ("order[updated_at]", "asc")]
        given = [("filter[updated_at][from]", str(second))] if second else []
        return await self._list(kind, (*params, *given, *kind.with_others))

    async def _deletions(self, at: Cursor, now: int) -> Page:
        """Read again by id whom the account's events say to be deleted; accounts without events have the sweep."""
        params = (*_DELETED, ("filter[created_at][from]", str(at.deleted)), ("limit", str(PAGE)))
        try:
            answer = await self._api.get("/events", (*params, ("page", str(at.page))))
            events = answer["_embedded"].rows("events") if answer else ()
        except (CrmRefused, CrmMalformed):
            return Page((), at.hushed(now).text, False)
        named = (f"{each['type'].text.partition('_')[0]}:{each['entity_id'].text}" for each in events)
        people = await self.people(tuple(dict.fromkeys(named)))
        more = bool(events) and bool(answer["_links"]["next"])
        following = at.after_deletions([each["created_at"].count or 0 for each in events], now, more=more)
        return Page(people, following.text, more)

    async def _read(self, kind: Kind, rows: Sequence[Json]) -> list[Change]:
        present = [row for row in rows if not row["is_deleted"].is_true]
        names = await self._companies(present) if kind.name == "contact" else {}
        gone = [Gone(kind.id_of(row)) for row in rows if row["is_deleted"].is_true]
        return [*gone, *(self._person(row, kind, names) for row in present)]

    async def _by_ids(self, kind: Kind, numbers: Sequence[str]) -> list[Change]:
        changes: list[Change] = []
        for start in range(0, len(numbers), PAGE):
            wanted = [("filter[id][]", each) for each in numbers[start : start + PAGE]]
            rows = await self._list(kind, (*wanted, ("limit", str(PAGE)), *kind.with_others))
            changes += await self._read(kind, rows)
        return changes

    async def _names_now(self, contacts: Sequence[Json], until: float) -> dict[str, str]:
        """Return the names of a caller's companies, while the call waits."""
        ids = [each for row in contacts for each in company_ids(row)][:PAGE]
        if not ids:
            return {}
        params = (*(("filter[id][]", each) for each in ids), ("limit", str(PAGE)))
        rows = _rows(await self._api.get_now(KINDS[1].path, params, _left(until)), KINDS[1])
        return {row["id"].text: row["name"].text for row in rows}

    async def _companies(self, contacts: Sequence[Json]) -> dict[str, str]:
        """Return the names of these contacts' companies by their ids."""
        names: dict[str, str] = {}
        ids = list(dict.fromkeys(each for row in contacts for each in company_ids(row)))
        for start in range(0, len(ids), PAGE):
            wanted = [("filter[id][]", each) for each in ids[start : start + PAGE]]
            rows = await self._list(KINDS[1], (*wanted, ("limit", str(PAGE))))
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
