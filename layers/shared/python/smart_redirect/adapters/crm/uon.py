"""U-ON.Travel: clients page by page, those who changed by date, one by phone or id, and the managers.

Settings: `url` (https://api.u-on.ru unless it says otherwise), `extension_field` (the member of a manager's record
that holds his extension; none unless it is set). Credentials: `api_key`, which is a part of every address, so that no
error here ever names one. The key of an account has no rights of its own: it reads all of it.
"""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime, timedelta
from time import time

from smart_redirect.adapters.crm.json_values import Json, read_json
from smart_redirect.adapters.crm.outbound import Answer, Outbound
from smart_redirect.adapters.crm.session import READ_SECONDS, Params, Session, base_url, credential
from smart_redirect.domain.crm import Found, Gone, Ids, Manager, Page, Person
from smart_redirect.domain.crm_name import NameFormats, NameParts, read_formats, shown_name
from smart_redirect.errors import CrmLimited, CrmMalformed, CrmRefused
from smart_redirect.usecases.ports_crm import Access

_PUBLIC = "https://api.u-on.ru"
_WAIT = 5.0
_MANAGER_PAGES = 10
# The account's time zone is not told, and days are all that the feed takes.
_OVERLAP = timedelta(days=1)
_PHONES = ("u_phone", "u_phone_mobile", "u_phone_home")
# It becomes a part of the path, which may not turn into another one.
_KEY = re.compile(r"[A-Za-z0-9_-]+")


class _Nobody(CrmMalformed):
    """U-ON's way of saying that there is none: 404 with JSON or nothing, unlike a page of a proxy."""

    def __init__(self, *, is_said: bool) -> None:
        super().__init__("answers 404")
        self.is_said = is_said
        """Whether the body says so too. Without that it may be a way that leads nowhere."""


@dataclass(frozen=True, slots=True)
class _Cursor:
    """Where the walk is (its page, 0 when it is over), and the days of the feed with the page to be read of it.

    `until` is the day on which the feed's first page was read; `seen` tells the page before from one that repeats it.
    """

    since: str
    walk: int = 0
    done: int = 0
    page: int = 1
    until: str = ""
    seen: str = ""


def make(http: Outbound, access: Access, clock: Callable[[], float] = time) -> "Uon":
    """Return the CRM of a connection."""
    base = base_url(access.settings) if access.settings.get("url") else _PUBLIC
    key = credential(access.settings, "api_key")
    if not _KEY.fullmatch(key):
        raise CrmRefused("the api_key of the credentials must be letters and digits alone")
    field = access.settings.get("extension_field")
    session = Session(http, access, f"{base}/{key}", {"Accept": "application/json"}, _complain)
    return Uon(session, read_formats(access.settings), clock, field if isinstance(field, str) else "")


