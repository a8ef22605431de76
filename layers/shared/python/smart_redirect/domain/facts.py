"""What is known of a caller when a decision is made: values that the database or a cache delivered."""

from dataclasses import dataclass
from enum import StrEnum


class Freshness(StrEnum):
    """Where the facts of a decision came from."""

    DATABASE = "database"
    CACHE = "cache"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Talk:
    """Who answered a call of this caller, as the history has it; `at` is a Unix time in seconds."""

    extension: str
    internal_id: int | None
    user_id: int | None
    at: float


@dataclass(frozen=True, slots=True)
class Contact:
    """A row of the contact mirror: what one CRM connection knows of a phone; `updated` is a Unix time."""

    connection_id: int
    name: str = ""
    responsible_id: str = ""
    responsible_extension: str = ""
    updated: float = 0.0


@dataclass(frozen=True, slots=True)
class CallerFacts:
    """Everything that a decision may know of the caller."""

    first: Talk | None = None
    last: Talk | None = None
    contacts: tuple[Contact, ...] = ()
    own_name: str = ""
    source: Freshness = Freshness.NONE


NO_FACTS = CallerFacts()
