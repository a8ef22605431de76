"""Looks at a built dialplan as a whole: what would lose a call, or would not load, is found before it is published."""

from collections import Counter
from collections.abc import Iterator

from smart_redirect.domain.dialplan import text
from smart_redirect.domain.dialplan.cycles import endless
from smart_redirect.domain.dialplan.dialects import SYNTAX, Dialect, Shape
from smart_redirect.domain.dialplan.findings import Finding, Findings, Kind
from smart_redirect.domain.dialplan.plan import SHARED_STEP, Dialplan
from smart_redirect.domain.dialplan.references import jumps, references, rings_of, routines
from smart_redirect.domain.dialplan.steps import Desk, Target

# What smart_redirect_calls.conf defines for every dialect: the shared step of the compact shape calls it.
SHARED_ROUTINES = frozenset({"sr_dial"})
_ROUTINES = ("getcustomerdata", "incall_start", "incall_dial", "incall_answer", "incall_end")
_OWN = "sr-release-"


def shipped_targets(dialect: Dialect) -> frozenset[str]:
    """Return the contexts that the files of infra/asterisk define for this dialect's dialplans to call."""
    return frozenset({SYNTAX[dialect].context_of(name) for name in _ROUTINES} | SHARED_ROUTINES)


def validate(
    dialplan: Dialplan,
    dialect: Dialect,
    known_targets: frozenset[str] | None = None,
    shape: Shape = Shape.COMPACT,
) -> tuple[Finding, ...]:
    """Return what the build and this look found, errors first; a dialplan with an error must not be published.

    `known_targets` are the contexts that the host's other files define (extensions_custom.conf and what it includes);
    None stands for the files that come with Smart Redirect.
    """
    known = shipped_targets(dialect) if known_targets is None else known_targets
    found = Findings()
    _names(dialplan, known, found)
    _jumps(dialplan, found)
    _routines(dialplan, known, (dialect, shape), found)
    _rings(dialplan, found)
    _cycles(dialplan, found)
    return tuple(sorted({*dialplan.findings, *found.all()}))


def _names(dialplan: Dialplan, known: frozenset[str], found: Findings) -> None:
    for name, row in _named(dialplan):
        if not text.is_context(name):
            found.error(Kind.UNSAFE_TEXT, row, f"{name!r} cannot be the name of a context")
        elif name == SHARED_STEP or name.startswith(_OWN) or name in known:
            found.error(Kind.DUPLICATE_CONTEXT, row, f"context [{name}] is one of Smart Redirect's own")
    rows = _rows_by_name(dialplan)
    for name in sorted(name for name, count in Counter(_all_names(dialplan)).items() if count > 1):
        row = ", ".join(rows.get(name, [f"context [{name}]"]))
        found.error(Kind.DUPLICATE_CONTEXT, row, f"context [{name}] would be there twice: Asterisk drops the second")
    for name in sorted(_of_the_host(dialplan)):
        found.error(Kind.DUPLICATE_CONTEXT, f"context [{name}]", "the host's own file has it outside the markers")


def _named(dialplan: Dialplan) -> Iterator[tuple[str, str]]:
    for context in dialplan.contexts:
        yield context.name, context.origin
    for line in dialplan.pool.lines:
        yield f"mngr0_{line.id}_1", f"line {line.id!r}"
        yield line.fallback, f"line {line.id!r}"
    for stone in dialplan.tombstones:
        yield stone.name, f"retired context {stone.name!r}"


def _rows_by_name(dialplan: Dialplan) -> dict[str, list[str]]:
    rows: dict[str, list[str]] = {}
    for context in dialplan.contexts:
        rows.setdefault(context.name, []).append(context.origin)
    return rows


def _all_names(dialplan: Dialplan) -> Iterator[str]:
    """Names of the pool on one line stand for all lines; a line that is there twice is found by itself."""
    for context in dialplan.contexts:
        yield context.name
    for chain in dialplan.chains:
        yield from chain.names()
    for route in dialplan.pool.routes:
        yield f"mngr{route.internal_id}_*_1"
    for line in dialplan.pool.lines:
        yield f"mngr*_{line.id}_1"
    for stone in dialplan.tombstones:
        yield stone.name


def _of_the_host(dialplan: Dialplan) -> set[str]:
    own = {name for name in dialplan.elsewhere if name.startswith(("mngr", SHARED_STEP))}
    return own & {SHARED_STEP, *dialplan.names()} if own else set()


def _jumps(dialplan: Dialplan, found: Findings) -> None:
    there = {context.name for context in dialplan.contexts} | dialplan.elsewhere
    for chain in dialplan.chains:
        there |= set(chain.names())
    for reference in references(dialplan):
        if reference.context not in there:
            found.error(
                Kind.MISSING_CONTEXT, reference.row, f"sends calls to [{reference.context}], which is not there"
            )


def _routines(dialplan: Dialplan, known: frozenset[str], form: tuple[Dialect, Shape], found: Findings) -> None:
    dialect, shape = form
    needed = {SYNTAX[dialect].context_of(name): name for name in routines(dialplan, shape)}
    if shape is Shape.COMPACT and (dialplan.pool or dialplan.chains):
        needed |= {name: name for name in SHARED_ROUTINES}
    for context, name in sorted(needed.items()):
        if context not in known:
            found.error(Kind.MISSING_ROUTINE, f"routine {name}", f"no file of the host defines [{context}]")


def _rings(dialplan: Dialplan, found: Findings) -> None:
    for row, rings in rings_of(dialplan):
        for at, ring in enumerate(rings, 1):
            if not ring.targets:
                found.error(Kind.NOTHING_TO_RING, f"{row}, ring {at}", "has nothing to ring")
            if not 0 < ring.seconds <= 300:
                found.error(Kind.RING_TIME, f"{row}, ring {at}", f"rings for {ring.seconds} s")
            for target in ring.targets:
                _target(target, f"{row}, ring {at}", found)


def _target(target: Target, row: str, found: Findings) -> None:
    number = target.number if isinstance(target, Desk) else target.digits
    if not (number.isascii() and number.isdecimal()):
        found.error(Kind.UNDIALLABLE, row, f"{number!r} cannot be dialled")
    if not isinstance(target, Desk) and not text.is_context(target.context):
        found.error(Kind.UNSAFE_TEXT, row, f"{target.context!r} cannot be the name of a context")


def _cycles(dialplan: Dialplan, found: Findings) -> None:
    contexts = {context.name: context for context in dialplan.contexts}
    onward = {name: [each for each in jumps(context) if each in contexts] for name, context in contexts.items()}
    for cycle in endless(contexts, onward):
        rows = [contexts[name].origin for name in cycle]
        first = rows.index(min(rows))
        row = " → ".join((*rows[first:], *rows[:first]))
        found.error(Kind.ENDLESS_CYCLE, row, "calls that nobody takes go round for ever")
