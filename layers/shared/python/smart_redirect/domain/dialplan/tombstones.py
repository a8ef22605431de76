"""Contexts that are no more, kept for the calls that are still in them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from smart_redirect.domain.dialplan.findings import Findings, Kind
from smart_redirect.domain.dialplan.plan import Context, Dialplan, Shelter, Tombstone
from smart_redirect.domain.dialplan.pool import Fallbacks
from smart_redirect.domain.dialplan.priorities import priorities
from smart_redirect.domain.dialplan.text import is_context

KEPT = timedelta(hours=24)


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


def retire(before: Dialplan, after: Dialplan, at: datetime) -> tuple[Retired, ...]:
    """Return the rows for the contexts that `after` has no more."""
    there = set(after.names())
    pooled = [
        Retired(f"mngr{route.internal_id}_{line.id}_{n}", at, Shelter.FALLBACK, line.id)
        for line in before.pool.lines
        for route in before.pool.routes
        for n in range(1, len(route.rings) + 1)
    ]
    numbered = [Retired(name, at, Shelter.HANGUP) for chain in before.chains for name in chain.names()]
    others = [_other(context, at) for context in before.contexts]
    return tuple(row for row in (*pooled, *numbered, *others) if row.context not in there)


def _other(context: Context, at: datetime) -> Retired:
    shelter = Shelter.LINE if context.inbound else Shelter.HANGUP
    longest = max(priorities(entry.steps) for entry in context.entries)
    return Retired(context.name, at, shelter, priorities=longest)


def still_kept(rows: Iterable[Retired], now: datetime, kept: timedelta = KEPT) -> tuple[Retired, ...]:
    """Return the rows that a build still has to be given; `now` is the time of the host."""
    return tuple(row for row in rows if now - row.retired_at < kept)


def tombstones(rows: Iterable[Retired], live: set[str], fallbacks: Fallbacks, found: Findings) -> tuple[Tombstone, ...]:
    """Return a tombstone for each retired context that is not live again, in the order of their names."""
    latest = {row.context: row for row in sorted(rows, key=lambda row: (row.retired_at, row.line, row.priorities))}
    made = []
    for name, row in sorted(latest.items()):
        if name in live:
            continue
        if not is_context(name) or not 0 <= row.priorities <= 10_000:
            found.error(Kind.UNSAFE_TEXT, f"retired context {name!r}", "cannot be written")
            continue
        fallback = fallbacks.of(row.line) if row.shelter is Shelter.FALLBACK else None
        shelter = Shelter.HANGUP if row.shelter is Shelter.FALLBACK and fallback is None else row.shelter
        made.append(Tombstone(name, shelter, fallback or "", row.priorities))
    return tuple(made)
