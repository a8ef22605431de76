"""MoySklad, JSON API 1.2: counterparties and their contact persons, employees, extensions from the Phone API.

Settings: `url` and `phone_url` (MoySklad's own unless given). Credentials: `token`, or `login` and `password`; and
`phone_token` of the telephony application, by which managers get their extensions.
"""

import asyncio
from collections.abc import Mapping, Sequence
from time import time

from smart_redirect.adapters.crm.json_values import Json
from smart_redirect.adapters.crm.moysklad_cursor import START, Clock, Cursor, advanced, read_cursor
from smart_redirect.adapters.crm.moysklad_people import read_people, split_id, tail
from smart_redirect.adapters.crm.moysklad_session import open_phone_session, open_session
from smart_redirect.adapters.crm.outbound import Outbound
from smart_redirect.adapters.crm.phones import has_phone
from smart_redirect.adapters.crm.session import READ_SECONDS, Params, Session
from smart_redirect.domain.crm import Change, Found, Gone, Ids, Manager, Page, Person
from smart_redirect.domain.crm_name import NameFormats, read_formats
from smart_redirect.errors import CrmMalformed
from smart_redirect.usecases.ports_crm import Access

# A counterparty has 3 kB as a rule, and 20 kB with all its long texts full: 1 MB is the most that is read.
_PAGE = 50
_SLIM_PAGE = 100
_NATIONAL = 9
_EXPANDED = (("expand", "contactpersons"),)
_BOTH = "archived=true;archived=false"


def make(http: Outbound, access: Access) -> "MoySklad":
    """Return the CRM of a connection."""
    return MoySklad(open_session(http, access), open_phone_session(http, access), read_formats(access.settings))


class MoySklad:
    """The Crm of one account."""

    def __init__(self, session: Session, phone: Session | None, formats: NameFormats, clock: Clock = time) -> None:
        self._session = session
        self._phone = phone
        self._formats = formats
        self._clock = clock

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
        """Return the next counterparties that were changed since, each with its contact persons."""
        at = Cursor() if cursor is None else read_cursor(cursor)
        rows, size = await self._changed(at, _PAGE, _EXPANDED)
        following, more = advanced(at, rows, size, self._clock)
        people = tuple(await self._people_of(rows))
        is_walk, done = more or at.done > 0, at.done + len(rows)
        total = max(done, size) if at.since == START else None
        return Page(people, following.text, more, done if is_walk else 0, total)

    async def ids(self, cursor: str | None) -> Ids:
        """Return all ids, those of contact persons too: one who leaves a counterparty is known by nothing else."""
        at = Cursor() if cursor is None else read_cursor(cursor)
        rows, size = await self._changed(at, _PAGE, _EXPANDED)
        people = await self._people_of(rows)
        following, more = advanced(at, rows, size, self._clock)
        found = tuple(each.external_id for each in people if isinstance(each, Person))
        return Ids(found, following.text if more else None)

    async def people(self, external_ids: tuple[str, ...]) -> tuple[Person | Gone, ...]:
        """Return these people, each with the counterparty that he belongs to."""
        owners = list(dict.fromkeys(split_id(each)[0] for each in external_ids if split_id(each)[0]))
        known: dict[str, Change] = {}
        for start in range(0, len(owners), _PAGE):
            wanted = ";".join(f"id={each}" for each in owners[start : start + _PAGE])
            rows, _ = await self._listed((("filter", f"{wanted};{_BOTH}"), *_EXPANDED, *_part(0, _PAGE)))
            known |= {each.external_id: each for each in await self._people_of(rows)}
        return tuple(
            found if isinstance(found, Person) else Gone(each)
            for each, found in ((each, known.get(each)) for each in external_ids)
        )

    async def managers(self) -> tuple[Manager, ...]:
        """Return all employees, those in the archive too, with their extensions where the Phone API tells them."""
        extensions = await self._extensions()
        found, offset, size = list[Manager](), 0, 1
        while offset < size:
            params = (("filter", _BOTH), ("order", "id"), *_part(offset, _SLIM_PAGE))
            rows, size = await self._listed(params, path="/entity/employee")
            found += [_manager(row, extensions) for row in rows if row["id"].id]
            offset = offset + len(rows) if rows else size
        return tuple(found)

    async def _extensions(self) -> dict[str, str]:
        if self._phone is None:
            return {}
        rows = (await self._phone.get("/employee")).rows("employees")
        return {tail(row["meta"]["href"].text): row["extention"].text for row in rows}

    # --- counterparties

    async def _found(self, params: Params, seconds: float) -> list[Person]:
        rows, _ = await self._listed((*params, *_EXPANDED, *_part(0, _PAGE)), seconds=seconds)
        return [person for row in rows for person in read_people(row, self._formats)]

    async def _changed(self, at: Cursor, count: int, params: Params) -> tuple[Sequence[Json], int]:
        chosen = (("order", "updated,asc;id,asc"), ("filter", at.condition + _BOTH))
        return await self._listed((*chosen, *params, *_part(at.skip, count)))

    async def _listed(
        self, params: Params, *, path: str = "/entity/counterparty", seconds: float = READ_SECONDS
    ) -> tuple[Sequence[Json], int]:
        """Return the rows of a page, and how many rows the list has."""
        answer = await self._session.get(path, params, seconds=seconds)
        rows, size = answer.rows("rows"), answer["meta"]["size"].count
        if size is None:
            raise CrmMalformed("its answer does not say how long the list is")
        return rows, size

    async def _people_of(self, rows: Sequence[Json]) -> list[Change]:
        """Return counterparties and contact persons; a list that was cut short is read by itself."""
        found: list[Change] = []
        for row in rows:
            persons = row["contactpersons"]
            is_cut = (persons["meta"]["size"].count or 0) > len(tuple(persons["rows"]))
            found += read_people(await self._with_all_persons(row) if is_cut else row, self._formats)
        return found

    async def _with_all_persons(self, row: Json) -> Json:
        path, found, size = f"/entity/counterparty/{row['id'].text}/contactpersons", list[object](), 1
        while len(found) < size:
            rows, size = await self._listed(_part(len(found), _SLIM_PAGE), path=path)
            if not rows:
                break
            found += [each.value for each in rows]
        whole = dict(row.value) if isinstance(row.value, dict) else {}
        return Json({**whole, "contactpersons": {"rows": found}})


def _part(offset: int, count: int) -> Params:
    return ("limit", str(count)), ("offset", str(offset))


def _manager(row: Json, extensions: Mapping[str, str]) -> Manager:
    name = " ".join(filter(None, (row["lastName"].text, row["firstName"].text))) or row["name"].text
    return Manager(row["id"].text, name, extensions.get(row["id"].text) or None, not row["archived"].is_true)
