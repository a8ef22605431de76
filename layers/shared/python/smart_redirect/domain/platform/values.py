"""Reading a foreign row: texts, numbers, flags and JSON, whatever types an installation gave its columns."""

import json
import re
from collections.abc import Mapping

Row = Mapping[str, object]

_TRUE = {"true", "t", "1", "yes", "on"}
_LARGEST_ID = 2**31 - 1
# Neither can be stored in PostgreSQL; a column of type text or json may hold them escaped.
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def text(value: object) -> str:
    """Return a text or a number as stripped text, anything else as the empty text."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    return _UNSTORABLE.sub("\ufffd", str(value)).strip()


def whole(value: object) -> int | None:
    """Return a whole number, given as number or digits; None for anything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    return int(value) if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,18}", value.strip()) else None


def id_of(row: Row) -> int | None:
    """Return a row's id if our columns can hold it."""
    found = whole(row.get("id"))
    return found if found is not None and 0 < found <= _LARGEST_ID else None


def flag(value: object) -> bool:
    """Return a boolean, given as such, as 0 or 1, or as a word."""
    return value is True or text(value).lower() in _TRUE


def mapping(value: object) -> Row:
    """Return a JSON object, given as such or as its text; an empty one for anything else."""
    found = parsed(value)
    return found if isinstance(found, dict) else {}


def listed(value: object) -> list[object]:
    """Return a JSON array, given as such or as its text; an empty one for anything else."""
    found = parsed(value)
    return found if isinstance(found, list) else []


def parsed(value: object) -> object:
    """Return what a JSON text says, None if it is none; other values stay as they are."""
    if not isinstance(value, str):
        return value
    try:
        found: object = json.loads(value)
    except (ValueError, RecursionError):
        return None
    return found


def storable(value: object) -> bool:
    """Tell whether jsonb can hold a JSON value."""
    try:
        written = json.dumps(value, ensure_ascii=False, allow_nan=False)
        written.encode()
    except (ValueError, RecursionError):
        return False
    return "\\u0000" not in written
