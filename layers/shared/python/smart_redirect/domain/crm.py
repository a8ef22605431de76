"""What a CRM knows, as values that every vendor is mapped to: people with phones and a responsible manager."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Person:
    """A customer, contact or company.

    `phones` are as the CRM has them; our side normalises them. Ids are text whatever JSON type they had.
    """

    external_id: str
    name: str
    phones: tuple[str, ...] = ()
    responsible_id: str | None = None
    updated_at: float | None = None
    """When the CRM last changed it, seconds since the epoch, if it says so: newer wins among owners of a phone."""
    is_company: bool = False
    is_lead: bool = False
    """Not a customer yet: among the owners of a phone it comes after those who are."""


@dataclass(frozen=True, slots=True)
class Gone:
    """A person that the CRM has no more."""

    external_id: str


@dataclass(frozen=True, slots=True)
class Merged:
    """A person that the CRM has joined with another; the other comes as a Person of its own."""

    external_id: str
    into: str


Change = Person | Gone | Merged


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a walk or of the changes since; `cursor` is where the next one begins, opaque to all but the vendor.

    With `more` the next page is there already. A page may be asked for again: applying it twice changes nothing.
    """

    changes: tuple[Change, ...]
    cursor: str
    more: bool
    done: int = 0
    total: int | None = None
    """How far a bulk walk is, for people who watch it; None while increments are read."""


@dataclass(frozen=True, slots=True)
class Ids:
    """One page of the ids that the CRM has, for the sweep that finds what it fed no deletion of."""

    external_ids: tuple[str, ...]
    cursor: str | None


@dataclass(frozen=True, slots=True)
class Manager:
    """A user of the CRM; `extension` only where the CRM knows it."""

    id: str
    name: str
    extension: str | None = None
    is_active: bool = True


@dataclass(frozen=True, slots=True)
class Found:
    """The answer of a live look-up: the owners of a phone, and the extensions that came with them by manager's id."""

    people: tuple[Person, ...] = ()
    extensions: tuple[tuple[str, str], ...] = ()
