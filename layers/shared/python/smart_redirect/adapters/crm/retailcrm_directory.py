"""RetailCRM's customers with their companies, by ids or as a page of a list gives them."""

from collections.abc import Sequence
from dataclasses import dataclass

from smart_redirect.adapters.crm.bounds import MOST_COMPANIES
from smart_redirect.adapters.crm.json_values import Json
from smart_redirect.adapters.crm.retailcrm_api import SIZES, Api
from smart_redirect.adapters.crm.retailcrm_people import Corporate, contacts_of, read_corporate, read_person
from smart_redirect.adapters.crm.session import Params
from smart_redirect.domain.crm import Person
from smart_redirect.domain.crm_name import NameFormats
from smart_redirect.errors import CrmTooLong

_SLICE = SIZES[0]


@dataclass(frozen=True, slots=True)
class Directory:
    """The people of one account."""

    api: Api
    formats: NameFormats

    async def read(self, ids: Sequence[str]) -> list[Person]:
        """Return who of these is there, with their companies; ids that are no numbers are nobody's."""
        people: list[Person] = []
        numbers = [each for each in ids if each.isascii() and each.isdigit()]
        for start in range(0, len(numbers), _SLICE):
            people += await self.with_companies(await self._rows(numbers[start : start + _SLICE]))
        return people

    async def with_companies(self, rows: Sequence[Json]) -> list[Person]:
        """Return people; a contact person has the company's name, and its manager if none of his own."""
        contacts = tuple(row["id"].text for row in rows if row["isContact"].is_true and row["id"].id)
        companies = contacts_of(await self.companies("contactIds", contacts))
        return [read_person(row, self.formats, companies.get(row["id"].text)) for row in rows if row["id"].id]

    async def companies(self, name: str, ids: Sequence[str]) -> list[Corporate]:
        """Return corporate customers by a filter of ids: their own (`ids`) or their contact persons' (`contactIds`)."""
        found: list[Corporate] = []
        for start in range(0, len(ids), _SLICE):
            wanted: Params = [(f"filter[{name}][]", each) for each in ids[start : start + _SLICE]]
            rows = await self.api.all("/customers-corporate", "customersCorporate", MOST_COMPANIES, wanted)
            found += map(read_corporate, rows)
        return found

    async def _rows(self, ids: Sequence[str]) -> list[Json]:
        """Return the rows of at most a page of ids: by halves where all of them are too long for one answer."""
        wanted: Params = [("filter[ids][]", each) for each in ids]
        try:
            answer = await self.api.get("/customers", (*wanted, ("limit", str(_SLICE))))
        except CrmTooLong:
            if len(ids) == 1:
                raise
            middle = len(ids) // 2
            return [*await self._rows(ids[:middle]), *await self._rows(ids[middle:])]
        return list(answer.rows("customers"))
