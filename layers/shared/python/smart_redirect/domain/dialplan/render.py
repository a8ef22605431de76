"""Writes a dialplan for one Asterisk: the same text, to the byte, for the same values."""

import hashlib
from collections.abc import Iterable, Iterator

from smart_redirect.domain.dialplan.applications import BACK_TO_LINE, HANGUP, applications, dial_list, ring
from smart_redirect.domain.dialplan.dialects import SYNTAX, Dialect, Shape, Syntax
from smart_redirect.domain.dialplan.plan import (
    ANY_NUMBER,
    SHARED_STEP,
    Context,
    Dialplan,
    Entry,
    NumberChain,
    Pool,
    PooledLine,
    Shelter,
    Tombstone,
)
from smart_redirect.domain.dialplan.steps import Begin, CallKind, Ring

MARKER = ";******************************Smart Redirection******************************************\n"
RELEASE = "sr-release-"
HEADER = """\
; Written by Smart Redirect out of the settings of the enterprise. What is changed here by hand is lost with the next
; release; extensions_custom.conf is the place for it.
[general]
static=yes
writeprotect=yes
autofallthrough=yes

[globals]
#include smart_redirect_globals.conf

#include extensions_custom.conf

"""
POOL_PRIORITIES = {Shape.CLASSIC: 5, Shape.COMPACT: 2}
# Stand for the line and its fallback in the text of a pool, which is the same for every line but for these two; no
# setting can hold them.
_LINE, _FALLBACK = "\x00", "\x01"


def render(dialplan: Dialplan, dialect: Dialect, shape: Shape) -> str:
    """Return the text of extensions.conf, or of the block from its first marker line to its second.

    It takes what `validate` has passed; with errors in it the text may not load.
    """
    return "".join(pieces(dialplan, dialect, shape))


def pieces(dialplan: Dialplan, dialect: Dialect, shape: Shape) -> Iterator[str]:
    """Yield the text piece by piece; the last context names the release by the hash of all the text before it."""
    digest = hashlib.sha256()
    syntax = SYNTAX[dialect]
    body = _whole(dialplan, syntax, shape) if dialplan.whole else _block(dialplan, syntax, shape)
    for piece in body:
        digest.update(piece.encode())
        yield piece
    yield f"[{RELEASE}{digest.hexdigest()[:16]}]\nexten => s,1,Hangup()\n"
    if not dialplan.whole:
        yield MARKER


def release_name(text: str) -> str:
    """Return the name of a rendered release: what stands in its last context; empty when it has none."""
    _, found, rest = text.rpartition(f"[{RELEASE}")
    return rest.partition("]")[0] if found else ""


def _whole(dialplan: Dialplan, syntax: Syntax, shape: Shape) -> Iterator[str]:
    yield HEADER
    for context in dialplan.contexts:
        yield _context(context, syntax)
    for chain in dialplan.chains:
        yield _number_chain(chain, syntax, shape)
    yield from _shared(dialplan, syntax, shape)
    for stone in dialplan.tombstones:
        yield _tombstone(stone, syntax, shape)
    yield MARKER
    yield from _pool(dialplan.pool, syntax, shape)
    yield MARKER
    yield "\n"


def _block(dialplan: Dialplan, syntax: Syntax, shape: Shape) -> Iterator[str]:
    yield MARKER
    yield from _shared(dialplan, syntax, shape)
    yield from _pool(dialplan.pool, syntax, shape)
    for stone in dialplan.tombstones:
        yield _tombstone(stone, syntax, shape)


# Contexts.


def _context(context: Context, syntax: Syntax) -> str:
    entries = "".join(_entry(entry, syntax) for entry in context.entries)
    return f"[{context.name}]\n{entries}{_end(syntax) if context.end else ''}\n"


def _entry(entry: Entry, syntax: Syntax) -> str:
    lines: list[str] = []
    for at, step in enumerate(entry.steps):
        label = f"({entry.label})" if entry.label and at == entry.labelled else ""
        for application in applications(step, syntax):
            lines.append(f"n{label},{application}")
            label = ""
    return _numbered(entry.pattern, lines)


