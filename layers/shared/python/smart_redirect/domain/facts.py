"""What is known of a caller when a decision is made: values that the database or a cache delivered.

Named tuples, because they are made anew for each call (docs/performance.md).
"""

from enum import StrEnum
from typing import NamedTuple

LOOKED_UP_SECONDS = 300.0
"""For how long what a live look-up found is believed by all processes: the name as long as it is there."""
ROUTES_SECONDS = 60.0
"""For how long of these somebody is routed by it, unless the deployment says otherwise."""


class Freshness(StrEnum):
    """Where the facts of a decision came from."""

    DATABASE = "database"
    CACHE = "cache"
    NONE = "none"


class Talk(NamedTuple):
    """Who answered a call of this caller, as the history has it; `at` is a Unix time in seconds."""

    extension: str
    internal_id: int | None
    user_id: int | None
    at: float


class Contact(NamedTuple):
    """A row of the contact mirror: what one CRM connection knows of a phone; `updated` is a Unix time."""

    connection_id: int
    name: str = ""
    responsible_id: str = ""
    responsible_extension: str = ""
    updated: float = 0.0
    is_name_alone: bool = False
    """A look-up found it too long ago to route by it; the CRM may be asked again."""


class CallerFacts(NamedTuple):
    """Everything that a decision may know of the caller."""

    first: Talk | None = None
    last: Talk | None = None
    contacts: tuple[Contact, ...] = ()
    own_name: str = ""
    source: Freshness = Freshness.NONE


NO_FACTS = CallerFacts()
