"""What a CRM's lists may cost: where each has to end, for it is in memory until then, and how much is read at once."""

import asyncio
from collections.abc import Callable, Iterable
from typing import TypeVar

from smart_redirect.adapters.crm.json_values import Json
from smart_redirect.errors import CrmMalformed

T = TypeVar("T")
MOST_MANAGERS = 10_000
MOST_OF_A_COMPANY = 1_000
"""Contact persons of one company, ten times as many as any vendor documents."""
MOST_COMPANIES = 5_000
"""Of the hundred people that are asked about at once."""
# A page of fewer rows, or of none, counts as so many: pages have an end too, and each may have 1 MB.
_LEAST = 20
# Rows of somebody's own CRM, 0.04 ms each.
_AT_ONCE = 20


class End:
    """Counts what a list brings."""

    def __init__(self, most: int) -> None:
        self._left = most

    def count(self, rows: int) -> None:
        """Count one page; CrmMalformed once there is more than any list has."""
        self._left -= max(rows, _LEAST)
        if self._left < 0:
            raise CrmMalformed("its list does not end")


async def in_turns(read: Callable[[Json], T], rows: Iterable[Json]) -> tuple[T, ...]:
    """Read all rows, and let others go on in between: a page may have tens of thousands of them."""
    found: list[T] = []
    for row in rows:
        found.append(read(row))
        if len(found) % _AT_ONCE == 0:
            await asyncio.sleep(0)
    return tuple(found)
