"""RetailCRM (Simla), API v5: customers with their corporate customers, two histories, users, telephony.

Settings: `url` (https://shop.retailcrm.ru), `module` (code of the telephony integration, whose extensions are read).
Credentials: `api_key`, with rights to read customers, corporate customers, users, telephony and integrations.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from urllib.parse import quote

from smart_redirect.adapters.crm.bounds import MOST_COMPANIES, MOST_MANAGERS, End
from smart_redirect.adapters.crm.json_values import Json, read_json
from smart_redirect.adapters.crm.outbound import Answer, Outbound
from smart_redirect.adapters.crm.phones import has_phone
from smart_redirect.adapters.crm.retailcrm_cursor import Cursor, read_cursor
from smart_redirect.adapters.crm.retailcrm_people import Corporate, contacts_of, read_corporate, read_person
from smart_redirect.adapters.crm.session import Params, Session, base_url, credential
from smart_redirect.domain.crm import Change, Found, Gone, Ids, Manager, Merged, Page, Person
from smart_redirect.domain.crm_mirror import kept_managers
from smart_redirect.domain.crm_name import NameFormats, read_formats
from smart_redirect.errors import CrmMalformed, CrmRefused
from smart_redirect.usecases.ports_crm import Access

_PAGE = ("limit", "100")
_SLICE = 100
_NATIONAL = 9


def make(http: Outbound, access: Access) -> "RetailCrm":
    """Return the CRM of a connection."""
    headers = {"X-API-KEY": credential(access.settings, "api_key")}
    session = Session(http, access, base_url(access.settings) + "/api", headers, _complain)
    module = access.settings.get("module")
    return RetailCrm(session, read_formats(access.settings), module if isinstance(module, str) else "")


class RetailCrm:
    """The Crm of one account."""

    people_at_once = 50

    def __init__(self, session: Session, formats: NameFormats, module: str = "") -> None:
        self._session = session
        self._formats = formats
        self._module = module

    async def lookup(self, phone: str, seconds: float) -> Found:
        """Ask telephony first, which knows the extension too; search by digits where it names nobody or another."""
        digits = phone.lstrip("+")
        params = (("phone", digits), ("details", "1"), ("ignoreStatus", "1"))
        answer = await self._session.get("/v5/telephony/manager", params, seconds=seconds, missing=(404,))
        if answer["customer"]["id"].id:
            found = self._found(answer["customer"], answer["manager"])
            if has_phone(found.people[0], phone, self._session.access.country):
                return found
        search = (("filter[name]", digits[-_NATIONAL:]), _PAGE)
        rows = (await self._session.get("/v5/customers", search, seconds=seconds)).rows("customers")
        return Found(tuple(read_person(row, self._formats) for row in rows))

    def _found(self, customer: Json, manager: Json) -> Found:
        person = read_person(customer, self._formats)
        responsible, extension = manager["id"].id, manager["code"].text
        known = ((responsible, extension),) if responsible and extension else ()
        return Found((replace(person, responsible_id=person.responsible_id or responsible),), known)

    async def changes(self, cursor: str | None) -> Page:
        """Walk the customers page by page, then both histories; a row of a history says only whom to read again."""
        at = await self._begin() if cursor is None else read_cursor(cursor)
        if at.walk:
            return await self._walked(at)
        if at.contacts:
            return await self._contacts(at)
        page = await self._customers_fed(at)
        if page.more:
            return page
        corporate = await self._corporate_fed(read_cursor(page.cursor))
        return replace(corporate, changes=(*page.changes, *corporate.changes))

    async def ids(self, cursor: str | None) -> Ids:  # noqa: ARG002
        """Return nothing: both histories tell of deletions."""
        return Ids((), None)

    async def people(self, external_ids: tuple[str, ...]) -> tuple[Person | Gone, ...]:
        """Return these customers; whom the answer lacks is gone. Ids that are no numbers are nobody's."""
        known = {person.external_id: person for person in await self._read(external_ids)}
        return tuple(known.get(each, Gone(each)) for each in external_ids)

    async def managers(self) -> tuple[Manager, ...]:
        """Return all users, with the extensions of the telephony module if the settings name one."""
        codes, found, number, last, end = await self._codes(), list[Manager](), 1, 1, End(MOST_MANAGERS)
        while number <= last:
            answer = await self._session.get("/v5/users", (_PAGE, ("page", str(number))))
            end.count(len(answer.rows("users")))
            found += kept_managers(_manager(row, codes) for row in answer.rows("users"))
            number, last = number + 1, _pages(answer)
        return tuple(found)

    async def _codes(self) -> dict[str, str]:
        if not self._module:
            return {}
        path = f"/v5/integration-modules/{quote(self._module, safe='')}"
        answer = await self._session.get(path, missing=(404,))
        if not answer:
            raise CrmRefused(f"there is no integration module {self._module}")
        codes = answer["integrationModule"]["integrations"]["telephony"]["additionalCodes"]
        return {each["userId"].text: each["code"].text for each in codes}

    # --- the walk and the feeds

    async def _begin(self) -> Cursor:
        """Take the ends of both histories, before anything is read."""
        ends = [await self._end_of(path) for path in ("/v5/customers/history", "/v5/customers-corporate/history")]
        return Cursor(ends[0], ends[1], walk=1, passes=2)

    async def _end_of(self, path: str) -> int:
        """Return the last id of a history: that of the last row of its last page."""
        first = await self._session.get(path, (_PAGE,))
        last = first if _pages(first) <= 1 else await self._session.get(path, (_PAGE, ("page", str(_pages(first)))))
        return max((row["id"].count or 0 for row in last.rows("history")), default=0)

    async def _walked(self, at: Cursor) -> Page:
        """Read everybody twice: whom a deletion moved over the border of two pages is met by the second time."""
        answer = await self._session.get("/v5/customers", (_PAGE, ("page", str(at.walk))))
        people = await self._with_companies(answer.rows("customers"))
        total, is_last = answer["pagination"]["totalCount"].count or 0, at.walk >= _pages(answer)
        following = replace(at, walk=0 if is_last else at.walk + 1)
        if is_last and at.walk > 1 < at.passes:
            following = replace(at, walk=1, passes=at.passes - 1)
        done = total if is_last else at.walk * _SLICE
        return Page(tuple(people), following.text, True, done, total)

    async def _contacts(self, at: Cursor) -> Page:
        """Read all contact persons again: a company is gone or has lost one, and its history does not say whom."""
        params = (_PAGE, ("page", str(at.contacts)), ("filter[isContact]", "1"))
        answer = await self._session.get("/v5/customers", params)
        people = await self._with_companies(answer.rows("customers"))
        following = replace(at, contacts=0 if at.contacts >= _pages(answer) else at.contacts + 1)
        return Page(tuple(people), following.text, True)

    async def _customers_fed(self, at: Cursor) -> Page:
        answer, rows = await self._history("/v5/customers/history", at.customers)
        lost: list[Change] = []
        dirty: dict[str, None] = {}
        for row in rows:
            customer, into = row["customer"]["id"].id, row["combinedTo"]["id"].id
            if customer and into:
                lost.append(Merged(customer, into))
            elif customer and row["deleted"].is_true:
                lost.append(Gone(customer))
            dirty |= dict.fromkeys(each for each in (customer, into) if each)
        # Whoever is there now is there, whatever an older row said of him.
        people = await self._read(tuple(dirty))
        following = replace(at, customers=_last(rows, at.customers))
        missing = [Gone(each) for each in dirty if each not in {person.external_id for person in people}]
        return Page((*lost, *missing, *people), following.text, _has_more(answer, rows))

    async def _corporate_fed(self, at: Cursor) -> Page:
        answer, rows = await self._history("/v5/customers-corporate/history", at.corporate)
        following = replace(at, corporate=_last(rows, at.corporate))
        if not rows:
            return Page((), following.text, False)
        ids = tuple(dict.fromkeys(each for each in (row["customer"]["id"].id for row in rows) if each))
        found = await self._corporate("ids", ids)
        if len(found) < len(ids) or any("contact" in row["field"].text for row in rows):
            return Page((), replace(following, contacts=1).text, True)
        people = await self._read(tuple(dict.fromkeys(each for company in found for each in company.contacts)))
        # Once more through the customers' history: what it has since is read with the next page.
        return Page(tuple(people), following.text, _has_more(answer, rows))

    async def _history(self, path: str, since: int) -> tuple[Json, Sequence[Json]]:
        # A history that is empty has no end to go on from: it is read from its beginning.
        params = (_PAGE, ("filter[sinceId]", str(since))) if since else (_PAGE,)
        answer = await self._session.get(path, params)
        return answer, answer.rows("history")

    # --- people

    async def _read(self, ids: Sequence[str]) -> list[Person]:
        """Return who of these is there, with their companies."""
        people: list[Person] = []
        numbers = [each for each in ids if each.isascii() and each.isdigit()]
        for start in range(0, len(numbers), _SLICE):
            params: Params = [("filter[ids][]", each) for each in numbers[start : start + _SLICE]]
            answer = await self._session.get("/v5/customers", (*params, _PAGE))
            people += await self._with_companies(answer.rows("customers"))
        return people

    async def _with_companies(self, rows: Sequence[Json]) -> list[Person]:
        """Return people; a contact person has the company's name, and its manager if none of his own."""
        contacts = tuple(row["id"].text for row in rows if row["isContact"].is_true and row["id"].id)
        companies = contacts_of(await self._corporate("contactIds", contacts))
        return [read_person(row, self._formats, companies.get(row["id"].text)) for row in rows if row["id"].id]

    async def _corporate(self, name: str, ids: Sequence[str]) -> list[Corporate]:
        found: list[Corporate] = []
        for start in range(0, len(ids), _SLICE):
            wanted: Params = [(f"filter[{name}][]", each) for each in ids[start : start + _SLICE]]
            number, last, end = 1, 1, End(MOST_COMPANIES)
            while number <= last:
                answer = await self._session.get("/v5/customers-corporate", (*wanted, _PAGE, ("page", str(number))))
                end.count(len(answer.rows("customersCorporate")))
                found += map(read_corporate, answer.rows("customersCorporate"))
                number, last = number + 1, _pages(answer)
        return found


def _complain(answer: Answer) -> None:
    """Say what a refusal is about: the text names rights and parameters, never keys or phones."""
    if answer.status == 403:
        raise CrmRefused("refuses the API key or its rights (403)")
    if answer.status in {200, 400} and answer.body.lstrip().startswith(b"<"):
        raise CrmMalformed("answers with a page: is there such an account?")
    if answer.status == 200 and read_json(answer.body)["success"].value is not True:
        raise CrmMalformed("says that it did not succeed")


def _manager(row: Json, codes: dict[str, str]) -> Manager:
    name = " ".join(filter(None, (row["lastName"].text, row["firstName"].text)))
    return Manager(row["id"].text, name, codes.get(row["id"].text) or None, row["active"].is_true)


def _pages(answer: Json) -> int:
    pages, rows = (answer["pagination"][name].count for name in ("totalPageCount", "totalCount"))
    if pages is None or (pages == 0 and rows):
        raise CrmMalformed("its list does not say how many pages it has")
    return pages


def _last(rows: Iterable[Json], otherwise: int) -> int:
    return max((row["id"].count or 0 for row in rows), default=otherwise)


def _has_more(answer: Json, rows: Sequence[Json]) -> bool:
    return bool(rows) and _pages(answer) > 1
