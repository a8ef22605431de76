"""MoySklad, JSON API 1.2: counterparties and their contact persons, employees, extensions from the Phone API.

Settings: `url` and `phone_url` (MoySklad's own unless given). Credentials: `token`, or `login` and `password`, of an
employee who may see all counterparties and employees, and the audit if deletions are to be known within a minute;
`phone_token` of the telephony application, by which managers get their extensions.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from time import time

from smart_redirect.adapters.crm.bounds import MOST_MANAGERS, MOST_OF_A_COMPANY, End
from smart_redirect.adapters.crm.json_values import Json
from smart_redirect.adapters.crm.moysklad_audit import Audit
from smart_redirect.adapters.crm.moysklad_cursor import START, Clock, Cursor, advanced, read_cursor, written
from smart_redirect.adapters.crm.moysklad_lists import Rows, page_of, part
from smart_redirect.adapters.crm.moysklad_people import absent, counterparty_of, ids_of, read_people, tail, vanished
from smart_redirect.adapters.crm.moysklad_session import open_phone_session, open_session
from smart_redirect.adapters.crm.outbound import Outbound
from smart_redirect.adapters.crm.phones import has_phone
from smart_redirect.adapters.crm.session import Params, Session
from smart_redirect.domain.crm import Change, Found, Gone, Ids, Manager, Page, Person
from smart_redirect.domain.crm_mirror import kept_managers
from smart_redirect.domain.crm_name import NameFormats, read_formats
from smart_redirect.usecases.ports_crm import Access

_PATH = "/entity/counterparty"
# A counterparty has 3 kB as a rule, and 20 kB with all its long texts full: 1 MB is the most that is read.
_PAGE = 50
_SLIM_PAGE = 100
_NATIONAL = 9
_EXPANDED = ("expand", "contactpersons")
_BOTH = "archived=true;archived=false"
_HOUR = 3600.0


def make(http: Outbound, access: Access) -> "MoySklad":
    """Return the CRM of a connection."""
    return MoySklad(open_session(http, access), open_phone_session(http, access), read_formats(access.settings))


class MoySklad:
    """The Crm of one account."""

    people_at_once = 50

    def __init__(self, session: Session, phone: Session | None, formats: NameFormats, clock: Clock = time) -> None:
        self._session = session
        self._phone = phone
        self._formats = formats
        self._clock = clock
        self._audit = Audit(session, clock)

    async def lookup(self, phone: str, seconds: float) -> Found:
        """Search, which finds contact persons too; where nobody found has the phone, by the end of the stored text.

        The search is documented to look at beginnings of words, which would miss +375… by its last digits.
        """
        until = asyncio.get_running_loop().time() + seconds
        digits = phone[-_NATIONAL:]
        found = await self._found((("search", digits), ("filter", _BOTH)), seconds)
        if not any(has_phone(each, phone, self._session.access.country) for each in found):
            left = until - asyncio.get_running_loop().time()
            found = await self._found((("filter", f"phone=~{digits};{_BOTH}"),), left)
        return Found(tuple(found))

    async def changes(self, cursor: str | None) -> Page:
        """Return the next counterparties that were changed since, and after the last of them who was deleted since."""
        # Our clock may be wrong, but hardly by an hour.
        at = Cursor(deleted=written(self._clock() - _HOUR)) if cursor is None else read_cursor(cursor)
        if at.contexts:
            gone, following = await self._audit.events(at)
            return Page(gone, following.text, following.is_within_audit)
        rows, size = await self._changed(at, _PAGE, (_EXPANDED,))
        whole = await self._with_contacts(rows)
        following, more = advanced(at, rows, size, self._clock)
        changes: tuple[Change, ...] = (*self._people(whole), *_left(whole))
        if not more:
            lost, following = await self._audit.next(following)
            changes += lost
        is_walk, done = more or at.done > 0, at.done + len(rows)
        total = max(done, size) if at.since == START else None
        return Page(changes, following.text, more or following.is_within_audit, done if is_walk else 0, total)

    async def ids(self, cursor: str | None) -> Ids:
        """Return nothing where the audit tells of deletions, else all ids; contact persons are only counted."""
        if cursor is None and await self._audit.may_be_read():
            return Ids((), None)
        at = Cursor() if cursor is None else read_cursor(cursor)
        rows, size = await self._changed(at, _SLIM_PAGE, ())
        following, more = advanced(at, rows, size, self._clock)
        return Ids(tuple(each for row in rows for each in ids_of(row)), following.text if more else None)

    async def people(self, external_ids: tuple[str, ...]) -> tuple[Person | Gone, ...]:
        """Return these people, each with its counterparty; of one that is gone all contact persons too."""
        wanted = list(dict.fromkeys(filter(None, map(counterparty_of, external_ids))))
        known: dict[str, Person] = {}
        for start in range(0, len(wanted), _PAGE):
            chosen = "".join(f"id={each};" for each in wanted[start : start + _PAGE])
            params = (("filter", chosen + _BOTH), _EXPANDED, *part(0, _PAGE))
            rows, _ = await page_of(self._session, _PATH, params)
            known |= {each.external_id: each for each in self._people(await self._with_contacts(rows))}
        left = (gone for each in wanted if each not in known for gone in absent(each, 0))
        return (*(known.get(each, Gone(each)) for each in external_ids), *left)

    async def managers(self) -> tuple[Manager, ...]:
        """Return all employees, those in the archive too, with their extensions where the Phone API tells them."""
        extensions = await self._extensions()
        found, offset, size, end = list[Manager](), 0, 1, End(MOST_MANAGERS)
        while offset < size:
            params = (("filter", _BOTH), ("order", "id"), *part(offset, _SLIM_PAGE))
            rows, size = await page_of(self._session, "/entity/employee", params)
            end.count(len(rows))
            found += kept_managers(_manager(row, extensions) for row in rows)
            offset = offset + len(rows) if rows else size
        return tuple(found)

    async def _extensions(self) -> dict[str, str]:
        if self._phone is None:
            return {}
        rows = (await self._phone.get("/employee")).rows("employees", MOST_MANAGERS)
        return {tail(row["meta"]["href"].text): row["extention"].text for row in rows}

    # --- counterparties

    async def _found(self, params: Params, seconds: float) -> list[Person]:
        rows, _ = await page_of(self._session, _PATH, (*params, _EXPANDED, *part(0, _PAGE)), seconds)
        return self._people(rows)

    async def _changed(self, at: Cursor, count: int, params: Params) -> Rows:
        chosen = (("order", "updated,asc;id,asc"), ("filter", at.condition + _BOTH))
        return await page_of(self._session, _PATH, (*chosen, *params, *part(at.skip, count)))

    def _people(self, rows: Sequence[Json]) -> list[Person]:
        return [person for row in rows for person in read_people(row, self._formats)]

    async def _with_contacts(self, rows: Sequence[Json]) -> list[Json]:
        """Return counterparties with all contact persons; a list that was cut short is read by itself."""
        return [await self._whole(row) if _is_cut(row) else row for row in rows]

    async def _whole(self, row: Json) -> Json:
        path, found, size = f"{_PATH}/{row['id'].text}/contactpersons", list[object](), 1
        end = End(MOST_OF_A_COMPANY)
        while len(found) < size:
            rows, size = await page_of(self._session, path, part(len(found), _SLIM_PAGE))
            end.count(len(rows))
            if not rows:
                break
            found += [each.value for each in rows]
        whole = dict(row.value) if isinstance(row.value, dict) else {}
        return Json({**whole, "contactpersons": {"rows": found}})


def _is_cut(row: Json) -> bool:
    contacts = row["contactpersons"]
    return (contacts["meta"]["size"].count or 0) > len(tuple(contacts["rows"]))


def _left(rows: Sequence[Json]) -> Iterator[Gone]:
    return (gone for row in rows for gone in vanished(row))


def _manager(row: Json, extensions: Mapping[str, str]) -> Manager:
    name = " ".join(filter(None, (row["lastName"].text, row["firstName"].text))) or row["name"].text
    return Manager(row["id"].text, name, extensions.get(row["id"].text) or None, not row["archived"].is_true)
