"""Contexts that are no more, kept for the calls that are still in them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain

from smart_redirect.domain.dialplan.findings import Findings, Kind
from smart_redirect.domain.dialplan.outline import Outline
from smart_redirect.domain.dialplan.plan import Pool, Shelter, Tombstone
from smart_redirect.domain.dialplan.pool import Fallbacks
from smart_redirect.domain.dialplan.text import is_context

KEPT = timedelta(hours=24)
# Of a context behind a follow-me number: the beginning of the call, the ring, and the way on.
CHAIN_PRIORITIES = 6
_MOST_PRIORITIES = 10_000


@dataclass(frozen=True, slots=True)
class Retired:
    """A stored row: a context that a release had and a later one has not, since `retired_at`.

    `line` is set for the pool; `priorities` for every other context, whose steps are not all alike.
    """

    context: str
    retired_at: datetime
    shelter: Shelter
    line: str = ""
    priorities: int = 0


def retire(before: Outline, after: Outline, at: datetime) -> tuple[Retired, ...]:
    """Return the rows for the contexts that `after` has no more; `at` is when it was published."""
    there = set(after.names())
    rows = chain(_pooled(before, at), _numbered(before, at), _others(before, at))
    return tuple(row for row in rows if row.context not in there)


def _pooled(before: Outline, at: datetime) -> Iterator[Retired]:
    for line in before.pool.lines:
        for name in Pool((line,), before.pool.routes).names():
            yield Retired(name, at, Shelter.FALLBACK, line.id)


def _numbered(before: Outline, at: datetime) -> Iterator[Retired]:
    for each in before.chains:
        yield from (Retired(name, at, Shelter.HANGUP, priorities=CHAIN_PRIORITIES) for name in each.names())


def _others(before: Outline, at: datetime) -> Iterator[Retired]:
    for each in before.contexts:
        yield Retired(each.name, at, each.shelter, priorities=each.priorities)


def still_kept(rows: Iterable[Retired], now: datetime, kept: timedelta = KEPT) -> tuple[Retired, ...]:
    """Return the rows that a build still has to be given; `now` is the time of the host."""
    return tuple(row for row in rows if now - row.retired_at < kept)


@dataclass(frozen=True, slots=True)
class Onward:
    """Where calls in retired contexts can go; only a whole file has a [from-out-office] of ours to go back to."""

    fallbacks: Fallbacks
    whole: bool

    def of(self, row: Retired) -> tuple[Shelter, str]:
        """Return the shelter of a row, and the context if it is a fallback."""
        if row.shelter is Shelter.HANGUP or (row.shelter is Shelter.LINE and self.whole):
            return row.shelter, ""
        fallback = self.fallbacks.of(row.line)
        return (Shelter.FALLBACK, fallback) if fallback else (Shelter.HANGUP, "")


def tombstones(rows: Iterable[Retired], live: set[str], onward: Onward, found: Findings) -> tuple[Tombstone, ...]:
    """Return a tombstone for each retired context that is not live again, in the order of their names."""
    in_order = sorted(rows, key=lambda row: (row.retired_at, row.line, row.priorities, row.shelter))
    latest = {row.context: row for row in in_order if row.context not in live}
    made = []
    for name, row in sorted(latest.items()):
        if is_context(name) and 0 <= row.priorities <= _MOST_PRIORITIES:
            shelter, fallback = onward.of(row)
            made.append(Tombstone(name, shelter, fallback, row.priorities))
        else:
            found.error(Kind.UNSAFE_TEXT, f"retired context {name!r}", "cannot be written")
    return tuple(made)
