"""MoySklad, JSON API 1.2: counterparties and their contact persons, employees, extensions from the Phone API.

Settings: `url` and `phone_url` (MoySklad's own unless given). Credentials: `token`, or `login` and `password`; and
`phone_token` of the telephony application, by which managers get their extensions.
"""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta

from smart_redirect.adapters.crm.json_values import Json, read_json
from smart_redirect.adapters.crm.moysklad_people import MOSCOW, read_people, split_id, tail
from smart_redirect.adapters.crm.outbound import Answer, Outbound
from smart_redirect.adapters.crm.session import READ_SECONDS, Params, Session, base_url, credential
from smart_redirect.domain.crm import Change, Found, Gone, Ids, Manager, Page, Person
from smart_redirect.domain.crm_name import NameFormats, read_formats
from smart_redirect.errors import CrmLimited, CrmMalformed
from smart_redirect.usecases.ports_crm import Access

_URL = "https://api.moysklad.ru/api/remap/1.2"
_PHONE_URL = "https://api.moysklad.ru/api/phone/1.0"
_ACCEPT = "application/json;charset=utf-8"
# More is not allowed with contact persons in it, and would be more than 1 MB.
_PAGE = 100
_EMPLOYEES = 1000
# A request's head may have 8 kB.
_BY_ID = 50
_NATIONAL = 9
_OVERLAP = timedelta(minutes=2)
_START = "1970-01-01 00:00:00"
_LIMIT_SECONDS = 3.0
_EXPANDED = (("expand", "contactpersons"), ("limit", str(_PAGE)))
_BOTH = "archived=true;archived=false"


@dataclass(frozen=True, slots=True)
class _Cursor:
    """The moment (Moscow time) from which changes are read, and how many rows of it were.

    A list in the order of changes may be read while it moves: who is edited goes to its end and is met again.
    Everything is but the changes since the beginning, so the walk needs no other way.
    """

    since: str = _START
    skip: int = 0
    done: int = 0


def make(http: Outbound, access: Access) -> "MoySklad":
    """Return the CRM of a connection."""
    settings = access.settings
    url = base_url(settings) if settings.get("url") else _URL
    headers = {"Authorization": _authorization(settings), "Accept": _ACCEPT, "Accept-Encoding": "gzip"}
    session = Session(http, access, url, headers, _complain)
    phone = None
    if settings.get("phone_token"):
        phone_url = base_url(settings, "phone_url") if settings.get("phone_url") else _PHONE_URL
        phone_headers = {"Lognex-Phone-Auth-Token": credential(settings, "phone_token"), "Accept-Encoding": "gzip"}
        phone = Session(http, access, phone_url, phone_headers, _complain)
    return MoySklad(session, phone, read_formats(settings))


def _authorization(settings: Mapping[str, object]) -> str:
    if settings.get("login"):
        pair = f"{credential(settings, 'login')}:{credential(settings, 'password')}"
        return f"Basic {base64.b64encode(pair.encode()).decode()}"
    return f"Bearer {credential(settings, 'token')}"


