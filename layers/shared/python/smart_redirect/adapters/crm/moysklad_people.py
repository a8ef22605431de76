"""How MoySklad's counterparties and contact persons become people of the mirror.

A contact person is `<id of the counterparty>/<place>`, places being counted from 0 among the contact persons sorted by
their own ids. So a counterparty alone says which places are there and which are there no more, and those who leave are
known at once: their own ids would be named by nothing that is read afterwards.
"""

import re
from collections.abc import Iterator, Sequence

from smart_redirect.adapters.crm.json_values import Json
from smart_redirect.adapters.crm.moysklad_cursor import moment
from smart_redirect.domain.crm import Gone, Person
from smart_redirect.domain.crm_name import NameFormats, NameParts, shown_name

MOST_CONTACTS = 100
_ID = re.compile(r"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?:/[0-9]{1,2})?")


def tail(href: str) -> str:
    """Return the id at the end of an address."""
    return href.rstrip("/").rpartition("/")[2].partition("?")[0]


def owner_of(row: Json) -> str | None:
    """Return the id of the employee who is responsible."""
    return tail(row["owner"]["meta"]["href"].text) or None


def contact_id(counterparty: str, place: int) -> str:
    """Return our id of a contact person."""
    return f"{counterparty}/{place}"


def counterparty_of(external_id: str) -> str | None:
    """Return the id of the counterparty that an id of ours is about, None for what is none of theirs.

    Any other text in a filter has the whole request refused, or changes it.
    """
    found = _ID.fullmatch(external_id)
    return found[1] if found else None


def absent(counterparty: str, first: int = 0) -> Iterator[Gone]:
    """Name a counterparty's contact persons from a place on."""
    return (Gone(contact_id(counterparty, place)) for place in range(first, MOST_CONTACTS))


def vanished(row: Json) -> Iterator[Gone]:
    """Name the contact persons that a counterparty may have had and has not."""
    if row["id"].id:
        yield from absent(row["id"].text, len(_contacts(row)))


def ids_of(row: Json) -> Iterator[str]:
    """Return the ids of a counterparty and its contact persons, who need only be counted."""
    if row["id"].id:
        count = row["contactpersons"]["meta"]["size"].count or 0
        yield row["id"].text
        yield from (contact_id(row["id"].text, place) for place in range(min(count, MOST_CONTACTS)))


def _contacts(row: Json) -> Sequence[Json]:
    given = (each for each in row["contactpersons"]["rows"] if each["id"].id)
    return sorted(given, key=lambda each: each["id"].text)[:MOST_CONTACTS]


def read_people(row: Json, formats: NameFormats) -> Sequence[Person]:
    """Return a counterparty and its contact persons.

    Who is in the archive may still call, and comes after all others who have the phone: as leads do.
    """
    if not row["id"].id:
        return ()
    is_person = row["companyType"].text.startswith("individual")
    company = "" if is_person else row["name"].text
    persons = [_contact(each, row, company, formats) for each in enumerate(_contacts(row))]
    parts = NameParts(
        row["legalLastName"].text if is_person else "",
        row["legalFirstName"].text if is_person else "",
        row["legalMiddleName"].text if is_person else "",
        company,
        row["name"].text if is_person else "",
    )
    own = Person(
        external_id=row["id"].text,
        name=shown_name(parts, formats),
        phones=_phones(row),
        responsible_id=owner_of(row),
        updated_at=moment(row["updated"].text),
        is_company=not is_person,
        is_lead=row["archived"].is_true,
    )
    return [own, *persons]


def _contact(placed: tuple[int, Json], owner: Json, company: str, formats: NameFormats) -> Person:
    place, each = placed
    parts = NameParts(company=company, whole=each["name"].text)
    return Person(
        external_id=contact_id(owner["id"].text, place),
        name=shown_name(parts, formats),
        phones=_phones(each),
        responsible_id=owner_of(owner),
        updated_at=moment(owner["updated"].text),
        is_company=bool(company),
        is_lead=owner["archived"].is_true,
    )


def _phones(row: Json) -> tuple[str, ...]:
    """Return the one field, in which there may be several."""
    return (row["phone"].text,) if row["phone"].text else ()
