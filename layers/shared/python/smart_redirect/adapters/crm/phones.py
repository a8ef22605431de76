"""Compares phones here, because every CRM compares them in its own way."""

from smart_redirect.domain.crm import Person
from smart_redirect.domain.phone import normalise


def has_phone(person: Person, phone: str, country: str) -> bool:
    """Tell whether a person really has this phone (E.164); `country` completes national numbers."""
    return any(normalise(each, country) == phone for each in person.phones)
