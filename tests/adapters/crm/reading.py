"""How the vendors' tests read an adapter: without waiting for turns, and page after page until there are no more."""

from collections.abc import Callable

from smart_redirect.domain.crm import Person
from smart_redirect.usecases.ports_crm import Crm

_MOST_PAGES = 1000


async def no_wait() -> None:
    """Every request may be sent at once."""


async def all_changes(opened: Callable[[], Crm], cursor: str | None) -> tuple[dict[str, Person | None], str]:
    """Return the last word on each person, None for who is gone, and the cursor behind it; each page by an adapter anew."""
    told: dict[str, Person | None] = {}
    for _ in range(_MOST_PAGES):
        page = await opened().changes(cursor)
        told |= {each.external_id: each if isinstance(each, Person) else None for each in page.changes}
        cursor = page.cursor
        if not page.more:
            return told, cursor
    raise AssertionError("the pages do not end")
