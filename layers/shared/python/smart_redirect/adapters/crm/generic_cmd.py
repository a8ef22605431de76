"""The push contract of cloud PBXs, as many customers' systems speak it already: cmd=contact, and who is responsible."""

import secrets

from smart_redirect.adapters.crm.outbound import Outbound
from smart_redirect.adapters.crm.session import Session, base_url, credential
from smart_redirect.domain.crm import Found, Gone, Ids, Manager, Page, Person
from smart_redirect.errors import CrmMalformed, CrmRefused
from smart_redirect.usecases.ports_crm import Access

_NOTHING = "{}"


def make_cmd(http: Outbound, access: Access) -> "Cmd":
    """Return the CRM of a connection; `responsible_is` says what the service names: an extension, or a login."""
    kind = access.settings.get("responsible_is") or "extension"
    if kind not in {"extension", "login"}:
        raise CrmRefused("the setting responsible_is must be extension or login")
    session = Session(http, access, base_url(access.settings))
    return Cmd(session, credential(access.settings, "crm_token"), names_extension=kind == "extension")


class Cmd:
    """The Crm of one service: it answers questions about one caller and lists nobody."""

    def __init__(self, session: Session, token: str, *, names_extension: bool) -> None:
        self._session = session
        self._token = token
        self._names_extension = names_extension

    async def lookup(self, phone: str, seconds: float) -> Found:
        """Ask who a caller is; an answer without a name and a responsible is nobody."""
        fields = (
            ("cmd", "contact"),
            ("phone", phone.lstrip("+")),
            ("callid", secrets.token_hex(8)),
            ("crm_token", self._token),
        )
        answer = await self._session.post_form("", fields, seconds=seconds)
        if not isinstance(answer.value, dict):
            raise CrmMalformed("its answer is no object")
        name, responsible = answer["contact_name"].text, answer["responsible"].id
        if not name and not responsible:
            return Found()
        person = Person(f"phone:{phone}", name, (phone,), responsible)
        return Found((person,), ((responsible, responsible),) if responsible and self._names_extension else ())

    async def changes(self, cursor: str | None) -> Page:
        """Return nothing: the contract has no lists."""
        if cursor not in {None, _NOTHING}:
            raise CrmMalformed("the cursor is not one of the contract")
        return Page((), _NOTHING, False)

    async def ids(self, cursor: str | None) -> Ids:  # noqa: ARG002
        """Return nothing: nobody is in the mirror but whom look-ups found, and those end by themselves."""
        return Ids((), None)

    async def people(self, external_ids: tuple[str, ...]) -> tuple[Person | Gone, ...]:  # noqa: ARG002
        """Return nothing: nobody can be read by id."""
        return ()

    async def managers(self) -> tuple[Manager, ...]:
        """Return nobody: the contract does not list the users."""
        return ()
