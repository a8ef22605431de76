"""The question to somebody's own CRM about a caller."""

from collections.abc import Mapping
from dataclasses import dataclass
from time import monotonic

from smart_redirect.adapters.crm.generic_list import rows_of
from smart_redirect.adapters.crm.generic_paths import JsonPath, read_path
from smart_redirect.adapters.crm.generic_people import Fields, read_fields
from smart_redirect.adapters.crm.generic_phones import ASKED_BY, Formats, read_phone_formats
from smart_redirect.adapters.crm.generic_request import Nobody, Request, read_request, with_body
from smart_redirect.adapters.crm.json_values import Json
from smart_redirect.adapters.crm.outbound import Outbound
from smart_redirect.adapters.crm.phones import has_phone
from smart_redirect.domain.crm import Found, Person
from smart_redirect.errors import CrmMalformed, CrmRefused, CrmUnavailable
from smart_redirect.usecases.ports_crm import Access

# How the id begins that is made for somebody whose record has none: nobody can be read by it.
NO_ID = "phone:"


@dataclass(frozen=True, slots=True)
class Search:
    """Asks by one format after another until somebody has the phone."""

    request: Request
    formats: Formats
    fields: Fields
    rows_path: JsonPath | None

    async def __call__(self, phone: str, seconds: float) -> Found:
        """Return the owners of a phone (E.164); all formats together have so many seconds."""
        until = monotonic() + seconds
        for values in self.formats.of(phone, self.request.names):
            left = until - monotonic()
            if left <= 0:
                raise CrmUnavailable("no answer in time to all formats")
            found = self._found(await self._records(values, left), phone)
            if any(has_phone(each, phone, self.formats.country) for each in found.people):
                return found
        return Found()

    async def _records(self, values: Mapping[str, str], seconds: float) -> list[Json]:
        try:
            answer = await self.request.send(values, seconds)
        except Nobody:
            return []
        if not answer:
            return []
        if self.rows_path is not None:
            return rows_of(answer, self.rows_path)
        if not isinstance(answer.value, dict):
            raise CrmMalformed("its answer is no record")
        return [answer]

    def _found(self, records: list[Json], phone: str) -> Found:
        people, extensions = dict[str, Person](), dict[str, str]()
        for number, record in enumerate(each for each in records if self.fields.has(each)):
            external_id = self.fields.of(record, "id_path").id or f"{NO_ID}{phone.lstrip('+')}:{number}"
            person = people.setdefault(external_id, self.fields.person(record, external_id, phone))
            extension = self.fields.extension(record)
            if person.responsible_id and extension:
                extensions[person.responsible_id] = extension
        return Found(tuple(people.values()), tuple(extensions.items()))


def read_search(http: Outbound, access: Access) -> Search | None:
    """Return the question that `url` and `body` of the settings ask; None without `url`."""
    if not access.settings.get("url"):
        return None
    request = with_body(read_request(http, access, "url", ASKED_BY), access.settings, ASKED_BY)
    if not request.names & ASKED_BY:
        raise CrmRefused("the setting url, or body, must have a placeholder for the phone such as {phone}")
    formats = read_phone_formats(access.settings, access.country)
    return Search(request, formats, read_fields(access.settings), read_path(access.settings, "rows_path"))
