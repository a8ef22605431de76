"""Where the reading of RetailCRM's customers is: a page of the walk, and how far both histories were read."""

import json
from dataclasses import asdict, dataclass, field, replace

from smart_redirect.adapters.crm.json_values import Json, read_json
from smart_redirect.adapters.crm.retailcrm_api import SIZES
from smart_redirect.adapters.crm.retailcrm_history import Feed
from smart_redirect.errors import CrmMalformed

_PAGES = ("walk", "contacts", "again")


@dataclass(frozen=True, slots=True)
class Cursor:
    """Both histories, and the next page of each list that is being read, 0 of those that are not.

    `walk` is everybody for the first time, `passes` how often still, this time among them; `contacts` are the contact
    persons, once more; `again` is everybody once more, which is owed when somebody may have left a company, and was
    begun last when the account's clock said `read_at`. A page has `size` rows.
    """

    customers: Feed = field(default_factory=Feed)
    corporate: Feed = field(default_factory=Feed)
    walk: int = 0
    contacts: int = 0
    again: int = 0
    passes: int = 1
    size: int = SIZES[0]
    is_owed: bool = False
    read_at: str = ""

    @property
    def text(self) -> str:
        """The cursor as it is kept."""
        return json.dumps(asdict(self))

    @property
    def shorter(self) -> "Cursor | None":
        """The same place, or a little before it, in pages of fewer rows; None if there are none shorter."""
        size = next((each for each in SIZES if each < self.size), None)
        if size is None:
            return None
        walk, contacts, again = (page and (page - 1) * self.size // size + 1 for page in self._pages)
        return replace(self, size=size, walk=walk, contacts=contacts, again=again)

    @property
    def _pages(self) -> tuple[int, int, int]:
        return self.walk, self.contacts, self.again


def read_cursor(text: str) -> Cursor:
    """Read a cursor; CrmMalformed for what is none of RetailCRM."""
    found = read_json(text.encode())
    customers, corporate = _feed(found["customers"]), _feed(found["corporate"])
    walk, contacts, size = (found[each].count for each in ("walk", "contacts", "size"))
    if customers is None or corporate is None or walk is None or contacts is None:
        raise CrmMalformed("the cursor is not one of RetailCRM")
    return Cursor(
        *(customers, corporate, walk, contacts, found["again"].count or 0, found["passes"].count or 1),
        size=size if size in SIZES else SIZES[0],
        is_owed=found["is_owed"].is_true,
        read_at=found["read_at"].text,
    )


def _feed(found: Json) -> Feed | None:
    """Read a feed; the release before had nothing but the last id."""
    if found.count is not None:
        return Feed(found.count, (), found.count)
    since, ahead = found["since"].count, tuple(each.count or 0 for each in found["ahead"])
    return None if since is None else Feed(since, ahead, found["seen"].count or since)
