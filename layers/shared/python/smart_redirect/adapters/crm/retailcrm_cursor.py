"""Where the reading of RetailCRM's customers is: a page of the walk, and the ends of both histories."""

import json
from dataclasses import asdict, dataclass

from smart_redirect.adapters.crm.json_values import read_json
from smart_redirect.errors import CrmMalformed


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where the walk is (its page, 0 when it is over), both histories, and the pages of contacts to be read again.

    `passes` is how often everybody is still to be read, this time among them.
    """

    customers: int
    corporate: int
    walk: int = 0
    contacts: int = 0
    passes: int = 1

    @property
    def text(self) -> str:
        """The cursor as it is kept."""
        return json.dumps(asdict(self))


def read_cursor(text: str) -> Cursor:
    """Read a cursor; CrmMalformed for what is none of RetailCRM."""
    found = read_json(text.encode())
    customers, corporate, walk, contacts = (
        found[each].count for each in ("customers", "corporate", "walk", "contacts")
    )
    if customers is None or corporate is None or walk is None or contacts is None:
        raise CrmMalformed("the cursor is not one of RetailCRM")
    return Cursor(customers, corporate, walk, contacts, found["passes"].count or 1)
