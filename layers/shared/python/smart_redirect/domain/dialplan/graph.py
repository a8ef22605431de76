"""Schemes as values: call flows of nodes, each with its outputs in order. docs/dialplan.md has the stored form."""

from dataclasses import dataclass
from enum import StrEnum


class SchemeKind(StrEnum):
    """Which calls a scheme is for."""

    INCOMING = "incoming"
    OUTGOING = "outgoing"


@dataclass(frozen=True, slots=True)
class Start:
    """Where calls enter the scheme."""


@dataclass(frozen=True, slots=True)
class Greeting:
    """Plays a sound; without one it is passed through."""

    sound: str


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody whom a dial node rings."""

    user_id: int | None
    phone: str


@dataclass(frozen=True, slots=True)
class Dial:
    """Rings people together, for rings × 5 seconds; `music` is a class of music on hold, or nothing."""

    people: tuple[Person, ...]
    rings: int
    music: str


@dataclass(frozen=True, slots=True)
class Period:
    """Days (0 is Monday) and a time of the day, from `start` until just before `end`, as HH:MM."""

    days: tuple[int, ...]
    start: str
    end: str


@dataclass(frozen=True, slots=True)
class WorkSchedule:
    """One output for each period, and a last one for the rest of the time."""

    periods: tuple[Period, ...]


@dataclass(frozen=True, slots=True)
class PatternCheck:
    """One output for each pattern, and a last one for every other number."""

    patterns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Menu:
    """Asks for a key; one output for each key, and one for no or another key. `passes` leads straight on."""

    sound: str
    passes: bool
    seconds: int


@dataclass(frozen=True, slots=True)
class ExternalLines:
    """Lines to leave by, the first to be tried first."""

    lines: tuple[str, ...]


Content = Start | Greeting | Dial | WorkSchedule | PatternCheck | Menu | ExternalLines


@dataclass(frozen=True, slots=True)
class Output:
    """An edge that leaves a node, by the handle that it leaves from."""

    handle: str
    target: str


@dataclass(frozen=True, slots=True)
class Node:
    """One step of a scheme; its outputs stand in the order of their handles."""

    id: str
    type: str
    content: Content
    outputs: tuple[Output, ...] = ()


@dataclass(frozen=True, slots=True)
class Problem:
    """What cannot be read in a scheme, and in which node ("" for the scheme as a whole)."""

    node: str
    text: str


@dataclass(frozen=True)
class Graph:
    """The nodes of a scheme by id, and what could not be read of it."""

    nodes: dict[str, Node]
    problems: tuple[Problem, ...] = ()

    def start(self) -> Node | None:
        """Return the node where calls enter, if there is one."""
        return next((node for node in self.nodes.values() if isinstance(node.content, Start)), None)
