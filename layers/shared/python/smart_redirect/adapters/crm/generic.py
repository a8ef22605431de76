"""A customer's own service over HTTP: a look-up by an address template, lists for the mirror, or the push contract.

Settings are in docs/crm-vendors/generic.md. With `contract` = `cmd` the service speaks what cloud PBXs ask of CRMs:
`cmd=contact` → `contact_name`, `responsible`. Credentials by `auth`: `user` and `password`, `token`, or `header` and
`value`; `crm_token` for the push contract.
"""

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from time import monotonic

from smart_redirect.adapters.crm.generic_cmd import make_cmd
from smart_redirect.adapters.crm.generic_rows import PHONE_FORMS, Reading, read_settings
from smart_redirect.adapters.crm.json_values import Json, read_json
from smart_redirect.adapters.crm.outbound import Outbound
from smart_redirect.adapters.crm.phones import has_phone
from smart_redirect.adapters.crm.session import READ_SECONDS, Session, credential
from smart_redirect.adapters.crm.templates import AddressTemplate, filled_body, read_address, read_body
from smart_redirect.domain.crm import Found, Gone, Ids, Manager, Page, Person
from smart_redirect.errors import CrmMalformed, CrmRefused, CrmUnavailable
from smart_redirect.usecases.ports_crm import Access, Crm

_MOST_PAGES = 100_000
_PHONE_NAMES = frozenset(PHONE_FORMS)


@dataclass(frozen=True, slots=True)
class Lists:
    """Where lists are read page by page: `{page}` counts from 1, and an empty page or one that repeats is the end."""

    people: AddressTemplate | None = None
    managers: AddressTemplate | None = None


def make(http: Outbound, access: Access) -> Crm:
    """Return the CRM of a connection, by its contract."""
    settings = access.settings
    if settings.get("contract") == "cmd":
        return make_cmd(http, access)
    if settings.get("contract") not in {None, "", "template"}:
        raise CrmRefused("the setting contract must be template or cmd")
    look_up = read_address("url", settings.get("url"), _PHONE_NAMES)
    lists = Lists(_paged("list_url", settings), _paged("managers_url", settings))
    session = Session(http, access, "", _headers(settings))
    return Generic(session, look_up, lists, read_settings(settings, access.country))


def _paged(name: str, settings: Mapping[str, object]) -> AddressTemplate | None:
    given = settings.get(name)
    return read_address(name, given, frozenset({"page"})) if given else None


def _headers(settings: Mapping[str, object]) -> Mapping[str, str]:
    match settings.get("auth") or "none":
        case "none":
            return {}
        case "basic":
            pair = f"{credential(settings, 'user')}:{credential(settings, 'password')}"
            return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}
        case "bearer":
            return {"Authorization": f"Bearer {credential(settings, 'token')}"}
        case "header":
            name = credential(settings, "header")
            if not name.replace("-", "").isalnum() or name.lower() in {"host", "content-length", "transfer-encoding"}:
                raise CrmRefused("the credential header must be the name of a header of the service")
            return {name: credential(settings, "value")}
    raise CrmRefused("the setting auth must be none, basic, bearer or header")


