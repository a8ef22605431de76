"""Reads plain JSON with checks: each getter returns what it promises, or says which field of which row is wrong."""

from collections.abc import Mapping

from smart_redirect.errors import SmartRedirectError

Row = Mapping[str, object]


class FieldInvalid(SmartRedirectError):
    """A field is not what the stored form says; the text names it."""


def row(value: object, what: str) -> Row:
    """Return a JSON object."""
    if not isinstance(value, dict):
        raise FieldInvalid(f"{what} is not an object")
    return value


def rows(parent: Row, key: str) -> list[Row]:
    """Return a list of JSON objects; a missing one is empty."""
    return [row(item, f"{key}[{at}]") for at, item in enumerate(items(parent, key))]


def items(parent: Row, key: str) -> list[object]:
    """Return a list; a missing one is empty."""
    value = parent.get(key)
    if value is None:
        return []
    if not isinstance(value, list):
        raise FieldInvalid(f"{key} is not a list")
    return value


def text(parent: Row, key: str, default: str | None = None) -> str:
    """Return a string; a number counts as its digits, because editors store both."""
    value = parent.get(key, default)
    if value is None:
        value = default
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        raise FieldInvalid(f"{key} is not a text")
    return value


def optional_text(parent: Row, key: str) -> str | None:
    """Return a string, or None for a null, an absent or an empty one."""
    return text(parent, key, "") or None


def number(parent: Row, key: str, default: int | None = None) -> int:
    """Return a whole number; digits in a string count."""
    value = parent.get(key)
    if value is None:
        value = default
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 10:
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        raise FieldInvalid(f"{key} is not a whole number")
    return value


def optional_number(parent: Row, key: str) -> int | None:
    """Return a whole number, or None for a null or an absent one."""
    return None if parent.get(key) is None else number(parent, key)


def flag(parent: Row, key: str, default: bool = False) -> bool:
    """Return true or false."""
    value = parent.get(key, default)
    if not isinstance(value, bool):
        raise FieldInvalid(f"{key} is not true or false")
    return value
