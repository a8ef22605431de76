"""Answers the operator's questions about a caller by the rules of a call: his name, and whose extension he gets."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from smart_redirect.domain.enterprise import Enterprise, Extension
from smart_redirect.domain.facts import CallerFacts
from smart_redirect.domain.phone import normalise
from smart_redirect.domain.responsible import OWN_CONTACTS, known_contacts, responsible_of
from smart_redirect.errors import BodyMalformed, NotFound
from smart_redirect.usecases.ask_crms import AskCrms, Told
from smart_redirect.usecases.ports_mirror import Account


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a connection's word is from (`mirror` or `live`), and how old it is in seconds, None: not known."""

    kind: str
    age: float | None


class CallerSource(Protocol):
    """What is known of callers. Every method raises DatabaseUnavailable."""

    async def enterprise(self, number: str) -> Enterprise | None:
        """Return the enterprise of a number as calls see it."""

    async def facts(self, enterprise_id: int, phone: str) -> tuple[CallerFacts, Mapping[int, Origin]]:
        """Return what a call would know of a phone (E.164), and where each connection's word is from."""

    async def accounts(self, enterprise_id: int, vendor: str | None = None) -> Sequence[Account]:
        """Return the enabled connections with credentials in their order, of one vendor or all, no breaker open."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What is known: a name or an extension, and who says so; `passed_over` has why others did not count."""

    value: str = ""
    source: str = ""
    origin: Origin | None = None
    passed_over: tuple[str, ...] = ()


class AskAbout:
    """The questions, each about an enterprise's number and a phone as people write it."""

    def __init__(self, source: CallerSource, ask: AskCrms) -> None:
        self._source = source
        self._ask = ask

    async def name(self, number: str, phone: str) -> Answer:
        """Return the customer's name from the first connection that has it, else from our own contacts."""
        enterprise, asked = await self._asked(number, phone)
        facts, origins = await self._source.facts(enterprise.id, asked)
        for connection, contact in known_contacts(enterprise, facts):
            if contact.name:
                return Answer(contact.name, connection.name, origins.get(connection.id))
        return Answer(facts.own_name, OWN_CONTACTS) if facts.own_name else Answer()

    async def extension(self, number: str, phone: str) -> Answer:
        """Return the extension of the first responsible who has one of this enterprise's."""
        enterprise, asked = await self._asked(number, phone)
        facts, origins = await self._source.facts(enterprise.id, asked)
        passed: list[str] = []
        for connection, contact in known_contacts(enterprise, facts):
            found = responsible_of(enterprise, connection, contact)
            if isinstance(found, Extension):
                by_hand = (connection.id, contact.responsible_id) in enterprise.user_extensions
                source = f"{connection.name}, by hand" if by_hand else connection.name
                return Answer(found.number, source, origins.get(connection.id), tuple(passed))
            passed.append(f"{connection.name}: {found.verdict.value}")
        return Answer(passed_over=tuple(passed))

    async def directly(self, number: str, phone: str, vendor: str | None = None) -> Sequence[Told]:
        """Return what the CRMs themselves say now; NotFound when the enterprise has none of this vendor."""
        enterprise, asked = await self._asked(number, phone)
        accounts = await self._source.accounts(enterprise.id, vendor)
        if not accounts:
            raise NotFound(f"enterprise {number} has no connection to ask" + (f" of {vendor}" if vendor else ""))
        return await self._ask(accounts, asked)

    async def _asked(self, number: str, phone: str) -> tuple[Enterprise, str]:
        enterprise = await self._source.enterprise(number)
        if enterprise is None:
            raise NotFound(f"there is no enterprise {number}")
        asked = normalise(phone, enterprise.country)
        if asked is None:
            raise BodyMalformed("the phone is not a full public number")
        return enterprise, asked
