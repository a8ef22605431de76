"""Patterns of numbers as Asterisk writes them (`_80XXXXXXXXX`), as regular expressions that hold nothing but digits."""

import re

_PART = re.compile(r"[0-9+*#XZNxzn]|\[[0-9](?:-[0-9])?(?:[0-9](?:-[0-9])?)*\]")
_CLASSES = {"X": "[0-9]", "Z": "[1-9]", "N": "[2-9]", "+": "[+]", "*": "[*]"}
_REST = {".": ".+", "!": ".*"}
_LONGEST = 64


def expression(pattern: str) -> str | None:
    """Return the expression that matches the same numbers, or None for what is no pattern.

    The underscore in front may be missing. `.` and `!` stand only at the end.
    """
    body = pattern.removeprefix("_")
    rest = _REST.get(body[-1:], "")
    body = body[:-1] if rest else body
    parts = _PART.findall(body)
    if "".join(parts) != body or len(body) > _LONGEST or not (parts or rest):
        return None
    return "^" + "".join(_CLASSES.get(part.upper(), part) for part in parts) + rest + "$"


def matches(pattern: str, value: str) -> bool:
    """Tell whether an extension pattern of a dialplan (with its underscore) or a plain extension matches."""
    if not pattern.startswith("_"):
        return pattern == value
    found = expression(pattern)
    return found is not None and re.fullmatch(found, value) is not None
