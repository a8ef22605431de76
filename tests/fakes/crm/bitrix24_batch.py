"""How Bitrix24 reads the commands of a batch: a query string each, and references to what came before."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

_KEYS = re.compile(r"\[([^\]]*)\]")
_REFERENCE = re.compile(r"\$result((?:\[[^\]]+\])+)")


def parsed(query: str) -> dict[str, Any]:
    """Read a query string as PHP does: brackets make arrays."""
    found: dict[str, Any] = {}
    for name, value in parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query)):
        first, _, rest = name.partition("[")
        place, keys = found, [first, *_KEYS.findall(f"[{rest}")] if rest else [first]
        for key in keys[:-1]:
            place = place.setdefault(key or str(len(place)), {})
        place[keys[-1] or str(len(place))] = value
    return found


def referred(value: Any, results: Mapping[str, Any]) -> Any:
    """Put results in place of references. One that leads nowhere stands for as much of it as there is."""
    if isinstance(value, dict):
        return {key: referred(each, results) for key, each in value.items()}
    whole = _REFERENCE.fullmatch(value)
    keys = _KEYS.findall(whole[1]) if whole else []
    if not keys or keys[0] not in results:
        return value
    found: Any = results
    for key in keys:
        inner = found.get(key) if isinstance(found, dict) else _item(found, key)
        if inner is None:
            break
        found = inner
    return found


def _item(found: Any, key: str) -> Any:
    if isinstance(found, list) and key.isdigit() and int(key) < len(found):
        return found[int(key)]
    return None