def _numbered(pattern: str, lines: Iterable[str]) -> str:
    first, *others = lines
    rest = "".join(f" same => {line}\n" for line in others)
    return f"exten => {pattern},1{first.removeprefix('n')}\n{rest}"


def _end(syntax: Syntax) -> str:
    return f"exten => h,1,{syntax.routine('incall_end')}\n"


# Rings: the pool and the chains behind follow-me numbers.


def _step(name: str, rings: Ring, after: str, form: tuple[Syntax, Shape, str]) -> str:
    """Return the context of one ring; `form` has what stands before it besides the dialect and the shape."""
    syntax, shape, begin = form
    if shape is Shape.COMPACT:
        given = f"{rings.local},{dial_list(rings.targets, syntax)},{rings.seconds}"
        lines = [f"Gosub({SHARED_STEP},s,1({given}))"]
    else:
        lines = list(ring(rings, syntax))
    before = [begin] if begin else []
    text = _numbered(ANY_NUMBER, [f"n,{line}" for line in (*before, *lines, after)])
    return f"[{name}]\n{text}{'' if shape is Shape.COMPACT else _end(syntax)}\n"


def _shared(dialplan: Dialplan, syntax: Syntax, shape: Shape) -> Iterator[str]:
    """The ring that every compact context calls. Its `h` is here: that of the calling context does not run.

    It stays with the last tombstone: a call may still ring in it.
    """
    if shape is Shape.CLASSIC or not (dialplan.pool.lines or dialplan.chains or dialplan.tombstones):
        return
    lines = (
        "n,Set(__LOCAL=${ARG1})",
        "n,Set(RING=${ARG2})",
        "n,Gosub(sr_dial,s,1(${RING},${STACK_PEEK(1,c)}))",
        f"n,Dial(${{RING}},${{ARG3}},{syntax.on_answer})",
        "n,Return()",
    )
    yield f"[{SHARED_STEP}]\n{_numbered('s', lines)}{_end(syntax)}\n"


def _number_chain(chain: NumberChain, syntax: Syntax, shape: Shape) -> str:
    """Each context begins the call, which counts once: so that Dial has the same priority in all of them."""
    names = chain.names()
    begin = next(iter(applications(Begin(CallKind.INTERNAL), syntax)))
    after = [*(f"Goto({name},${{EXTEN}},1)" for name in names[1:]), HANGUP]
    steps = zip(names, chain.rings, after, strict=True)
    return "".join(_step(name, rings, then, (syntax, shape, begin)) for name, rings, then in steps)


def _pool(pool: Pool, syntax: Syntax, shape: Shape) -> Iterator[str]:
    """One text for all lines, and each line put in: what makes this fast."""
    template = "".join(_route_contexts(pool, syntax, shape))
    for line in pool.lines if template else ():
        yield _of_line(template, line)


def _of_line(template: str, line: PooledLine) -> str:
    return template.replace(_LINE, line.id).replace(_FALLBACK, line.fallback)


def _route_contexts(pool: Pool, syntax: Syntax, shape: Shape) -> Iterator[str]:
    for route in pool.routes:
        for n, rings in enumerate(route.rings, 1):
            name = f"mngr{route.internal_id}_{_LINE}"
            then = f"{name}_{n + 1}" if n < len(route.rings) else _FALLBACK
            yield _step(f"{name}_{n}", rings, f"Goto({then},${{EXTEN}},1)", (syntax, shape, ""))


def _tombstone(stone: Tombstone, syntax: Syntax, shape: Shape) -> str:
    """Every priority leads on: a call that comes back from Dial finds the next one, whichever it was."""
    onward = {Shelter.FALLBACK: f"Goto({stone.fallback},${{EXTEN}},1)", Shelter.LINE: BACK_TO_LINE}
    line = f"n,{onward.get(stone.shelter, HANGUP)}"
    lines = [line] * (stone.priorities or POOL_PRIORITIES[shape])
    return f"[{stone.name}]\n{_numbered(ANY_NUMBER, lines)}{_end(syntax)}\n"
