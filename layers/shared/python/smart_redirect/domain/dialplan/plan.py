"""The dialplan as values: contexts, the pool and its chains, and what is kept of earlier releases."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from smart_redirect.domain.dialplan.findings import Finding
from smart_redirect.domain.dialplan.steps import Ring, Step

FROM_OUT_OFFICE = "from-out-office"
DIAL_EXECUTE = "dialexecute"
OUTGOING_BY_EXTENSION = "sr-outgoing"
SHARED_STEP = "sr-ring"
LINES = "lines"
ANY_NUMBER = "_X."
PLUS_NUMBER = "_+X."


@dataclass(frozen=True, slots=True)
class Entry:
    """What happens to calls of one number or pattern; `label` names the place of its step `labelled`."""

    pattern: str
    steps: tuple[Step, ...]
    label: str = ""
    labelled: int = 0


@dataclass(frozen=True, slots=True)
class Context:
    """A context; `origin` says in the operator's words what it was made of, `end` whether the end of a call is told."""

    name: str
    entries: tuple[Entry, ...]
    origin: str
    end: bool = True
    inbound: bool = True


# The pool.


@dataclass(frozen=True, slots=True)
class Route:
    """How an extension is reached: one or more rings, one after the other; the same on every line."""

    internal_id: int
    extension: str
    rings: tuple[Ring, ...]


@dataclass(frozen=True, slots=True)
class PooledLine:
    """A line that has contexts in the pool, and where a call goes on when nobody answered."""

    id: str
    fallback: str


@dataclass(frozen=True, slots=True)
class Pool:
    """Contexts mngr<internal id>_<line>_<n>: every route on every line. Never written out one by one as values."""

    lines: tuple[PooledLine, ...] = ()
    routes: tuple[Route, ...] = ()

    def __len__(self) -> int:
        return len(self.lines) * sum(len(route.rings) for route in self.routes)

    def names(self) -> Iterator[str]:
        """Name the contexts, in the order of the file."""
        for line in self.lines:
            for route in self.routes:
                for n in range(1, len(route.rings) + 1):
                    yield f"mngr{route.internal_id}_{line.id}_{n}"


@dataclass(frozen=True, slots=True)
class NumberChain:
    """What colleagues reach by a user's follow-me number: contexts mngr<user id>_<n>; after the last, Hangup."""

    user_id: int
    number: str
    rings: tuple[Ring, ...]

    def names(self) -> tuple[str, ...]:
        """Name the contexts, first to last."""
        return tuple(f"mngr{self.user_id}_{n}" for n in range(1, len(self.rings) + 1))


# What is no longer there.


class Shelter(StrEnum):
    """Where a call goes on that is still in a context which is no more."""

    FALLBACK = "fallback"
    LINE = "line"
    HANGUP = "hangup"


@dataclass(frozen=True, slots=True)
class Tombstone:
    """A context that is kept for the calls still in it. `priorities` 0: as many as a context of the pool has."""

    name: str
    shelter: Shelter
    fallback: str = ""
    priorities: int = 0


@dataclass(frozen=True, slots=True)
class Dialplan:
    """One enterprise's dialplan: the whole file of a host, or only the block between its markers."""

    whole: bool
    contexts: tuple[Context, ...] = ()
    chains: tuple[NumberChain, ...] = ()
    pool: Pool = Pool()
    tombstones: tuple[Tombstone, ...] = ()
    findings: tuple[Finding, ...] = ()
    elsewhere: frozenset[str] = frozenset()

    def names(self) -> Iterator[str]:
        """Name every context that a call may be sent to, tombstones not among them."""
        for context in self.contexts:
            yield context.name
        for chain in self.chains:
            yield from chain.names()
        yield from self.pool.names()
