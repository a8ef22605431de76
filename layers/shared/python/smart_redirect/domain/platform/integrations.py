"""CRM integrations: connections in the order of asking, the primary first, and their managers' extensions."""

from collections.abc import Iterable, Iterator

from smart_redirect.domain.platform.lines import VENDORS
from smart_redirect.domain.platform.move import Move
from smart_redirect.domain.platform.tables import CONNECTIONS
from smart_redirect.domain.platform.values import Row, flag, mapping, text, whole

_COLUMN = "enterprises.integrations_config"
_TITLES = {"retailcrm": "RetailCRM", "uon": "U-ON.Travel", "moysklad": "МойСклад", "bitrix24": "Битрикс24"}
_CREDENTIALS = ("api_key", "api_url", "domain", "token", "webhook", "webhook_url", "login", "password")


def connections(move: Move) -> tuple[Row, ...]:
    """Return the connections; an order that was set in our database stays, but for the primary, which goes first."""
    ours = sorted(move.ours.rows(CONNECTIONS), key=lambda row: whole(row["position"]) or 0)
    theirs = {VENDORS[key]: block for key, block in _blocks(move)}
    for key, block in _blocks(move):
        if any(text(block.get(name)) for name in _CREDENTIALS):
            move.report.by_hand(_COLUMN, key, "address and credentials are not taken over: enter them again")
    known = {text(row["vendor"]): row for row in reversed(ours)}
    new = [vendor for vendor in theirs if vendor not in known]
    added = {vendor: _added(vendor, number) for number, vendor in enumerate(new, start=_last_id(ours) + 1)}
    ordered = sorted([*ours, *added.values()], key=lambda row: _rank(move, row, theirs))
    return tuple(
        {**row, "position": place, "enabled": _enabled(row, known | added, theirs)}
        for place, row in enumerate(ordered, start=1)
    )


def _blocks(move: Move) -> Iterator[tuple[str, Row]]:
    ours = {row["vendor"] for row in move.ours.rows(CONNECTIONS)}
    for key, vendor in VENDORS.items():
        block = mapping(move.theirs.integrations.get(key))
        if flag(block.get("enabled")) or mapping(block.get("user_extensions")) or (block and vendor in ours):
            yield key, block


def _added(vendor: str, number: int) -> Row:
    return {"id": number, "vendor": vendor, "name": _TITLES[vendor]}


def _last_id(ours: Iterable[Row]) -> int:
    return max((whole(row["id"]) or 0 for row in ours), default=0)


def _rank(move: Move, row: Row, theirs: dict[str, Row]) -> tuple[bool, bool, int]:
    """Sort the primary first, then what has a position, then new ones: those in use before the others."""
    primary = VENDORS.get(text(move.theirs.smart.get("primary")))
    in_use = flag(theirs.get(text(row["vendor"]), {}).get("enabled"))
    place = whole(row.get("position"))
    return row["vendor"] != primary, place is None and not in_use, place if place is not None else 1 << 15


def _enabled(row: Row, chosen: dict[str, Row], theirs: dict[str, Row]) -> object:
    """Take the platform's word for its own connection of a vendor; a second one of ours stays as it is."""
    vendor = text(row["vendor"])
    if vendor in theirs and chosen[vendor]["id"] == row["id"]:
        return flag(theirs[vendor].get("enabled"))
    return row.get("enabled")


def user_extensions(move: Move, rows: Iterable[Row], numbers: set[str]) -> tuple[Row, ...]:
    """Return which manager has which extension, as set by hand on the platform; null means none."""
    ids = {text(row["vendor"]): row["id"] for row in reversed(tuple(rows))}
    return tuple(
        {"connection_id": ids[VENDORS[key]], "manager_id": text(manager), "extension": extension}
        for key, block in _blocks(move)
        for manager, given in mapping(block.get("user_extensions")).items()
        if (extension := _extension(move, f"{key}.user_extensions.{manager}", given, numbers))
    )


def _extension(move: Move, where: str, given: object, numbers: set[str]) -> str:
    extension = text(given)
    if not extension:
        move.report.skip(_COLUMN, "managers without an extension")
    elif extension not in numbers:
        move.report.left_out(_COLUMN, where, f"there is no extension {extension}")
        return ""
    return extension
