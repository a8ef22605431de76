"""How amoCRM's contacts and companies become people of the mirror."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from smart_redirect.adapters.crm.json_values import Json
from smart_redirect.domain.crm import Person
from smart_redirect.domain.crm_name import NameFormats, NameParts, shown_name


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of entity: our ids begin with its name."""

    name: str
    plural: str
    with_others: tuple[tuple[str, str], ...] = ()

    @property
    def path(self) -> str:
        """The path of its list."""
        return f"/{self.plural}"

    def id_of(self, row: Json) -> str:
        """Return our id of a row."""
        return f"{self.name}:{row['id'].text}"

    def number_of(self, external_id: str) -> str:
        """Return the number in our id; empty when it is of another kind or none."""
        name, _, number = external_id.partition(":")
        return number if name == self.name and number.isascii() and number.isdigit() else ""


KINDS = (Kind("contact", "contacts"), Kind("company", "companies", (("with", "contacts"),)))


def read_person(row: Json, kind: Kind, formats: NameFormats, companies: Mapping[str, str]) -> Person:
    """Read a row; `companies` has names by id. Many accounts fill only the whole name of a contact."""
    names = [companies[each] for each in company_ids(row) if companies.get(each)]
    company = row["name"].text if kind.name == "company" else (names[0] if names else "")
    whole = row["name"].text if kind.name == "contact" else ""
    parts = NameParts(row["last_name"].text, row["first_name"].text, "", company, whole)
    responsible = row["responsible_user_id"].id
    return Person(
        external_id=kind.id_of(row),
        name=shown_name(parts, formats),
        phones=_phones(row),
        responsible_id=None if responsible == "0" else responsible,
        updated_at=row["updated_at"].number,
        is_company=bool(company),
    )


def company_ids(row: Json) -> Sequence[str]:
    """Return the ids of a contact's companies."""
    return [each["id"].text for each in row["_embedded"]["companies"] if each["id"].id]


def contact_ids(rows: Sequence[Json]) -> Sequence[str]:
    """Return the ids of the contacts of companies."""
    found = (each["id"].text for row in rows for each in row["_embedded"]["contacts"] if each["id"].id)
    return list(dict.fromkeys(found))


def _phones(row: Json) -> tuple[str, ...]:
    fields = (each for each in row["custom_fields_values"] if each["field_code"].text == "PHONE")
    return tuple(value["value"].text for each in fields for value in each["values"] if value["value"].text)
