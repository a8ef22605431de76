"""Addresses with placeholders: what is put into one can change neither the host nor another part of the address."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote

import httpx

from smart_redirect.adapters.crm.session import base_url
from smart_redirect.errors import CrmRefused

PLACEHOLDER = re.compile(r"\{(\w+)\}")
_SHAPE = re.compile(r"(https://[^/?#\\{}@%\s]+)((?:[/?][^#\\\s]*)?)", re.IGNORECASE)
_LONGEST = 2000


@dataclass(frozen=True, slots=True)
class Template:
    """An address in two parts: scheme, host and port, which nothing is put into, and the rest."""

    base: str = field(repr=False)
    rest: str = field(repr=False)

    @property
    def names(self) -> frozenset[str]:
        """The placeholders."""
        return frozenset(PLACEHOLDER.findall(self.rest))

    def fill(self, values: Mapping[str, str]) -> str:
        """Return the rest with each value percent-encoded; CrmRefused if that led to another host."""
        rest = PLACEHOLDER.sub(lambda part: encoded(values[part[1]]), self.rest)
        if _origin(self.base + rest) != _origin(self.base):
            raise CrmRefused("its address would lead to another host")
        return rest


def encoded(value: str) -> str:
    """Return a value of which nothing is special in an address; dots neither, two of which would lead up."""
    return quote(value, safe="", errors="replace").replace(".", "%2E")


def read_template(settings: Mapping[str, object], name: str, allowed: frozenset[str]) -> Template:
    """Return the address that a setting gives; CrmRefused says what is wrong with it."""
    given = settings.get(name)
    text = given.strip() if isinstance(given, str) else ""
    shape = _SHAPE.fullmatch(text)
    if shape is None or not text.isprintable() or len(text) > _LONGEST:
        raise CrmRefused(
            f"the setting {name} must be an address that begins with https://, without a user or a fragment,"
            " and with placeholders behind the host only"
        )
    check_placeholders(name, shape[2], allowed)
    template = Template(base_url({name: shape[1]}, name), shape[2])
    template.fill(dict.fromkeys(template.names, "0"))
    return template


def check_placeholders(name: str, text: str, allowed: frozenset[str]) -> None:
    """Raise CrmRefused for a placeholder that there is not, and for braces that are none."""
    unknown = set(PLACEHOLDER.findall(text)) - allowed
    if unknown or "{" in PLACEHOLDER.sub("", text) or "}" in PLACEHOLDER.sub("", text):
        raise CrmRefused(
            f"the setting {name} may have the placeholders {', '.join(sorted(allowed))} and no other braces"
        )


def _origin(text: str) -> tuple[str, str, int | None, bytes]:
    """Return who is asked, as the client reads the address."""
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL:
        raise CrmRefused("its address cannot be read") from None
    return url.scheme, url.host, url.port, url.userinfo
