"""What a dialplan refers to: the contexts that each of its places sends calls to, and the routines that it calls."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from smart_redirect.domain.dialplan.dialects import Shape
from smart_redirect.domain.dialplan.plan import Context, Dialplan, Shelter
from smart_redirect.domain.dialplan.steps import (
    AskService,
    Begin,
    DialAs,
    Hangup,
    Jump,
    LeaveOffice,
    Outside,
    Ring,
    RingPhones,
    RouteGiven,
    Step,
    TryTrunk,
)


@dataclass(frozen=True, slots=True)
class Reference:
    """A place (as findings name it) and the context that it sends calls to."""

    row: str
    context: str


def references(dialplan: Dialplan) -> Iterator[Reference]:
    """Yield every reference; those of a route once, not once a line."""
    for context in dialplan.contexts:
        for target in targets(context):
            yield Reference(context.origin, target)
    for line in dialplan.pool.lines:
        yield Reference(f"line {line.id!r}", line.fallback)
    for row, rings in rings_of(dialplan):
        for ring in rings:
            yield from (Reference(row, context) for context in _outside(ring))
    for stone in dialplan.tombstones:
        if stone.shelter is Shelter.FALLBACK:
            yield Reference(f"retired context {stone.name!r}", stone.fallback)


def rings_of(dialplan: Dialplan) -> Iterator[tuple[str, tuple[Ring, ...]]]:
    """Yield the rings of each route and each follow-me number, with the row that they come from."""
    for route in dialplan.pool.routes:
        yield f"extension {route.extension!r} (internal id {route.internal_id})", route.rings
    for chain in dialplan.chains:
        yield f"user {chain.user_id}, follow-me number {chain.number}", chain.rings


def targets(context: Context) -> Iterator[str]:
    """Yield the contexts that this one names."""
    for entry in context.entries:
        for step in entry.steps:
            yield from _of_step(step)


def jumps(context: Context) -> Iterator[str]:
    """Yield the contexts in which a call goes on itself; a leg to a mobile is none of these."""
    for entry in context.entries:
        yield from (
            step.context for step in entry.steps if isinstance(step, Jump) and not isinstance(step.when, RouteGiven)
        )


def _of_step(step: Step) -> Iterable[str]:
    match step:
        case Jump():
            return () if isinstance(step.when, RouteGiven) else (step.context,)
        case DialAs():
            return (step.context,)
        case RingPhones():
            return _outside(step.ring)
        case _:
            return ()


def _outside(ring: Ring) -> tuple[str, ...]:
    return tuple(target.context for target in ring.targets if isinstance(target, Outside))


def ends(context: Context) -> bool:
    """Tell whether a call can end here, or leave to where the dialplan does not follow it."""
    ending = (Hangup, DialAs, LeaveOffice, TryTrunk)
    return any(isinstance(step, ending) for entry in context.entries for step in entry.steps)


def routines(dialplan: Dialplan, shape: Shape) -> frozenset[str]:
    """Return the routines of extensions_custom.conf that the text will call."""
    steps = {type(step) for context in dialplan.contexts for entry in context.entries for step in entry.steps}
    chained = bool(dialplan.pool or dialplan.chains)
    needed = {
        "incall_end": dialplan.whole or chained or bool(dialplan.tombstones),
        "incall_start": Begin in steps or bool(dialplan.chains),
        "incall_dial": bool(steps & {RingPhones, TryTrunk}) or (chained and shape is Shape.CLASSIC),
        "incall_answer": bool(steps & {RingPhones, TryTrunk}) or chained,
        "getcustomerdata": AskService in steps,
    }
    return frozenset(name for name, is_needed in needed.items() if is_needed)
