"""The positions 1 to 3 of a line's name parts, made unique as our table wants them."""

from smart_redirect.domain.platform.move import Source
from smart_redirect.domain.platform.report import Report
from smart_redirect.domain.platform.values import Row, flag, text, whole

_PARTS = ("line_name", "customer_name", "shop_name")
_PLACES = (1, 2, 3)


def positions(report: Report, source: Source, smart: Row) -> Row:
    """Return the three order columns; of parts on one position the first keeps it, the others get the next free."""
    wanted = {part: whole(smart.get(f"{part}_order")) for part in _PARTS if flag(smart.get(f"send_{part}"))}
    placed: dict[str, int] = {}
    for part, place in wanted.items():
        if place in _PLACES and place not in placed.values():
            placed[part] = place
    for part in [part for part in wanted if part not in placed]:
        report.repaired(*source, _reason(part, smart))
        placed[part] = next(place for place in _PLACES if place not in placed.values())
    return {f"{part}_order": placed.get(part) for part in _PARTS}


def _reason(part: str, smart: Row) -> str:
    given = text(smart.get(f"{part}_order")) or "none"
    return f"position of {part} is {given}, which is taken or not 1 to 3; it gets a free one"
