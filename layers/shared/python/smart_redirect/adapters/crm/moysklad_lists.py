"""Reads one page of any of MoySklad's lists."""

from collections.abc import Sequence

from smart_redirect.adapters.crm.json_values import Json
from smart_redirect.adapters.crm.session import READ_SECONDS, Params, Session
from smart_redirect.errors import CrmMalformed

Rows = tuple[Sequence[Json], int]


def part(offset: int, count: int) -> Params:
    """Return the parameters that name a page."""
    return ("limit", str(count)), ("offset", str(offset))


async def page_of(session: Session, path: str, params: Params, seconds: float = READ_SECONDS) -> Rows:
    """Return the rows of a page and how many the list has; CrmMalformed when it does not say."""
    return _rows(await session.get(path, params, seconds=seconds))


async def listed(session: Session, path: str, params: Params, *, missing: Sequence[int]) -> Rows | None:
    """Return the same, None for a status in `missing`."""
    answer = await session.get(path, params, missing=missing)
    return _rows(answer) if answer else None


def _rows(answer: Json) -> Rows:
    rows, size = answer.rows("rows"), answer["meta"]["size"].count
    if size is None:
        raise CrmMalformed("its answer does not say how long the list is")
    return rows, size
