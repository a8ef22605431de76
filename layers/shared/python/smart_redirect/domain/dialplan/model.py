"""The settings of one enterprise that its dialplan is made of, as they stand in the database."""

from dataclasses import dataclass

from smart_redirect.domain.dialplan.graph import Graph, SchemeKind


@dataclass(frozen=True, slots=True)
class Line:
    """An external line; `id` is what Asterisk sees in EXTEN and the name of its peer, whatever its kind."""

    id: str
    enabled: bool = False
    in_scheme: str | None = None
    number: str = ""
    area_code: str = ""
    prefix: str = ""


@dataclass(frozen=True, slots=True)
class Extension:
    """An internal number; `internal_id` is the N of its contexts mngrN_<line>_1."""

    internal_id: int
    number: str
    user_id: int | None = None
    out_scheme: str | None = None


@dataclass(frozen=True, slots=True)
class FollowMeStep:
    """Numbers that ring together, for rings × 5 seconds; steps go by `step`."""

    step: int
    rings: int
    numbers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class User:
    """An employee and his follow-me; `follow_me_number` is what colleagues dial for it."""

    id: int
    follow_me_number: str | None = None
    follow_me_enabled: bool = False
    follow_me_steps: tuple[FollowMeStep, ...] = ()


@dataclass(frozen=True, slots=True)
class Department:
    """Extensions (by internal_id) that ring together when colleagues dial its number."""

    id: int
    number: str
    members: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Scheme:
    """A call flow; `context`, when it is set, is what a host's own file calls the place where it starts."""

    id: str
    name: str
    kind: SchemeKind
    graph: Graph
    context: str | None = None

    @property
    def row(self) -> str:
        """How findings name it."""
        return f"scheme {self.name!r}"


@dataclass(frozen=True, slots=True)
class Model:
    """All of an enterprise that its dialplan depends on."""

    number: str
    country: str = "BY"
    time_zone: str = "Europe/Minsk"
    recording: bool = False
    lines: tuple[Line, ...] = ()
    extensions: tuple[Extension, ...] = ()
    users: tuple[User, ...] = ()
    schemes: tuple[Scheme, ...] = ()
    departments: tuple[Department, ...] = ()
