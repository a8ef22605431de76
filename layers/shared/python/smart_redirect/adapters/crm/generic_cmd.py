"""The contract of the cloud PBXs: `cmd=contact` is posted to the customer's address, a name and a login come back."""

from dataclasses import dataclass, field
from secrets import token_hex
from time import monotonic

from smart_redirect.adapters.crm.generic_live import LiveOnly
from smart_redirect.adapters.crm.generic_people import responsible_is
from smart_redirect.adapters.crm.generic_phones import Formats, read_phone_formats
from smart_redirect.adapters.crm.generic_url import read_template
from smart_redirect.adapters.crm.json_values import Json
from smart_redirect.adapters.crm.outbound import Outbound
from smart_redirect.adapters.crm.session import Session, credential
from smart_redirect.domain.crm import Found, Person
from smart_redirect.domain.crm_name import NameFormats, NameParts, read_formats, shown_name
from smart_redirect.errors import CrmMalformed, CrmUnavailable
from smart_redirect.usecases.ports_crm import Access, Crm

_NUMBER = frozenset({"number"})


@dataclass(frozen=True, slots=True)
class Cmd:
    """Asks by one format after another until the answer is not empty."""

    session: Session
    path: str = field(repr=False)
    token: str = field(repr=False)
    formats: Formats
    names: NameFormats
    is_extension: bool

    async def __call__(self, phone: str, seconds: float) -> Found:
        """Return the owner of a phone (E.164); all formats together have so many seconds.

        A look-up is one for all lines and for calls to come: it has an id of its own, and no number that was called.
        """
        until, callid = monotonic() + seconds, f"smart-redirect-{token_hex(8)}"
        for values in self.formats.of(phone, _NUMBER):
            left = until - monotonic()
            if left <= 0:
                raise CrmUnavailable("no answer in time to all formats")
            asked = (("cmd", "contact"), ("phone", values["number"]), ("callid", callid), ("diversion", ""))
            answer = await self.session.post_form(self.path, (*asked, ("crm_token", self.token)), seconds=left)
            found = self._found(answer, phone)
            if found.people:
                return found
        return Found()

    def _found(self, answer: Json, phone: str) -> Found:
        # PHP writes an empty object as an empty array.
        if not answer or answer.value in ({}, []):
            return Found()
        if not isinstance(answer.value, dict) or not answer.value.keys() & {"contact_name", "responsible"}:
            raise CrmMalformed("its answer has neither contact_name nor responsible")
        name, responsible = answer["contact_name"].text, answer["responsible"].id
        if not name and not responsible:
            return Found()
        person = Person(
            f"phone:{phone.lstrip('+')}", shown_name(NameParts(whole=name), self.names), (phone,), responsible
        )
        known = ((responsible, responsible),) if responsible and self.is_extension else ()
        return Found((person,), known)


def make_cmd(http: Outbound, access: Access) -> Crm:
    """Return the CRM of a connection that speaks the contract."""
    settings = access.settings
    template = read_template(settings, "url", frozenset())
    session = Session(http, access, template.base, {"Accept": "application/json"})
    formats = read_phone_formats(settings, access.country)
    is_extension = responsible_is(settings, "login") == "extension"
    token = credential(settings, "crm_token")
    return LiveOnly(Cmd(session, template.fill({}), token, formats, read_formats(settings), is_extension), settings)
