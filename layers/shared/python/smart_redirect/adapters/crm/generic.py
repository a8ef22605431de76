"""Somebody's own CRM over HTTP: addresses with placeholders and paths into the answers, or the cloud PBXs' contract.

Settings: docs/crm-vendors/generic.md has them all. `contract` is `http` (default) or `cmd`; `url` is asked about a
caller; with `list_url` and `person_url` there is a mirror, without them callers are looked up live only.
Credentials: what `auth` needs (`user` and `password`, or `token`), or `crm_token` for the contract `cmd`.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from time import time

from smart_redirect.adapters.crm.bounds import MOST_MANAGERS, End, in_turns
from smart_redirect.adapters.crm.generic_cmd import make_cmd
from smart_redirect.adapters.crm.generic_list import Listing, Place, read_listing
from smart_redirect.adapters.crm.generic_live import Ask, LiveOnly
from smart_redirect.adapters.crm.generic_paths import JsonPath, read_path
from smart_redirect.adapters.crm.generic_people import Fields, ManagerFields, read_fields, read_manager_fields
from smart_redirect.adapters.crm.generic_request import Nobody, Request, read_request
from smart_redirect.adapters.crm.generic_search import NO_ID, read_search
from smart_redirect.adapters.crm.json_values import Json, read_json
from smart_redirect.adapters.crm.outbound import Outbound
from smart_redirect.domain.crm import Found, Gone, Ids, Manager, Page, Person
from smart_redirect.domain.crm_mirror import kept_managers
from smart_redirect.errors import CrmMalformed, CrmRefused
from smart_redirect.usecases.ports_crm import Access, Crm

_LIST_SECONDS = 3600.0
_ID = frozenset({"id"})


@dataclass(frozen=True, slots=True)
class _Cursor:
    """Where a pass over the list is, how many are still to follow it at once, and when the next one is due."""

    place: Place = field(default_factory=Place)
    passes: int = 1
    due: float = 0.0
    is_resting: bool = False


def make(http: Outbound, access: Access, clock: Callable[[], float] = time) -> Crm:
    """Return the CRM of a connection."""
    contract = access.settings.get("contract") or "http"
    if contract == "cmd":
        return make_cmd(http, access)
    if contract != "http":
        raise CrmRefused("the setting contract must be http or cmd")
    search = read_search(http, access)
    if access.settings.get("list_url"):
        return Mirrored(_read_directory(http, access), search, clock)
    if search is None:
        raise CrmRefused("the setting url is missing: the address that is asked about a caller, with {phone} in it")
    return LiveOnly(search, access.settings)


@dataclass(frozen=True, slots=True)
class Directory:
    """The lists of people and of managers, and the address of one person."""

    people: Listing
    person: Request
    record: JsonPath
    fields: Fields
    managers: Listing | None
    manager_fields: ManagerFields
    every: float
    """Seconds between two passes over the list of people."""


class Mirrored:
    """The Crm of a connection with a list. It tells no changes: it is read from end to end, again and again."""

    people_at_once = 1

    def __init__(self, directory: Directory, ask: Ask | None, clock: Callable[[], float]) -> None:
        self._directory = directory
        self._ask = ask
        self._clock = clock

    async def lookup(self, phone: str, seconds: float) -> Found:
        """Ask about a caller, if there is an address for it."""
        return await self._ask(phone, seconds) if self._ask else Found()

    async def changes(self, cursor: str | None) -> Page:
        """Read the list page by page, then rest until it is due once more.

        The first pass is followed by a second one at once, if it was of several pages: who changed on a page that had
        been read, or slid to it, is met by that.
        """
        at = _Cursor(passes=2) if cursor is None else _read_cursor(cursor)
        if at.is_resting:
            if self._clock() < at.due:
                return Page((), _written(at), False)
            at = _Cursor()
        rows, following = await self._directory.people.read(at.place)
        people, done = await in_turns(self._person, rows), at.place.rows + len(rows)
        if following is not None:
            return Page(people, _written(replace(at, place=following)), True, done)
        if at.passes > 1 and at.place.pages > 1:
            return Page(people, _written(_Cursor(passes=at.passes - 1)), True, done)
        resting = _Cursor(due=self._clock() + self._directory.every, is_resting=True)
        return Page(people, _written(resting), False, done)

    async def ids(self, cursor: str | None) -> Ids:
        """Return the ids of the list."""
        at = _Cursor() if cursor is None else _read_cursor(cursor)
        rows, following = await self._directory.people.read(at.place)
        there = tuple(each.external_id for each in await in_turns(self._person, rows))
        return Ids(there, None if following is None else _written(replace(at, place=following)))

    async def people(self, external_ids: tuple[str, ...]) -> tuple[Person | Gone, ...]:
        """Return these people by one request each; nothing of those whom a look-up found without an id."""
        return tuple([await self._one(each) for each in external_ids if not each.startswith(NO_ID)])

    async def managers(self) -> tuple[Manager, ...]:
        """Return the managers of their list, or nobody without one."""
        directory, found, at = self._directory, dict[str, Manager](), Place()
        end = End(MOST_MANAGERS)
        while directory.managers is not None:
            rows, following = await directory.managers.read(at)
            end.count(len(rows))
            read = await in_turns(directory.manager_fields.manager, rows)
            found |= {each.id: each for each in kept_managers(read)}
            if following is None:
                break
            at = following
        return tuple(found.values())

    async def _one(self, external_id: str) -> Person | Gone:
        try:
            answer = await self._directory.person.send({"id": external_id})
        except Nobody:
            return Gone(external_id)
        record, fields = self._directory.record.first(answer), self._directory.fields
        if answer and not isinstance(record.value, dict):
            raise CrmMalformed("its answer has no record of a person where the settings say")
        # A record that the paths lead nowhere in may be one of wrong settings; nobody is dropped for that.
        if not answer or record.value == {} or ("found_path" in fields.paths and not fields.has(record)):
            return Gone(external_id)
        person = self._person(record)
        if person.external_id != external_id:
            raise CrmMalformed("answers with another person than asked for")
        return person

    def _person(self, record: Json) -> Person:
        external_id = self._directory.fields.of(record, "id_path").id
        if external_id is None:
            raise CrmMalformed("its answer has a person without an id where id_path says")
        return self._directory.fields.person(record, external_id)


def _read_directory(http: Outbound, access: Access) -> Directory:
    """Return what the settings say of the lists; CrmRefused names what a mirror needs."""
    settings, fields = access.settings, read_fields(access.settings)
    manager_fields = read_manager_fields(settings)
    if "id_path" not in fields.paths or not fields.phones:
        raise CrmRefused("with list_url the settings need id_path and phones_path too")
    people = read_listing(http, access, "list", fields.paths["id_path"])
    person = read_request(http, access, "person_url", _ID)
    if people is None or "id" not in person.template.names:
        raise CrmRefused("with list_url the setting person_url needs the placeholder {id}")
    managers = read_listing(http, access, "managers", manager_fields.id)
    record = read_path(settings, "person_path") or JsonPath()
    return Directory(people, person, record, fields, managers, manager_fields, _every(settings))


def _every(settings: Mapping[str, object]) -> float:
    given = settings.get("list_seconds", _LIST_SECONDS)
    if not isinstance(given, int | float) or isinstance(given, bool) or not 0 <= given <= 30 * 86_400:
        raise CrmRefused("the setting list_seconds must be a number of seconds")
    return float(given)


def _written(cursor: _Cursor) -> str:
    return json.dumps(asdict(cursor))


def _read_cursor(text: str) -> _Cursor:
    found = read_json(text.encode())
    place, passes, due = found["place"], found["passes"].count, found["due"].number
    pages, rows = place["pages"].count, place["rows"].count
    if pages is None or rows is None or passes is None or due is None:
        raise CrmMalformed("the cursor is not one of a list")
    whole = Place(pages, rows, place["cursor"].text, place["seen"].text)
    return _Cursor(whole, passes, due, found["is_resting"].is_true)
