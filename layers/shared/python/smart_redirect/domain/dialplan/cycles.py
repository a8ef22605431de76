"""Finds the places from which a call never gets out: cycles of contexts that no way leads out of."""

from collections.abc import Iterator, Mapping, Sequence

from smart_redirect.domain.dialplan.plan import Context
from smart_redirect.domain.dialplan.references import ends

Onward = Mapping[str, Sequence[str]]


def endless(contexts: Mapping[str, Context], onward: Onward) -> Iterator[tuple[str, ...]]:
    """Yield one cycle for each group of contexts that lead to each other only, with no end to reach."""
    trapped = set(contexts) - _escaping(contexts, onward)
    seen: set[str] = set()
    for name in sorted(trapped):
        cycle = _cycle(name, onward, trapped)
        if cycle and seen.isdisjoint(cycle):
            yield cycle
        seen |= set(cycle)


def _escaping(contexts: Mapping[str, Context], onward: Onward) -> set[str]:
    """Return the contexts from which an end can be reached; a jump out of `contexts` counts as one."""
    back: dict[str, list[str]] = {}
    for name, nexts in onward.items():
        for each in nexts:
            back.setdefault(each, []).append(name)
    waiting = [name for name, context in contexts.items() if ends(context) or not onward[name]]
    out = set(waiting)
    while waiting:
        fresh = set(back.get(waiting.pop(), ())) - out
        out |= fresh
        waiting += fresh
    return out


def _cycle(start: str, onward: Onward, within: set[str]) -> tuple[str, ...]:
    """Walk on until a context comes again, and return from there on."""
    path: list[str] = []
    name: str | None = start
    while name is not None and name not in path:
        path.append(name)
        name = next((each for each in sorted(onward[name]) if each in within), None)
    return tuple(path[path.index(name) :]) if name is not None else ()
