"""How Bitrix24's contacts, companies and leads become people of the mirror, and what is asked of each."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from smart_redirect.adapters.crm.json_values import Json
from smart_redirect.domain.crm import Manager, Person
from smart_redirect.domain.crm_name import NameFormats, NameParts, shown_name
from smart_redirect.domain.phone import normalise

KINDS = ("company", "contact", "lead")
"""In the order that they are walked."""
_NAMES = ("NAME", "SECOND_NAME", "LAST_NAME")
_ALL = ("ID", "ASSIGNED_BY_ID", "DATE_MODIFY", "PHONE")
_FIELDS: Mapping[str, Sequence[str]] = {
    "company": (*_ALL, "TITLE"),
    "contact": (*_ALL, *_NAMES, "COMPANY_ID"),
    "lead": (*_ALL, *_NAMES, "TITLE", "COMPANY_TITLE"),
}
_USER = ("ID", "ACTIVE", *_NAMES, "UF_PHONE_INNER")
_TRUNKS = ("", "8", "80", "0")
Params = tuple[tuple[str, str], ...]


def selected(fields: Iterable[str]) -> Params:
    """Return the parameters that name the fields of a list."""
    return tuple(("select[]", each) for each in fields)


def listed(kind: str, *filters: tuple[str, str]) -> Params:
    """Return the parameters of a list of one kind, in order of the ids."""
    return (*selected(_FIELDS[kind]), ("order[ID]", "ASC"), *filters)


def any_of(field: str, values: Iterable[str]) -> Params:
    """Return a filter for any of these values."""
    return tuple((f"filter[@{field}][]", each) for each in values)


USERS: Params = (*selected(_USER), ("sort", "ID"), ("order", "ASC"))


def read_person(kind: str, row: Json, formats: NameFormats, titles: Mapping[str, str]) -> Person:
    """Read a row; `titles` are the names of the companies by their ids."""
    responsible = row["ASSIGNED_BY_ID"].id
    return Person(
        external_id=f"{kind}:{row['ID'].text}",
        name=shown_name(_parts(kind, row, titles), formats),
        phones=tuple(each["VALUE"].text for each in row["PHONE"] if each["VALUE"].text),
        responsible_id=None if responsible == "0" else responsible,
        updated_at=_time(row["DATE_MODIFY"].text),
        is_company=kind == "company",
        is_lead=kind == "lead",
    )


def _parts(kind: str, row: Json, titles: Mapping[str, str]) -> NameParts:
    last, first, middle = (row[name].text for name in ("LAST_NAME", "NAME", "SECOND_NAME"))
    if kind == "contact":
        return NameParts(last, first, middle, titles.get(row["COMPANY_ID"].text, ""))
    if kind == "lead":
        return NameParts(last, first, middle, row["COMPANY_TITLE"].text, row["TITLE"].text)
    return NameParts(company=row["TITLE"].text)


def companies_of(rows: Iterable[Json]) -> tuple[str, ...]:
    """Return the ids of the companies that contacts belong to."""
    found = (row["COMPANY_ID"].text for row in rows)
    return tuple(dict.fromkeys(each for each in found if each not in {"", "0"}))


def read_manager(row: Json) -> Manager:
    """Read a user; one who was dismissed is there still, and not active."""
    name = " ".join(filter(None, (row["LAST_NAME"].text, row["NAME"].text)))
    return Manager(row["ID"].text, name, row["UF_PHONE_INNER"].text or None, row["ACTIVE"].is_true)


def writings(phone: str, country: str) -> tuple[str, ...]:
    """Return how a phone (E.164) may be written: Bitrix24 drops the punctuation, and compares digits."""
    digits = phone.lstrip("+")
    home = (f"{trunk}{digits[length:]}" for length in (1, 2, 3) for trunk in _TRUNKS)
    return tuple(dict.fromkeys((phone, digits, *(each for each in home if normalise(each, country) == phone))))


def _time(text: str) -> float | None:
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        return None
