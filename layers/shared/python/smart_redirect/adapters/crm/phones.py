"""Compares phones here, because every CRM compares them in its own way."""

from smart_redirect.domain.crm import Person
from smart_redirect.domain.crm_mirror import written_phones
from smart_redirect.domain.phone import may_be, normalise


def has_phone(person: Person, phone: str, country: str) -> bool:
    """Tell whether a person really has this phone (E.164); `country` completes national numbers."""
    alike = (each for each in written_phones(person) if may_be(each, phone))
    return any(normalise(each, country) == phone for each in alike)
