"""The settings of one enterprise that a decision needs: a frozen snapshot with a version."""

import re
from collections.abc import Callable, Container, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Protocol

from smart_redirect.domain.phone import normalise

_POOLED = re.compile(r"[0-9][0-9A-Za-z_-]{1,39}")


class Mode(StrEnum):
    """What an enterprise lets Smart Redirect answer."""

    OFF = "off"
    NAME_ONLY = "name-only"
    ROUTING_AND_NAME = "routing+name"


class Algorithm(StrEnum):
    """Where a route's candidate comes from."""

    CRM = "crm"
    LAST_CALL = "last_call"
    FIRST_CALL = "first_call"


class NamePart(StrEnum):
    """What a caller's displayed name is made of."""

    LINE = "line"
    CUSTOMER = "customer"
    SHOP = "shop"


class ContextTrust(StrEnum):
    """Whose word counts for the contexts that a host has loaded."""

    REPORTED = "reported"
    RULES = "rules"
    NAMES_ONLY = "names_only"


@dataclass(frozen=True, slots=True)
class Line:
    """An external trunk; `id` is what Asterisk sees in EXTEN, whatever the line's kind."""

    id: str
    name: str = ""
    number: str = ""
    area_code: str = ""
    enabled: bool = False
    do_routing: bool = False
    shadow: bool = False
    algorithms: tuple[Algorithm, ...] = ()
    crm_falls_back: bool = True
    name_parts: tuple[NamePart, ...] = ()
    shop: str = ""


@dataclass(frozen=True, slots=True)
class Extension:
    """An internal number; `internal_id` is the N of its contexts mngrN_<line>_1."""

    number: str
    internal_id: int
    user_id: int | None = None


@dataclass(frozen=True, slots=True)
class Connection:
    """An enabled CRM connection; an enterprise lists them in the order of asking."""

    id: int
    name: str


@dataclass(frozen=True, slots=True)
class ContextPool:
    """Which contexts a host has loaded: every pair of an id and a line, but the missing ones."""

    internal_ids: frozenset[int]
    lines: frozenset[str]
    missing: frozenset[str] = frozenset()

    def holds(self, internal_id: int, line_id: str) -> bool:
        """Tell whether the first context of this extension on this line is loaded."""
        return (
            internal_id in self.internal_ids
            and line_id in self.lines
            and (not self.missing or first_context(internal_id, line_id) not in self.missing)
        )


@dataclass(frozen=True, slots=True)
class Host:
    """A PBX host: where its requests may come from, and what it has loaded or is about to load."""

    id: int
    name: str = ""
    allowed: tuple[str, ...] = ()
    trust: ContextTrust = ContextTrust.REPORTED
    loaded: ContextPool | None = None
    announced: ContextPool | None = None


@dataclass(frozen=True)
class Enterprise:
    """All settings of one enterprise that a decision needs, as they were at `version`."""

    id: int
    number: str
    country: str = "BY"
    mode: Mode = Mode.OFF
    shadow: bool = False
    switched_off: bool = False
    full_phones: bool = False
    requests_per_second: int = 50
    version: int = 0
    lines: dict[str, Line] = field(default_factory=dict)
    extensions: tuple[Extension, ...] = ()
    connections: tuple[Connection, ...] = ()
    user_extensions: dict[tuple[int, str], str] = field(default_factory=dict)
    hosts: dict[int, Host] = field(default_factory=dict)
    tokens: dict[bytes, int | None] = field(default_factory=dict)

    @cached_property
    def has_address_lists(self) -> bool:
        """Tell whether any host says where its requests may come from."""
        return any(host.allowed for host in self.hosts.values())

    @cached_property
    def pooled_lines(self) -> frozenset[str]:
        """Ids of the lines that can have contexts: the pattern `_X.` matches them, and they are safe in a name."""
        return frozenset(line.id for line in self.lines.values() if _POOLED.fullmatch(line.id))

    @cached_property
    def by_number(self) -> dict[str, Extension]:
        """Extensions by their number as written."""
        return {extension.number: extension for extension in self.extensions}

    @cached_property
    def by_internal_id(self) -> dict[int, Extension]:
        """Extensions by internal id."""
        return {extension.internal_id: extension for extension in self.extensions}

    @cached_property
    def by_bare_number(self) -> dict[str, tuple[Extension, ...]]:
        """Extensions by their number without leading zeros."""
        found: dict[str, tuple[Extension, ...]] = {}
        for extension in self.extensions:
            bare = extension.number.lstrip("0")
            found[bare] = (*found.get(bare, ()), extension)
        return found

    @cached_property
    def smallest_of_user(self) -> dict[int, Extension]:
        """Each user's numerically smallest extension."""
        found: dict[int, Extension] = {}
        for extension in sorted(self.extensions, key=lambda e: (int(e.number), e.number), reverse=True):
            if extension.user_id is not None:
                found[extension.user_id] = extension
        return found

    @cached_property
    def line_numbers(self) -> frozenset[str]:
        """The numbers of the lines, as `is_own` compares them."""
        return numbers_of(self.lines.values(), self.country)

    def is_own(self, raw: str, caller: str) -> bool:
        """Tell whether a caller, as sent and as E.164, is one of our own lines or extensions."""
        return is_own(raw, caller, self.line_numbers, self.extension)

    def extension(self, number: str) -> Extension | None:
        """Find an extension by its exact number, else without leading zeros if that is unique."""
        exact = self.by_number.get(number)
        if exact is not None:
            return exact
        bare = self.by_bare_number.get(number.lstrip("0"), ())
        return bare[0] if len(bare) == 1 else None


class NumberedLine(Protocol):
    """A line, as far as its numbers go."""

    @property
    def id(self) -> str:
        """What Asterisk sees in EXTEN."""

    @property
    def number(self) -> str:
        """Its public number, as somebody wrote it."""

    @property
    def area_code(self) -> str:
        """The city code that completes local numbers."""


def numbers_of(lines: Iterable[NumberedLine], country: str) -> frozenset[str]:
    """Return all that a line may call itself, without a plus: its id, its number as written and as E.164."""
    names = {text for line in lines for text in (line.id, line.number, _public(line, country))}
    return frozenset(bare(name) for name in names if name)


def _public(line: NumberedLine, country: str) -> str:
    return normalise(line.number, country, line.area_code) or ""


def bare(phone: str) -> str:
    """Return a phone as numbers of our own are compared: without spaces around it and its plus."""
    return phone.strip().lstrip("+")


def is_own(raw: str, caller: str, lines: Container[str], extension: Callable[[str], object | None]) -> bool:
    """Tell whether a caller, as sent and as E.164, is ourselves: such a call has no caller, no history and no route.

    `lines` is what `numbers_of` returns; `extension` finds one of ours by its number, None if there is none.
    """
    sent, full = bare(raw), bare(caller)
    if sent in lines or full in lines:
        return True
    return extension(sent) is not None or extension(full) is not None


def first_context(internal_id: int, line_id: str) -> str:
    """Name the context in which a call to this extension over this line begins."""
    return f"mngr{internal_id}_{line_id}_1"
