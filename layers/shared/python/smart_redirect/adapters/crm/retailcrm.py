"""RetailCRM (Simla), API v5: customers with their corporate customers, two histories, users, telephony.

Settings: `url` (https://shop.retailcrm.ru), `module` (code of the telephony integration, whose extensions are read).
Credentials: `api_key`, with rights to read customers, corporate customers, users, telephony and integrations.
"""

from dataclasses import replace
from urllib.parse import quote

from smart_redirect.adapters.crm.bounds import MOST_MANAGERS
from smart_redirect.adapters.crm.json_values import Json
from smart_redirect.adapters.crm.outbound import Outbound
from smart_redirect.adapters.crm.phones import has_phone
from smart_redirect.adapters.crm.retailcrm_api import Api, in_pages, make_api, pages_of
from smart_redirect.adapters.crm.retailcrm_cursor import Cursor, read_cursor
from smart_redirect.adapters.crm.retailcrm_directory import Directory
from smart_redirect.adapters.crm.retailcrm_history import Rows, end_of, is_a_day_later, read_history
from smart_redirect.adapters.crm.retailcrm_people import read_person
from smart_redirect.domain.crm import Change, Found, Gone, Ids, Manager, Merged, Page, Person
from smart_redirect.domain.crm_mirror import kept_managers
from smart_redirect.domain.crm_name import NameFormats, read_formats
from smart_redirect.errors import CrmRefused, CrmTooLong
from smart_redirect.usecases.ports_crm import Access

_CUSTOMERS = "/customers/history"
_CORPORATE = "/customers-corporate/history"
_NATIONAL = 9
# Pages of everybody that are read once more with one run, so that the changes do not wait for all of them.
_AGAIN_AT_ONCE = 20


def make(http: Outbound, access: Access) -> "RetailCrm":
    """Return the CRM of a connection."""
    module = access.settings.get("module")
    formats = read_formats(access.settings)
    return RetailCrm(make_api(http, access), formats, module if isinstance(module, str) else "")


