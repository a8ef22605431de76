"""What the CRMs' word on a caller means: in which order it is believed, and whose extension it leads to."""

from collections.abc import Iterator
from itertools import islice

from smart_redirect.domain.decision import Candidate, Verdict
from smart_redirect.domain.enterprise import Algorithm, Connection, Enterprise, Extension
from smart_redirect.domain.facts import CallerFacts, Contact

OWN_CONTACTS = "contacts"
"""The source of a name that no CRM has, but our own book."""
# A phone of a whole company may have many owners; a decision's record stays short.
_MOST_OUTRANKED = 5


def known_contacts(enterprise: Enterprise, facts: CallerFacts) -> Iterator[tuple[Connection, Contact]]:
    """Yield what the CRMs know of a caller, in the order in which it is believed."""
    for connection in enterprise.connections if facts.contacts else ():
        for contact in contacts_of(connection, facts):
            yield connection, contact


def contacts_of(connection: Connection, facts: CallerFacts) -> list[Contact]:
    """Return what one connection knows."""
    return [contact for contact in facts.contacts if contact.connection_id == connection.id]


def silent_connections(enterprise: Enterprise, facts: CallerFacts) -> frozenset[int]:
    """Return whose word is not known and would count: of those before the first that has the name and the responsible.

    Each of the two is taken from the first connection in the order that knows it.
    """
    silent, has_name, has_responsible = [], False, False
    for connection in enterprise.connections:
        if has_name and has_responsible:
            break
        contacts = contacts_of(connection, facts)
        if all(each.is_name_alone for each in contacts):
            silent.append(connection.id)
        has_name = has_name or any(each.name for each in contacts)
        has_responsible = has_responsible or any(each.responsible_id or each.responsible_extension for each in contacts)
    return frozenset(silent)


def with_looked_up(facts: CallerFacts, contacts: tuple[Contact, ...]) -> CallerFacts:
    """Return the facts with what look-ups have just found, in the place of what an earlier one left the name of."""
    if not contacts:
        return facts
    found = {each.connection_id for each in contacts}
    kept = [each for each in facts.contacts if not (each.is_name_alone and each.connection_id in found)]
    return facts._replace(contacts=(*kept, *contacts))


def responsible_of(enterprise: Enterprise, connection: Connection, contact: Contact) -> Extension | Candidate:
    """Return whose extension a contact leads to, whatever the line; else the candidate that says why to nobody's."""
    if not contact.responsible_id and not contact.responsible_extension:
        return Candidate(Algorithm.CRM, Verdict.NO_RESPONSIBLE, connection.name)
    mapped = enterprise.user_extensions.get((connection.id, contact.responsible_id))
    number = mapped or contact.responsible_extension
    if not number:
        return Candidate(Algorithm.CRM, Verdict.NO_EXTENSION, connection.name)
    return enterprise.extension(number) or Candidate(Algorithm.CRM, Verdict.UNKNOWN_EXTENSION, connection.name, number)


def outranked(
    enterprise: Enterprise, facts: CallerFacts, trace: tuple[Candidate, ...], name_source: str
) -> tuple[Candidate, ...]:
    """Return the owners of a phone who stand behind the one whose extension or name was taken, in his connection.

    The trace has those whom a route tried, and ends with the one whose extension was taken.
    """
    owners = tuple(known_contacts(enterprise, facts))
    tried = sum(each.algorithm is Algorithm.CRM and each.verdict is not Verdict.NOT_IN_CRM for each in trace)
    winners = [tried - 1] if tried else []
    winners += [place for place, (_, contact) in enumerate(owners) if name_source and contact.name][:1]
    losers = (
        _loser(enterprise, connection, contact)
        for place, (connection, contact) in enumerate(owners)
        if place >= tried and any(place > winner and owners[winner][0] is connection for winner in winners)
    )
    return tuple(islice(losers, _MOST_OUTRANKED))


def _loser(enterprise: Enterprise, connection: Connection, contact: Contact) -> Candidate:
    found = responsible_of(enterprise, connection, contact)
    extension = found.number if isinstance(found, Extension) else found.extension
    return Candidate(Algorithm.CRM, Verdict.OUTRANKED, connection.name, extension, name=contact.name)
