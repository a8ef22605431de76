"""How RetailCRM's customers and corporate customers become people of the mirror."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from smart_redirect.adapters.crm.json_values import Json
from smart_redirect.domain.crm import Person
from smart_redirect.domain.crm_name import NameFormats, NameParts, shown_name

# All companies of a hundred people are in memory at once.
_LONGEST_NAME = 200


@dataclass(frozen=True, slots=True)
class Corporate:
    """A corporate customer: no phones of its own, but contact persons who have some."""

    id: int
    name: str
    manager_id: str | None
    contacts: tuple[str, ...]


def read_corporate(row: Json) -> Corporate:
    """Read a row of `customersCorporate`."""
    contacts = (each["customer"]["id"].id for each in row["customerContacts"])
    return Corporate(
        row["id"].count or 0, row["nickName"].text[:_LONGEST_NAME], row["managerId"].id, tuple(filter(None, contacts))
    )


def contacts_of(companies: Iterable[Corporate]) -> Mapping[str, Corporate]:
    """Return each contact person's company; of several the oldest one with a manager, else the oldest."""
    found: dict[str, Corporate] = {}
    for company in sorted(companies, key=lambda each: (each.manager_id is None, each.id)):
        for contact in company.contacts:
            found.setdefault(contact, company)
    return found


def read_person(row: Json, formats: NameFormats, company: Corporate | None = None) -> Person:
    """Read a customer; RetailCRM does not tell when he was changed, so who was made last counts as the newest."""
    parts = NameParts(
        row["lastName"].text, row["firstName"].text, row["patronymic"].text, company.name if company else ""
    )
    return Person(
        external_id=row["id"].text,
        name=shown_name(parts, formats),
        phones=tuple(each["number"].text for each in row["phones"] if each["number"].text),
        responsible_id=row["managerId"].id or (company.manager_id if company else None),
        updated_at=_made_at(row["createdAt"].text),
        is_company=company is not None,
    )


def _made_at(text: str) -> float | None:
    """Return a time of the account's own clock; it is only ever compared with others of it."""
    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()
    except ValueError:
        return None