class RetailCrm:
    """The Crm of one account."""

    people_at_once = 50

    def __init__(self, api: Api, formats: NameFormats, module: str = "") -> None:
        self._api = api
        self._directory = Directory(api, formats)
        self._formats = formats
        self._module = module

    async def lookup(self, phone: str, seconds: float) -> Found:
        """Ask telephony first, which knows the extension too; search by digits where it names nobody or another."""
        digits = phone.lstrip("+")
        params = (("phone", digits), ("details", "1"), ("ignoreStatus", "1"))
        answer = await self._api.get("/telephony/manager", params, seconds=seconds, missing=(404,))
        if answer["customer"]["id"].id:
            found = self._found(answer["customer"], answer["manager"])
            if has_phone(found.people[0], phone, self._api.session.access.country):
                return found
        search = (("filter[name]", digits[-_NATIONAL:]), ("limit", "100"))
        rows = (await self._api.get("/customers", search, seconds=seconds)).rows("customers")
        return Found(tuple(read_person(row, self._formats) for row in rows))

    def _found(self, customer: Json, manager: Json) -> Found:
        person = read_person(customer, self._formats)
        responsible, extension = manager["id"].id, manager["code"].text
        known = ((responsible, extension),) if responsible and extension else ()
        return Found((replace(person, responsible_id=person.responsible_id or responsible),), known)

    async def changes(self, cursor: str | None) -> Page:
        """Walk the customers page by page, then both histories; a row of a history says only whom to read again."""
        at = await in_pages(self._begin) if cursor is None else read_cursor(cursor)
        try:
            return await self._next(at)
        except CrmTooLong:
            if at.shorter is None:
                raise
            return Page((), at.shorter.text, True)

    async def ids(self, cursor: str | None) -> Ids:
        """Return the ids of all customers: the histories tell of deletions, and the sweep of what they did not."""
        at = Cursor(walk=1) if cursor is None else read_cursor(cursor)
        try:
            answer = await self._api.page("/customers", at.size, at.walk)
        except CrmTooLong:
            if at.shorter is None:
                raise
            return Ids((), at.shorter.text)
        is_last = at.walk >= pages_of(answer)
        there = tuple(row["id"].text for row in answer.rows("customers") if row["id"].id)
        return Ids(there, None if is_last else replace(at, walk=at.walk + 1).text)

    async def people(self, external_ids: tuple[str, ...]) -> tuple[Person | Gone, ...]:
        """Return these customers; whom the answer lacks is gone. Ids that are no numbers are nobody's."""
        known = {person.external_id: person for person in await self._directory.read(external_ids)}
        return tuple(known.get(each, Gone(each)) for each in external_ids)

    async def managers(self) -> tuple[Manager, ...]:
        """Return all users, with the extensions of the telephony module if the settings name one."""
        codes = await self._codes()
        rows = await self._api.all("/users", "users", MOST_MANAGERS)
        return kept_managers(_manager(row, codes) for row in rows)

    async def _codes(self) -> dict[str, str]:
        if not self._module:
            return {}
        answer = await self._api.get(f"/integration-modules/{quote(self._module, safe='')}", missing=(404,))
        if not answer:
            raise CrmRefused(f"there is no integration module {self._module}")
        codes = answer["integrationModule"]["integrations"]["telephony"]["additionalCodes"]
        return {each["userId"].text: each["code"].text for each in codes}

    # --- the walk and the feeds

    async def _begin(self, size: int) -> Cursor:
        """Take the ends of both histories, before anything is read."""
        customers, corporate = [await end_of(self._api, path, size) for path in (_CUSTOMERS, _CORPORATE)]
        return Cursor(customers, corporate, walk=1, passes=2, size=size)

    async def _next(self, at: Cursor) -> Page:
        if at.walk:
            return await self._walked(at)
        if at.contacts:
            return await self._contacts(at)
        if at.again and (at.again - 1) % _AGAIN_AT_ONCE:
            return await self._walked_again(at)
        page = await self._customers_fed(at)
        if page.more:
            return page
        corporate = await self._corporate_fed(read_cursor(page.cursor))
        return replace(corporate, changes=(*page.changes, *corporate.changes))

    async def _walked(self, at: Cursor) -> Page:
        """Read everybody twice: whom a deletion moved over the border of two pages is met by the second time."""
        answer = await self._api.page("/customers", at.size, at.walk)
        people = await self._directory.with_companies(answer.rows("customers"))
        total, is_last = answer["pagination"]["totalCount"].count or 0, at.walk >= pages_of(answer)
        following = replace(at, walk=0 if is_last else at.walk + 1)
        if is_last and at.walk > 1 < at.passes:
            following = replace(at, walk=1, passes=at.passes - 1)
        done = total if is_last else at.walk * at.size
        return Page(tuple(people), following.text, True, done, total)

    async def _contacts(self, at: Cursor) -> Page:
        """Read all contact persons again: a company is gone or has lost one, and its history does not say whom."""
        answer = await self._api.page("/customers", at.size, at.contacts, (("filter[isContact]", "1"),))
        people = await self._directory.with_companies(answer.rows("customers"))
        following = replace(at, contacts=0 if at.contacts >= pages_of(answer) else at.contacts + 1)
        return Page(tuple(people), following.text, True)

    async def _walked_again(self, at: Cursor) -> Page:
        """Read everybody once more: who has left his last company is no contact person any more."""
        answer = await self._api.page("/customers", at.size, at.again)
        people = await self._directory.with_companies(answer.rows("customers"))
        is_last, rests = at.again >= pages_of(answer), at.again % _AGAIN_AT_ONCE == 0
        following = replace(at, again=0 if is_last else at.again + 1)
        return Page(tuple(people), following.text, is_last or not rests)

    async def _customers_fed(self, at: Cursor) -> Page:
        page = await read_history(self._api, _CUSTOMERS, at.customers, at.size)
        told = [each for row in page.rows for each in _lost(row)]
        dirty = dict.fromkeys(each for row in page.rows for each in _named(row))
        # Whoever is there now is there, whatever an older row said of him.
        people = await self._directory.read(tuple(dirty))
        missing = dirty.keys() - {person.external_id for person in people}
        # Who is not there yet is read again with the row that names him: his list may be behind the history.
        settled = [each for row in page.rows[: page.settled] for each in _named(row) if each in missing]
        following = replace(at, customers=page.after(at.customers))
        return Page((*told, *map(Gone, dict.fromkeys(settled)), *people), following.text, page.more)

    async def _corporate_fed(self, at: Cursor) -> Page:
        page = await read_history(self._api, _CORPORATE, at.corporate, at.size)
        ids = tuple(dict.fromkeys(each for each in (row["customer"]["id"].id for row in page.rows) if each))
        found = await self._directory.companies("ids", ids)
        following = replace(at, corporate=page.after(at.corporate))
        there = {str(company.id) for company in found}
        if any(_takes_away(row, there) for row in page.new_in(at.corporate)):
            # The feed is gone on with behind this page, or the page would be read and the contacts again and again.
            ahead = replace(page, more=True).after(at.corporate)
            return Page((), replace(following, corporate=ahead, contacts=1, is_owed=True).text, True)
        people = await self._directory.read(tuple(dict.fromkeys(each for one in found for each in one.contacts)))
        # Once more through the customers' history: what it has since is read with the next page.
        return await self._rested(following, page, tuple(people))

    async def _rested(self, at: Cursor, page: Rows, people: tuple[Person, ...]) -> Page:
        """Go on with the feed, or behind its end with everybody once more if that is owed: once a day at most."""
        if page.more:
            return Page(people, at.text, True)
        if at.is_owed and not at.again and is_a_day_later(page.now, at.read_at):
            at = replace(at, again=1, is_owed=False, read_at=page.now)
        if not at.again:
            return Page(people, at.text, False)
        again = await self._walked_again(at)
        return replace(again, changes=(*people, *again.changes))


def _named(row: Json) -> list[str]:
    """Return whom a row is about."""
    return [each for each in (row["customer"]["id"].id, row["combinedTo"]["id"].id) if each]


def _lost(row: Json) -> list[Change]:
    customer, into = row["customer"]["id"].id, row["combinedTo"]["id"].id
    if customer and into:
        return [Merged(customer, into)]
    return [Gone(customer)] if customer and row["deleted"].is_true else []


def _takes_away(row: Json, there: set[str]) -> bool:
    """Tell whether somebody may have lost his company."""
    return "contact" in row["field"].text or row["customer"]["id"].id not in there


def _manager(row: Json, codes: dict[str, str]) -> Manager:
    name = " ".join(filter(None, (row["lastName"].text, row["firstName"].text)))
    return Manager(row["id"].text, name, codes.get(row["id"].text) or None, row["active"].is_true)
