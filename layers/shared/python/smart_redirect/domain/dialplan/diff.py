"""Says in an operator's words what one release changes against the one before."""

from collections.abc import Iterator, Mapping
from typing import TypeVar

from smart_redirect.domain.dialplan.outline import Outline
from smart_redirect.domain.dialplan.steps import Desk, Ring

SHOWN = 20
_Key = TypeVar("_Key", str, int)


def diff(before: Outline | None, after: Outline) -> tuple[str, ...]:
    """Return sentences, none when nothing changed; of a big change the counts first, and then the first of them."""
    if before is None:
        lines = _count(len(after.pool.lines), "line")
        return (f"first release: {_count(len(after), 'context')}, {lines} with Smart Redirect",)
    said = tuple(_sentences(before, after))
    if len(said) <= SHOWN:
        return said
    return (_totals(before, after), *said[:SHOWN], f"… and {len(said) - SHOWN:,} more changes")


def _totals(before: Outline, after: Outline) -> str:
    old, new = set(before.names()), set(after.names())
    return f"+{len(new - old):,} −{len(old - new):,} contexts, {len(new):,} in all"


def _sentences(before: Outline, after: Outline) -> Iterator[str]:
    if before.whole != after.whole:
        yield f"now {'the whole file' if after.whole else 'only the block between the markers'}"
    yield from _lines(before, after)
    yield from _routes(before, after)
    yield from _chains(before, after)
    yield from _contexts(before, after)


def _lines(before: Outline, after: Outline) -> Iterator[str]:
    old = {line.id: line.fallback for line in before.pool.lines}
    new = {line.id: line.fallback for line in after.pool.lines}
    each = {True: _on_one_line(after), False: _on_one_line(before)}
    for line in _either(old, new):
        if line not in old:
            yield f"+{_count(each[True], 'context')} for line {line}, falling back to [{new[line]}]"
        elif line not in new:
            yield f"−{_count(each[False], 'context')} for line {line}"
        elif old[line] != new[line]:
            yield f"line {line} falls back to [{new[line]}] instead of [{old[line]}]"


def _on_one_line(given: Outline) -> int:
    return sum(len(route.rings) for route in given.pool.routes)


def _routes(before: Outline, after: Outline) -> Iterator[str]:
    """Only lines that both releases have count here: those of a new line are told with the line."""
    old = {route.internal_id: route for route in before.pool.routes}
    new = {route.internal_id: route for route in after.pool.routes}
    lines = len({line.id for line in before.pool.lines} & {line.id for line in after.pool.lines})
    if not lines:
        return
    for key in _either(old, new):
        gone, come = old.get(key), new.get(key)
        if gone and come and gone.extension != come.extension:
            yield f"internal id {key} is extension {come.extension} instead of {gone.extension}"
        name = (come or gone or new[key]).extension
        counts = (len(gone.rings) if gone else 0), (len(come.rings) if come else 0)
        yield from _counted(counts, lines, f"extension {name}")
        if gone and come:
            yield from _chain(gone.rings, come.rings, name)


def _counted(counts: tuple[int, int], lines: int, what: str) -> Iterator[str]:
    more = (counts[1] - counts[0]) * lines
    if more:
        yield f"{'+' if more > 0 else '−'}{_count(abs(more), 'context')} for {what}"


def _chain(old: tuple[Ring, ...], new: tuple[Ring, ...], name: str) -> Iterator[str]:
    seconds = sum(ring.seconds for ring in new) - sum(ring.seconds for ring in old)
    if seconds:
        yield f"chain of {name} {'longer' if seconds > 0 else 'shorter'} by {abs(seconds)} s"
    for at, (was, now) in enumerate(zip(old, new, strict=False), 1):
        if was.targets != now.targets:
            yield f"step {at} of {name} rings {_targets(now)} instead of {_targets(was)}"
        if was.local != now.local:
            yield f"step {at} of {name} is credited to {now.local or 'nobody'} instead of {was.local or 'nobody'}"
    if not seconds and len(old) == len(new) and [r.seconds for r in old] != [r.seconds for r in new]:
        yield f"steps of {name} ring {_seconds(new)} s instead of {_seconds(old)} s"


def _targets(ring: Ring) -> str:
    return ", ".join(
        target.number if isinstance(target, Desk) else f"{target.digits} by [{target.context}]"
        for target in ring.targets
    )


def _seconds(rings: tuple[Ring, ...]) -> str:
    return "/".join(str(ring.seconds) for ring in rings)


def _chains(before: Outline, after: Outline) -> Iterator[str]:
    old = {chain.user_id: chain for chain in before.chains}
    new = {chain.user_id: chain for chain in after.chains}
    for user in _either(old, new):
        gone, come = old.get(user), new.get(user)
        if gone and come and gone.number != come.number:
            yield f"follow-me number of user {user} is {come.number} instead of {gone.number}"
        what = f"follow-me number {(come or gone or new[user]).number}"
        yield from _counted((len(gone.rings) if gone else 0, len(come.rings) if come else 0), 1, what)
        if gone and come:
            yield from _chain(gone.rings, come.rings, what)


def _contexts(before: Outline, after: Outline) -> Iterator[str]:
    old = {context.name: context for context in before.contexts}
    new = {context.name: context for context in after.contexts}
    for name in _either(old, new):
        if name not in old:
            yield f"+1 context [{name}]: {new[name].origin}"
        elif name not in new:
            yield f"−1 context [{name}]: {old[name].origin}"
        elif old[name].digest != new[name].digest:
            yield f"changed [{name}]: {new[name].origin}"


def _either(old: Mapping[_Key, object], new: Mapping[_Key, object]) -> list[_Key]:
    return sorted(set(old) | set(new))


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
