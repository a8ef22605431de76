"""Address and body templates of a customer's own service, and the paths by which its answers are read."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, urlsplit

from smart_redirect.adapters.crm.json_values import Json
from smart_redirect.errors import CrmRefused

_PLACEHOLDER = re.compile(r"\{(\w*)\}")
_STEP = re.compile(r"([^.\[\]]+)|\[(\d{1,4})\]")
_PATH = re.compile(r"(?:[^.\[\]]+|\[\d{1,4}\])(?:\.[^.\[\]]+|\[\d{1,4}\])*")


@dataclass(frozen=True, slots=True)
class AddressTemplate:
    """An https address whose path and query may hold placeholders; scheme, host and port are as they are written."""

    text: str = field(repr=False)
    host: str

    def filled(self, values: Mapping[str, str]) -> str:
        """Return the address; each value is encoded as one part of a path or a query, whatever is in it."""
        text = _PLACEHOLDER.sub(lambda found: quote(values[found[1]], safe=""), self.text)
        if urlsplit(text).netloc != self.host:
            raise CrmRefused("a value must not change the address's host")
        return text


def read_address(name: str, given: object, known: frozenset[str]) -> AddressTemplate:
    """Read an address template; CrmRefused names the setting and says what is wrong with it."""
    text = given.strip() if isinstance(given, str) else ""
    try:
        parts = urlsplit(text)
        is_whole = parts.scheme == "https" and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_whole = False
    if not is_whole:
        raise CrmRefused(f"the setting {name} must be an address that begins with https://")
    if "{" in parts.netloc or "@" in parts.netloc or "\\" in text or parts.fragment or not text.isprintable():
        raise CrmRefused(f"the setting {name} may have placeholders in path and query only, and no user or fragment")
    _check(name, text, known)
    return AddressTemplate(text, parts.netloc)


def read_body(name: str, given: object, known: frozenset[str]) -> Mapping[str, str]:
    """Read the fields of a body, each a text with placeholders; nothing when the setting is not there."""
    if given is None:
        return {}
    if not isinstance(given, Mapping) or not all(isinstance(each, str) for pair in given.items() for each in pair):
        raise CrmRefused(f"the setting {name} must be an object of texts")
    for text in given.values():
        _check(name, text, known)
    return dict(given)


def filled_body(template: Mapping[str, str], values: Mapping[str, str]) -> dict[str, str]:
    """Return the fields with their values; whoever encodes them keeps each within its field."""
    return {name: _PLACEHOLDER.sub(lambda found: values[found[1]], text) for name, text in template.items()}


def _check(name: str, text: str, known: frozenset[str]) -> None:
    unknown = {each for each in _PLACEHOLDER.findall(text) if each not in known}
    if unknown:
        names = ", ".join(f"{{{each}}}" for each in sorted(known))
        raise CrmRefused(f"the setting {name} has a placeholder that is none of {names}")


@dataclass(frozen=True, slots=True)
class JsonPath:
    """Names and places, such as `data.items[0].name`; an empty one is the value itself."""

    steps: tuple[str | int, ...] = ()

    def read(self, value: Json) -> Json:
        """Return what is there, or a value that is not."""
        for step in self.steps:
            value = value[step] if isinstance(step, str) else _item(value, step)
        return value


def _item(value: Json, place: int) -> Json:
    items = tuple(value)
    return items[place] if place < len(items) else Json()


def read_path(name: str, given: object) -> JsonPath | None:
    """Read a path; None when the setting is not there, CrmRefused when it is none."""
    if given is None or given == "":
        return None
    if not isinstance(given, str) or not _PATH.fullmatch(given):
        raise CrmRefused(f"the setting {name} must be a path such as data.items[0].name")
    return JsonPath(tuple(step if step else int(place) for step, place in _STEP.findall(given)))