class Generic:
    """The Crm of one service."""

    def __init__(self, session: Session, look_up: AddressTemplate, lists: Lists, reading: Reading) -> None:
        self._session = session
        self._look_up = look_up
        self._lists = lists
        self._reading = reading
        settings = session.access.settings
        self._body = read_body("body", settings.get("body"), _PHONE_NAMES)
        self._is_json = settings.get("body_type") == "json"

    async def lookup(self, phone: str, seconds: float) -> Found:
        """Ask with each form of the phone in turn until somebody is found who has it."""
        until, people, extensions = monotonic() + seconds, dict[str, Person](), dict[str, str]()
        for values in self._reading.forms(phone):
            if until <= monotonic():
                raise CrmUnavailable("no answer in time")
            answer = await self._ask(values, until - monotonic())
            for row in self._reading.found(answer):
                person = self._reading.person(row, phone)
                people.setdefault(person.external_id, person)
                extensions |= self._reading.extension(row, person)
            if any(has_phone(each, phone, self._session.access.country) for each in people.values()):
                break
        return Found(tuple(people.values()), tuple(extensions.items()))

    async def changes(self, cursor: str | None) -> Page:
        """Read all pages of the list, the first time twice, because what changed meanwhile is not told otherwise."""
        page, passes, last = (1, 0, "") if cursor is None else _read_cursor(cursor)
        if self._lists.people is None:
            return Page((), _written(1, 1, ""), False)
        people, digest = await self._page(self._lists.people, page)
        if not people or digest == last or page >= _MOST_PAGES:
            return Page((), _written(1, 1, ""), passes == 0)
        return Page(tuple(people), _written(page + 1, passes, digest), True)

    async def ids(self, cursor: str | None) -> Ids:
        """Return the ids of the list, page by page; without a list nothing is known of deletions."""
        if self._lists.people is None:
            return Ids((), None)
        page, _, last = (1, 0, "") if cursor is None else _read_cursor(cursor)
        people, digest = await self._page(self._lists.people, page)
        if not people or digest == last or page >= _MOST_PAGES:
            return Ids((), None)
        return Ids(tuple(each.external_id for each in people), _written(page + 1, 1, digest))

    async def people(self, external_ids: tuple[str, ...]) -> tuple[Person | Gone, ...]:
        """Look for them in the list; without one nothing is known, and what look-ups found ends by itself."""
        if self._lists.people is None or not external_ids:
            return ()
        wanted, known, page, last = set(external_ids), dict[str, Person](), 1, ""
        while wanted - known.keys() and page < _MOST_PAGES:
            people, digest = await self._page(self._lists.people, page)
            if not people or digest == last:
                break
            known |= {each.external_id: each for each in people if each.external_id in wanted}
            page, last = page + 1, digest
        return tuple(known.get(each, Gone(each)) for each in external_ids)

    async def managers(self) -> tuple[Manager, ...]:
        """Return the users of the service, if it lists them."""
        found, page, last = dict[str, Manager](), 1, ""
        while self._lists.managers is not None and page < _MOST_PAGES:
            rows, digest = await self._rows(self._lists.managers, page, self._reading.managers)
            if not rows or digest == last:
                break
            found |= {each.id: each for each in map(self._reading.manager, rows) if each.id}
            page, last = page + 1, digest
        return tuple(found.values())

    async def _ask(self, values: Mapping[str, str], seconds: float) -> Json:
        address = self._look_up.filled(values)
        if not self._body:
            return await self._session.get(address, seconds=seconds, missing=(404,))
        fields = filled_body(self._body, values)
        if self._is_json:
            return await self._session.post_json(address, json.dumps(fields).encode(), seconds=seconds)
        return await self._session.post_form(address, tuple(fields.items()), seconds=seconds)

    async def _page(self, address: AddressTemplate, page: int) -> tuple[Sequence[Person], str]:
        rows, digest = await self._rows(address, page, self._reading.list_rows)
        people = [self._reading.person(row) for row in rows]
        if any(not each.external_id for each in people):
            raise CrmMalformed("a row of its list has no id")
        return people, digest

    async def _rows(self, address: AddressTemplate, page: int, path: object) -> tuple[Sequence[Json], str]:
        """Return a page's rows and what tells it from others."""
        answer = await self._session.get(
            address.filled({"page": str(page)}), seconds=READ_SECONDS, missing=(404,) if page > 1 else ()
        )
        rows = self._reading.rows(answer, path) if answer else ()
        return rows, hashlib.sha256(repr(rows).encode()).hexdigest()[:16]


def _written(page: int, passes: int, last: str) -> str:
    return json.dumps({"page": page, "passes": passes, "last": last})


def _read_cursor(text: str) -> tuple[int, int, str]:
    found = read_json(text.encode())
    page, passes = found["page"].count, found["passes"].count
    if not page or page < 1 or passes is None:
        raise CrmMalformed("the cursor is not one of a list")
    return page, passes, found["last"].text
