"""How MoySklad's counterparties and contact persons become people of the mirror."""

import re
from collections.abc import Sequence

from smart_redirect.adapters.crm.json_values import Json
from smart_redirect.adapters.crm.moysklad_cursor import moment
from smart_redirect.domain.crm import Person
from smart_redirect.domain.crm_name import NameFormats, NameParts, shown_name

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
# One field holds what people type into it, often several phones.
_BETWEEN_PHONES = re.compile(r"[,;/|\r\n]+")


def tail(href: str) -> str:
    """Return the id at the end of an address."""
    return href.rstrip("/").rpartition("/")[2].partition("?")[0]


def owner_of(row: Json) -> str | None:
    """Return the id of the employee who is responsible."""
    return tail(row["owner"]["meta"]["href"].text) or None


def contact_id(counterparty: str, person: str) -> str:
    """Return our id of a contact person: it begins with the counterparty's, by which he is read again."""
    return f"{counterparty}/{person}"


def split_id(external_id: str) -> tuple[str, str]:
    """Return the ids of the counterparty and of its contact person in our id; empty what is not one of theirs."""
    owner, _, person = external_id.partition("/")
    return (owner, person) if _is_id(owner) and (not person or _is_id(person)) else ("", "")


def _is_id(text: str) -> bool:
    """Tell whether a text is one of their ids: any other in a filter has the whole request refused, or changes it."""
    return _UUID.fullmatch(text) is not None


def read_people(row: Json, formats: NameFormats) -> Sequence[Person]:
    """Return a counterparty and its contact persons.

    Who is in the archive may still call, and comes after all others who have the phone: as leads do.
    """
    if not row["id"].id:
        return ()
    is_person = row["companyType"].text.startswith("individual")
    company = "" if is_person else row["name"].text
    persons = [_contact(each, row, company, formats) for each in row["contactpersons"]["rows"] if each["id"].id]
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


def _contact(each: Json, owner: Json, company: str, formats: NameFormats) -> Person:
    parts = NameParts(company=company, whole=each["name"].text)
    return Person(
        external_id=contact_id(owner["id"].text, each["id"].text),
        name=shown_name(parts, formats),
        phones=_phones(each),
        responsible_id=owner_of(owner),
        updated_at=moment(owner["updated"].text),
        is_company=bool(company),
        is_lead=owner["archived"].is_true,
    )


def _phones(row: Json) -> tuple[str, ...]:
    """Return the phones; people write several into the one field."""
    return tuple(filter(None, (each.strip() for each in _BETWEEN_PHONES.split(row["phone"].text))))