class MoySklad:
    """The Crm of one account."""

    def __init__(self, session: Session, phone: Session | None, formats: NameFormats) -> None:
        self._session = session
        self._phone = phone
        self._formats = formats

    async def lookup(self, phone: str, seconds: float) -> Found:
        """Search by the last nine digits, contact persons included; phones are compared by the caller."""
        params = (("search", phone[-_NATIONAL:]), *_EXPANDED)
        rows = (await self._counterparties(params, seconds=seconds)).rows("rows")
        return Found(tuple(person for row in rows for person in read_people(row, self._formats)))

    async def changes(self, cursor: str | None) -> Page:
        """Return the next hundred counterparties that were changed since, each with its contact persons."""
        at = _Cursor() if cursor is None else _read_cursor(cursor)
        answer = await self._changed(at)
        rows = answer.rows("rows")
        following, more = _advanced(at, rows)
        total = answer["meta"]["size"].count
        is_walk = more or at.done > 0
        done = at.done + len(rows)
        return Page(
            tuple(await self._people_of(rows)), _written(following), more, done if is_walk else 0,
            max(done, total or 0) if at.since == _START else None,
        )  # fmt: skip

    async def ids(self, cursor: str | None) -> Ids:
        """Return all ids, those of contact persons too: one who leaves a counterparty is known by nothing else."""
        at = _Cursor() if cursor is None else _read_cursor(cursor)
        rows = (await self._changed(at)).rows("rows")
        people = await self._people_of(rows)
        following, more = _advanced(at, rows)
        found = tuple(each.external_id for each in people if isinstance(each, Person))
        return Ids(found, _written(following) if more else None)

    async def people(self, external_ids: tuple[str, ...]) -> tuple[Person | Gone, ...]:
        """Return these people, each with the counterparty that he belongs to."""
        owners = list(dict.fromkeys(split_id(each)[0] for each in external_ids if split_id(each)[0]))
        known: dict[str, Change] = {}
        for start in range(0, len(owners), _BY_ID):
            wanted = ";".join(f"id={each}" for each in owners[start : start + _BY_ID])
            answer = await self._counterparties((("filter", f"{wanted};{_BOTH}"), *_EXPANDED))
            known |= {each.external_id: each for each in await self._people_of(answer.rows("rows"))}
        return tuple(
            found if isinstance(found, Person) else Gone(each)
            for each, found in ((each, known.get(each)) for each in external_ids)
        )

    async def managers(self) -> tuple[Manager, ...]:
        """Return all employees, those in the archive too, with their extensions where the Phone API tells them."""
        extensions = await self._extensions()
        found, offset, more = list[Manager](), 0, True
        while more:
            params = (("limit", str(_EMPLOYEES)), ("offset", str(offset)), ("filter", _BOTH))
            rows = (await self._session.get("/entity/employee", params)).rows("rows")
            found += [_manager(row, extensions) for row in rows if row["id"].id]
            offset, more = offset + len(rows), len(rows) >= _EMPLOYEES
        return tuple(found)

    async def _extensions(self) -> dict[str, str]:
        if self._phone is None:
            return {}
        rows = (await self._phone.get("/employee")).rows("employees")
        return {tail(row["meta"]["href"].text): row["extention"].text for row in rows}

    # --- counterparties

    async def _changed(self, at: _Cursor) -> Json:
        since = f"updated>={at.since};" if at.since != _START else ""
        params = (("order", "updated,asc"), ("offset", str(at.skip)), ("filter", f"{since}{_BOTH}"), *_EXPANDED)
        return await self._counterparties(params)

    async def _counterparties(self, params: Params, *, seconds: float = READ_SECONDS) -> Json:
        return await self._session.get("/entity/counterparty", params, seconds=seconds)

    async def _people_of(self, rows: Sequence[Json]) -> list[Change]:
        """Return counterparties and contact persons; a list that was cut short is read by itself."""
        found: list[Change] = []
        for row in rows:
            persons = row["contactpersons"]
            is_cut = (persons["meta"]["size"].count or 0) > len(tuple(persons["rows"]))
            found += read_people(await self._with_all_persons(row) if is_cut else row, self._formats)
        return found

    async def _with_all_persons(self, row: Json) -> Json:
        path, rows, offset = f"/entity/counterparty/{row['id'].text}/contactpersons", list[Json](), 0
        while True:
            page = (await self._session.get(path, (("limit", "1000"), ("offset", str(offset))))).rows("rows")
            rows, offset = [*rows, *page], offset + len(page)
            if len(page) < 1000:
                break
        whole = dict(row.value) if isinstance(row.value, dict) else {}
        return Json({**whole, "contactpersons": {"rows": [each.value for each in rows]}})


def _manager(row: Json, extensions: Mapping[str, str]) -> Manager:
    name = row["shortFio"].text or row["name"].text or row["fullName"].text
    last = " ".join(filter(None, (row["lastName"].text, row["firstName"].text))) or name
    return Manager(row["id"].text, last, extensions.get(row["id"].text) or None, not row["archived"].is_true)


def _complain(answer: Answer) -> None:
    """Raise the limit with the milliseconds that MoySklad asks for; all else is told by the status."""
    if answer.status == 429:
        text = answer.headers.get("x-lognex-retry-after", "")
        raise CrmLimited(float(text[:9]) / 1000 if text.isascii() and text.isdigit() else _LIMIT_SECONDS)
    if answer.status == 200 and not isinstance(read_json(answer.body).value, dict):
        raise CrmMalformed("its answer is no object")


def _advanced(at: _Cursor, rows: Sequence[Json]) -> tuple[_Cursor, bool]:
    """Return the cursor after a page, and whether there is more.

    A full page is followed from the moment of its last row; rows of that very moment are skipped by their number. At
    the end the next run begins two minutes earlier, because MoySklad's own clock is not one.
    """
    if not rows:
        return replace(at, skip=0, done=0), False
    newest = rows[-1]["updated"].text.partition(".")[0]
    if len(rows) >= _PAGE:
        skip = at.skip + len(rows) if newest == at.since else _of_moment(rows, newest)
        return _Cursor(newest, skip, at.done + len(rows)), True
    return _Cursor(max(at.since, _earlier(newest)) if at.since != _START else _earlier(newest)), False


def _of_moment(rows: Sequence[Json], moment: str) -> int:
    return sum(row["updated"].text.partition(".")[0] == moment for row in rows)


def _earlier(moment: str) -> str:
    try:
        found = datetime.fromisoformat(moment).replace(tzinfo=MOSCOW)
    except ValueError:
        raise CrmMalformed("its rows do not say when they were changed") from None
    return (found - _OVERLAP).strftime("%Y-%m-%d %H:%M:%S")


def _written(cursor: _Cursor) -> str:
    return json.dumps(asdict(cursor))


def _read_cursor(text: str) -> _Cursor:
    found = read_json(text.encode())
    since, skip, done = found["since"].text, found["skip"].count, found["done"].count
    if skip is None or done is None or not since:
        raise CrmMalformed("the cursor is not one of MoySklad")
    _earlier(since)
    return _Cursor(since, skip, done)
