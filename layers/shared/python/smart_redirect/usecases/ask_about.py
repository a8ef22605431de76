"""Answers the operator's questions about a caller by the rules of a call: his name, and whose extension he gets."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from smart_redirect.domain.crm import Manager
from smart_redirect.domain.crm_mirror import current_extensions
from smart_redirect.domain.enterprise import Enterprise, Extension
from smart_redirect.domain.facts import CallerFacts
from smart_redirect.domain.phone import normalise
from smart_redirect.domain.responsible import (
    OWN_CONTACTS,
    known_contacts,
    responsible_of,
    silent_connections,
    with_looked_up,
)
from smart_redirect.errors import BodyMalformed, NotFound
from smart_redirect.usecases.ask_crms import AskCrms, Told
from smart_redirect.usecases.ports import Missed, MissFiller
from smart_redirect.usecases.ports_mirror import Account

# As long as a call's whole time; the look-up itself takes no more than its own patience.
_LIVE_SECONDS = 0.3


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a connection's word is from (`mirror` or `live`), and how old it is in seconds, None: not known."""

    kind: str
    age: float | None


@dataclass(frozen=True, slots=True)
class Known:
    """What a call would know of a phone, by connection where its word is from, and the epoch of the caches."""

    facts: CallerFacts
    origins: Mapping[int, Origin] = field(default_factory=dict)
    epoch: int = 0


class CallerSource(Protocol):
    """What is known of callers. Every method raises DatabaseUnavailable."""

    async def enterprise(self, number: str) -> Enterprise | None:
        """Return the enterprise of a number as calls see it."""

    async def known(self, enterprise_id: int, phone: str) -> Known:
        """Return what a call would know of a phone (E.164)."""

    async def accounts(self, enterprise_id: int, vendor: str | None = None) -> Sequence[Account]:
        """Return the enabled connections with credentials in their order, of one vendor or all, no breaker open."""

    async def managers(self, enterprise_id: int) -> Mapping[int, Sequence[Manager]]:
        """Return by connection the managers on whose extension its mirror has a word."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What is known: a name or an extension, and who says so; `passed_over` has why others did not count."""

    value: str = ""
    source: str = ""
    origin: Origin | None = None
    passed_over: tuple[str, ...] = ()


class AskAbout:
    """The questions, each about an enterprise's number and a phone as people write it."""

    def __init__(self, source: CallerSource, ask: AskCrms, live: MissFiller | None = None) -> None:
        self._source = source
        self._ask = ask
        self._live = live

    async def name(self, number: str, phone: str) -> Answer:
        """Return the customer's name from the first connection that has it, else from our own contacts."""
        enterprise, asked = await self._asked(number, phone)
        known = await self._known(enterprise, asked)
        for connection, contact in known_contacts(enterprise, known.facts):
            if contact.name:
                return Answer(contact.name, connection.name, known.origins.get(connection.id))
        return Answer(known.facts.own_name, OWN_CONTACTS) if known.facts.own_name else Answer()

    async def extension(self, number: str, phone: str) -> Answer:
        """Return the extension of the first responsible who has one of this enterprise's."""
        enterprise, asked = await self._asked(number, phone)
        known = await self._known(enterprise, asked)
        passed: list[str] = []
        for connection, contact in known_contacts(enterprise, known.facts):
            found = responsible_of(enterprise, connection, contact)
            if isinstance(found, Extension):
                by_hand = (connection.id, contact.responsible_id) in enterprise.user_extensions
                source = f"{connection.name}, by hand" if by_hand else connection.name
                return Answer(found.number, source, known.origins.get(connection.id), tuple(passed))
            passed.append(f"{connection.name}: {found.verdict.value}")
        return Answer(passed_over=tuple(passed))

    async def mirrored(self, number: str, phone: str, connection_id: int | None = None) -> Sequence[tuple[str, str]]:
        """Return what is kept of a caller: by the name of each source, or of one connection, as it is believed."""
        enterprise, asked = await self._asked(number, phone)
        facts = (await self._source.known(enterprise.id, asked)).facts
        told = [
            (connection.name, f"{contact.name or '(no name)'}, responsible {contact.responsible_id or 'nobody'}")
            for connection, contact in known_contacts(enterprise, facts)
            if connection_id in (None, connection.id)
        ]
        is_named = facts.own_name and connection_id is None
        return [*told, (OWN_CONTACTS, facts.own_name)] if is_named else told

    async def directly(
        self, number: str, phone: str, vendor: str | None = None, connection_id: int | None = None
    ) -> Sequence[Told]:
        """Return what the CRMs themselves say now; NotFound when none of this vendor, or not this one, may be asked.

        Extensions are those that a call would take, from whoever knows them: few CRMs tell them with the owner.
        """
        enterprise, asked = await self._asked(number, phone)
        accounts = await self._source.accounts(enterprise.id, vendor)
        accounts = [each for each in accounts if connection_id in (None, each.key.connection_id)]
        if not accounts:
            raise NotFound(
                f"enterprise {number} has no connection"
                + (f" of {vendor}" if vendor else "")
                + " that may be asked now"
            )
        told = await self._ask(accounts, asked)
        managers = await self._source.managers(enterprise.id)
        return [_as_a_call_would(enterprise, each, managers) for each in told]

    async def _known(self, enterprise: Enterprise, phone: str) -> Known:
        """Return what a call would know: where the mirror lacks the caller, the live connections are asked."""
        known = await self._source.known(enterprise.id, phone)
        connections = silent_connections(enterprise, known.facts)
        if self._live is None or not connections:
            return known
        deadline = asyncio.get_running_loop().time() + _LIVE_SECONDS
        contacts = await self._live(Missed(enterprise, phone, known.epoch, connections), deadline)
        facts = with_looked_up(known.facts, contacts)
        live = {each.connection_id: Origin("live", 0.0) for each in contacts}
        return replace(known, facts=facts, origins={**known.origins, **live})

    async def _asked(self, number: str, phone: str) -> tuple[Enterprise, str]:
        enterprise = await self._source.enterprise(number) if number.isascii() and number.isalnum() else None
        if enterprise is None:
            raise NotFound(f"there is no enterprise {number}")
        asked = normalise(phone, enterprise.country)
        if asked is None:
            raise BodyMalformed("the phone is not a full public number")
        if enterprise.is_own(phone, asked):
            raise BodyMalformed("the phone is one of the enterprise's own: no caller has it")
        return enterprise, asked


def _as_a_call_would(enterprise: Enterprise, told: Told, managers: Mapping[int, Sequence[Manager]]) -> Told:
    """Return the same with the extensions that count of those who are responsible: set by hand, mirrored, or told."""
    connection_id = told.account.key.connection_id
    known = current_extensions(dict(told.extensions), managers.get(connection_id, ()))
    by_hand = {who: number for (of, who), number in enterprise.user_extensions.items() if of == connection_id}
    responsible = {each.responsible_id for each in told.owners}
    counting = sorted((who, number) for who, number in {**known, **by_hand}.items() if who in responsible)
    return replace(told, extensions=tuple(counting))
