"""U-ON.Travel: tourists by pages, those updated since a day, by id and by phone; managers without extensions.

Settings: `url` (https://api.u-on.ru unless given). Credentials: `api_key`, which has to be in the path of each address.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime, timedelta
from time import monotonic, time
from urllib.parse import quote

from smart_redirect.adapters.crm.json_values import Json, read_json
from smart_redirect.adapters.crm.outbound import Outbound
from smart_redirect.adapters.crm.phones import has_phone
from smart_redirect.adapters.crm.session import READ_SECONDS, Session, base_url, credential
from smart_redirect.domain.crm import Found, Gone, Ids, Manager, Page, Person
from smart_redirect.domain.crm_name import NameFormats, NameParts, read_formats, shown_name
from smart_redirect.errors import CrmMalformed, CrmUnavailable
from smart_redirect.usecases.ports_crm import Access

_BASE = "https://api.u-on.ru"
_NATIONAL = 9
# The account's clock is not told: a day more on both sides holds every time zone.
_DAY = timedelta(days=1)
_MOST_MANAGER_PAGES = 10
_MOST_PAGES = 100_000
_NOBODY = 404


@dataclass(frozen=True, slots=True)
class _Cursor:
    """The next page of the walk (0 when it is over), the day to read changes from, and their next page.

    `last` is the first id of the page before: U-ON does not tell how many pages there are, and a page that comes again
    is the end as an empty one is.
    """

    since: str
    walk: int = 0
    page: int = 1
    last: str = ""
    done: int = 0


def make(http: Outbound, access: Access) -> "UOn":
    """Return the CRM of a connection."""
    server = base_url(access.settings) if access.settings.get("url") else _BASE
    key = quote(credential(access.settings, "api_key"), safe="")
    return UOn(Session(http, access, f"{server}/{key}"), read_formats(access.settings))


class UOn:
    """The Crm of one agency."""

    def __init__(self, session: Session, formats: NameFormats) -> None:
        self._session = session
        self._formats = formats

    async def lookup(self, phone: str, seconds: float) -> Found:
        """Ask for the whole number, then for its last nine digits, because phones are kept as they were typed."""
        until = monotonic() + seconds
        digits = phone.lstrip("+")
        found: list[Person] = []
        for asked in dict.fromkeys((digits, digits[-_NATIONAL:])):
            if until <= monotonic():
                raise CrmUnavailable("no answer in time")
            found += await self._users(f"/user/phone/{asked}.json", until - monotonic())
            if any(has_phone(each, phone, self._session.access.country) for each in found):
                break
        return Found(tuple({each.external_id: each for each in found}.values()))

    async def changes(self, cursor: str | None) -> Page:
        """Walk all pages, then read by pages whoever was updated since the day before the walk or the last run."""
        at = _Cursor(_day_before(), walk=1) if cursor is None else _read_cursor(cursor)
        return await self._walked(at) if at.walk else await self._updated(at)

    async def ids(self, cursor: str | None) -> Ids:
        """Return all ids, page by page: U-ON feeds no deletions."""
        at = _Cursor("-", walk=1) if cursor is None else _read_cursor(cursor)
        people = await self._users(f"/users/{at.walk}.json")
        if _is_end(people, at):
            return Ids((), None)
        following = replace(at, walk=at.walk + 1, last=people[0].external_id)
        return Ids(tuple(each.external_id for each in people), _written(following))

    async def people(self, external_ids: tuple[str, ...]) -> tuple[Person | Gone, ...]:
        """Return these people, one request each: there is no other way to read by id."""
        return tuple([await self._one(each) for each in external_ids])

    async def managers(self) -> tuple[Manager, ...]:
        """Return all managers; U-ON knows no extensions and does not list those who left."""
        found: dict[str, Manager] = {}
        for number in range(1, _MOST_MANAGER_PAGES + 1):
            answer = await self._session.get("/manager.json", (("page", str(number)),), missing=(404,))
            rows = _rows(answer)
            known = len(found)
            for row in rows:
                if row["u_id"].id:
                    found[row["u_id"].text] = _manager(row)
            if not rows or len(found) == known:
                break
        return tuple(found.values())

    async def _walked(self, at: _Cursor) -> Page:
        people = await self._users(f"/users/{at.walk}.json")
        if _is_end(people, at):
            return Page((), _written(replace(at, walk=0, last="")), True, at.done)
        done = at.done + len(people)
        following = replace(at, walk=at.walk + 1, last=people[0].external_id, done=done)
        return Page(tuple(people), _written(following), True, done)

    async def _updated(self, at: _Cursor) -> Page:
        until = (datetime.fromtimestamp(time(), UTC).date() + _DAY).isoformat()
        people = await self._users(f"/user/updated/{at.since}/{until}/{at.page}.json")
        if _is_end(people, at):
            return Page((), _written(_Cursor(max(at.since, _day_before()))), False)
        following = replace(at, page=at.page + 1, last=people[0].external_id)
        return Page(tuple(people), _written(following), True)

    async def _users(self, path: str, seconds: float = READ_SECONDS) -> list[Person]:
        answer = await self._session.get(path, seconds=seconds, missing=(404,))
        return [_person(row, self._formats) for row in _rows(answer) if row["u_id"].id]

    async def _one(self, external_id: str) -> Person | Gone:
        if not (external_id.isascii() and external_id.isdigit()):
            return Gone(external_id)
        answer = await self._session.get(f"/user/{external_id}.json", missing=(404,))
        rows = _rows(Json({"users": answer["user"].value}) if answer["user"] else answer)
        for row in rows:
            if row["u_id"].text == external_id:
                return _person(row, self._formats)
        return Gone(external_id)


def _rows(answer: Json) -> Sequence[Json]:
    """Return the users of an answer; nobody is told by the status 404 or by one in the body."""
    if not answer or answer["result"].count == _NOBODY:
        return ()
    return answer.rows("users")


def _is_end(people: Sequence[Person], at: _Cursor) -> bool:
    return not people or people[0].external_id == at.last or max(at.walk, at.page) >= _MOST_PAGES


def _person(row: Json, formats: NameFormats) -> Person:
    parts = NameParts(row["u_surname"].text, row["u_name"].text, row["u_sname"].text, row["u_company"].text)
    responsible = row["manager_id"].id
    phones = (row[name].text for name in ("u_phone_mobile", "u_phone", "u_phone_home"))
    return Person(
        external_id=row["u_id"].text,
        name=shown_name(parts, formats),
        phones=tuple(dict.fromkeys(each for each in phones if each)),
        responsible_id=None if responsible == "0" else responsible,
        updated_at=_time(row["u_date_update"].text),
        is_company=bool(parts.company),
    )


def _manager(row: Json) -> Manager:
    return Manager(row["u_id"].text, " ".join(filter(None, (row["u_surname"].text, row["u_name"].text))))


def _time(text: str) -> float | None:
    """Return a time of the account's own clock; it is only ever compared with others of it."""
    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()
    except ValueError:
        return None


def _day_before() -> str:
    return (datetime.fromtimestamp(time(), UTC).date() - _DAY).isoformat()


def _written(cursor: _Cursor) -> str:
    return json.dumps(asdict(cursor))


def _read_cursor(text: str) -> _Cursor:
    found = read_json(text.encode())
    walk, page, done = (found[name].count for name in ("walk", "page", "done"))
    since = found["since"].text
    if walk is None or page is None or not (since == "-" or _is_day(since)):
        raise CrmMalformed("the cursor is not one of U-ON")
    return _Cursor(since, walk, page, found["last"].text, done or 0)


def _is_day(text: str) -> bool:
    try:
        return bool(date.fromisoformat(text))
    except ValueError:
        return False