class Uon:
    """The Crm of one account."""

    people_at_once = 1

    def __init__(
        self, session: Session, formats: NameFormats, clock: Callable[[], float], extension_field: str = ""
    ) -> None:
        self._session = session
        self._formats = formats
        self._clock = clock
        self._extension_field = extension_field

    async def lookup(self, phone: str, seconds: float) -> Found:
        """Ask by the digits; U-ON may know several clients with them."""
        rows = await self._rows(f"/user/phone/{phone.lstrip('+')}.json", seconds=seconds)
        return Found(tuple(each for each in map(self._read, rows) if isinstance(each, Person)))

    async def changes(self, cursor: str | None) -> Page:
        """Walk the clients page by page, then the feed of those days on which something may have changed since."""
        at = _Cursor(self._today(), walk=1) if cursor is None else _read_cursor(cursor)
        return await (self._walked(at) if at.walk else self._fed(at))

    async def ids(self, cursor: str | None) -> Ids:
        """Return the ids of all clients: U-ON tells nobody of a deletion."""
        at = _Cursor(self._today(), walk=1) if cursor is None else _read_cursor(cursor)
        rows = await self._all(at.walk)
        if not rows or _mark(rows) == at.seen:
            return Ids((), None)
        there = tuple(each.external_id for each in map(self._read, rows) if isinstance(each, Person))
        return Ids(there, _written(replace(at, walk=at.walk + 1, seen=_mark(rows))))

    async def people(self, external_ids: tuple[str, ...]) -> tuple[Person | Gone, ...]:
        """Return these clients by one request each, for there is no other way. Ids that are no numbers are nobody's."""
        return tuple([await self._person(each) for each in external_ids])

    async def managers(self) -> tuple[Manager, ...]:
        """Return the managers: up to ten pages, until one is empty or has nobody new."""
        found: dict[str, Manager] = {}
        for number in range(1, _MANAGER_PAGES + 1):
            rows = await self._rows("/manager.json", (("page", str(number)),))
            new = {row["u_id"].text: self._manager(row) for row in rows if row["u_id"].id}
            if new.keys() <= found.keys():
                break
            found |= new
        return tuple(found.values())

    # --- the walk and the feed

    async def _walked(self, at: _Cursor) -> Page:
        rows = await self._all(at.walk)
        if not rows or _mark(rows) == at.seen:
            return Page((), _written(_Cursor(at.since)), True, at.done)
        following = replace(at, walk=at.walk + 1, done=at.done + len(rows), seen=_mark(rows))
        return Page(tuple(map(self._read, rows)), _written(following), True, following.done)

    async def _fed(self, at: _Cursor) -> Page:
        until = at.until or self._today()
        first, last = date.fromisoformat(at.since) - _OVERLAP, date.fromisoformat(until) + _OVERLAP
        rows = await self._rows(f"/user/updated/{first}/{last}/{at.page}.json")
        if not rows or _mark(rows) == at.seen:
            return Page((), _written(_Cursor(until)), False)
        following = replace(at, page=at.page + 1, until=until, seen=_mark(rows))
        return Page(tuple(map(self._read, rows)), _written(following), True)

    def _today(self) -> str:
        return datetime.fromtimestamp(self._clock(), UTC).date().isoformat()

    # --- people

    async def _person(self, external_id: str) -> Person | Gone:
        if not (external_id.isascii() and external_id.isdigit()):
            return Gone(external_id)
        answer = await self._ask(f"/user/{external_id}.json")
        if not answer:
            return Gone(external_id)
        given = answer["user"] or answer["users"]
        for row in [given, *given]:
            if row["u_id"].id == external_id:
                return self._read(row)
        raise CrmMalformed("answers with another client, or none, when asked for one")

    def _read(self, row: Json) -> Person | Gone:
        """Read a client; who is marked as deleted is gone."""
        external_id = row["u_id"].id
        if external_id is None:
            raise CrmMalformed("its answer has a client without an id")
        if row["deleted"].is_true:
            return Gone(external_id)
        company, manager = row["u_company"].text, row["manager_id"].id
        latin = f"{row['u_surname_en'].text} {row['u_name_en'].text}"
        parts = NameParts(row["u_surname"].text, row["u_name"].text, row["u_sname"].text, company, latin)
        return Person(
            external_id=external_id,
            name=shown_name(parts, self._formats),
            phones=tuple(row[name].text for name in _PHONES if row[name].text),
            responsible_id=None if manager == "0" else manager,
            updated_at=_seconds(row["u_date_update"].text),
            is_company=bool(company),
        )

    def _manager(self, row: Json) -> Manager:
        name = " ".join(filter(None, (row["u_surname"].text, row["u_name"].text)))
        extension = row[self._extension_field].text if self._extension_field else ""
        has_left = row["deleted"].is_true or row["active"].text == "0"
        return Manager(row["u_id"].text, name, extension or None, not has_left)

    # --- requests

    async def _all(self, page: int) -> tuple[Json, ...]:
        """Return a page of all clients. That there is not even a first one empties the mirror, and has to be said."""
        answer = await self._ask(f"/users/{page}.json", is_doubtful=page == 1)
        return answer.rows("users") if answer else ()

    async def _rows(self, path: str, params: Params = (), seconds: float = READ_SECONDS) -> tuple[Json, ...]:
        answer = await self._ask(path, params, seconds)
        return answer.rows("users") if answer else ()

    async def _ask(
        self, path: str, params: Params = (), seconds: float = READ_SECONDS, *, is_doubtful: bool = False
    ) -> Json:
        """Return the answer, a value that is not there for nobody; a failure may come as 200 with the status inside."""
        try:
            answer = await self._session.get(path, params, seconds=seconds)
        except _Nobody as nobody:
            if is_doubtful and not nobody.is_said:
                raise
            return Json()
        status = answer["result"].count or 0
        if status in {401, 403}:
            raise CrmRefused(f"refuses the API key ({status})")
        if status == 429:
            raise CrmLimited(_WAIT)
        if status > 404:
            raise CrmMalformed(f"answers {status}")
        if not answer:
            raise CrmMalformed("its answer is empty")
        return Json() if status == 404 else answer


def _complain(answer: Answer) -> None:
    if answer.status in {401, 403}:
        raise CrmRefused(f"refuses the API key ({answer.status})")
    if answer.status == 404:
        told = read_json(answer.body)
        raise _Nobody(is_said=told["result"].count == 404 or isinstance(told["users"].value, list))


def _mark(rows: Sequence[Json]) -> str:
    """Return what tells a page from the next one, short enough for a cursor."""
    return "-".join((rows[0]["u_id"].text, rows[-1]["u_id"].text, str(len(rows))))


def _seconds(text: str) -> float | None:
    """Return a time of the account's own clock; it is only ever compared with others of it."""
    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()
    except ValueError:
        return None


def _written(cursor: _Cursor) -> str:
    return json.dumps(asdict(cursor))


def _read_cursor(text: str) -> _Cursor:
    found = read_json(text.encode())
    walk, done, page = (found[name].count for name in ("walk", "done", "page"))
    since, until = found["since"].text, found["until"].text
    try:
        for each in filter(None, (since, until)):
            date.fromisoformat(each)
    except ValueError:
        since = ""
    if walk is None or done is None or page is None or not since:
        raise CrmMalformed("the cursor is not one of U-ON")
    return _Cursor(since, walk, done, page, until, found["seen"].text)
