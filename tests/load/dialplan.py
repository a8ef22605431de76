"""How fast the generator is, and what memory it takes: contexts a second of processor time at four sizes, both shapes."""

import hashlib
import json
import time
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import TypeVar

from smart_redirect.domain.dialplan.build import build
from smart_redirect.domain.dialplan.dialects import Dialect, Shape
from smart_redirect.domain.dialplan.findings import errors
from smart_redirect.domain.dialplan.model import Extension, FollowMeStep, Line, Model, Scheme, User
from smart_redirect.domain.dialplan.outline import Outline, outline
from smart_redirect.domain.dialplan.outline_json import to_json
from smart_redirect.domain.dialplan.plan import Dialplan
from smart_redirect.domain.dialplan.read import read_model
from smart_redirect.domain.dialplan.render import pieces, render
from smart_redirect.domain.dialplan.tombstones import retire
from smart_redirect.domain.dialplan.validate import validate
from tests.load.size import Size

# Lines × extensions; every second extension has a follow-me of two steps: 1.5 contexts on each line.
SIZES = {1_000: (10, 67), 10_000: (20, 334), 100_000: (50, 1_334), 500_000: (100, 3_334)}
AT = datetime(2026, 11, 23, tzinfo=UTC)
Result = TypeVar("Result")


def run(size: Size = Size.WHOLE) -> None:
    """Print a row for each size and shape, and what a release costs that retires a whole pool."""
    print(
        "| contexts | shape | MB | build + validate ms | render ms | contexts/s | MB/s | peak MB, text | peak, pieces |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    for contexts, (lines, extensions) in list(SIZES.items())[: size.of(4, 2, 1)]:
        for shape in Shape:
            print(_row(model_of(lines, extensions), shape, 3 if contexts > 100_000 else 9), flush=True)
    _retiring(model_of(*SIZES[size.of(100_000, 10_000, 1_000)]))


def model_of(lines: int, extensions: int) -> Model:
    """Return an enterprise whose lines are all enabled and share one scheme."""
    return Model(
        number="0367",
        lines=tuple(Line(f"{363 + n:07}", True, "in") for n in range(lines)),
        extensions=tuple(Extension(n, str(10_000 + n), n, None) for n in range(extensions)),
        users=tuple(_user(n) for n in range(extensions)),
        schemes=(_scheme(),),
    )


def _user(n: int) -> User:
    numbers = (str(10_000 + n), str(10_000 + n - n % 2))
    steps = (FollowMeStep(1, 3, numbers[:1]), FollowMeStep(2, 4, numbers))
    return User(n, None, n % 2 == 1, steps)


def _scheme() -> Scheme:
    nodes = [{"id": "1", "type": "custom"}, {"id": "2", "type": "dial", "data": {"managers": [{"phone": "10000"}]}}]
    data = {"nodes": nodes, "edges": [{"source": "1", "target": "2"}]}
    document = {"number": "0", "schemes": [{"id": "in", "name": "In", "type": "incoming", "data": data}]}
    return read_model(document).schemes[0]


def _row(model: Model, shape: Shape, turns: int) -> str:
    made, build_s = _best(lambda: _valid(model), turns)
    text, render_s = _best(lambda: render(made, Dialect.ASTERISK_16, shape), turns)
    size, count = len(text.encode()) / 1e6, len(made.pool)
    whole = build_s + render_s
    peaks = [_peak(lambda: render(made, Dialect.ASTERISK_16, shape)), _peak(lambda: _consume(made, shape))]
    return (
        f"| {count:,} | {shape} | {size:.1f} | {build_s * 1e3:.1f} | {render_s * 1e3:.1f} | {count / whole:,.0f} "
        f"| {size / whole:,.0f} | {peaks[0]:.1f} ({peaks[0] / size:.1f}×) | {peaks[1]:.1f} |"
    )


def _valid(model: Model) -> Dialplan:
    made = build(model)
    if found := errors(validate(made, Dialect.ASTERISK_16)):
        raise RuntimeError(f"the bench's model is wrong: {found[0]}")
    return made


def _consume(made: Dialplan, shape: Shape) -> str:
    """As a writer to a file does: nothing is kept but the hash."""
    digest = hashlib.sha256()
    for piece in pieces(made, Dialect.ASTERISK_16, shape):
        digest.update(piece.encode())
    return digest.hexdigest()


def _best(work: Callable[[], Result], turns: int) -> tuple[Result, float]:
    """Return the result and the least processor time in seconds: other programs on the machine only add to it."""
    least = float("inf")
    for _ in range(turns):
        began = time.process_time()
        result = work()
        least = min(least, time.process_time() - began)
    return result, least


def _peak(work: Callable[[], object]) -> float:
    """Return the most that was allocated at one moment, in MB."""
    tracemalloc.start()
    work()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 1e6


def _retiring(model: Model) -> None:
    before, off = (
        outline(build(model)),
        replace(model, lines=tuple(replace(line, enabled=False) for line in model.lines)),
    )
    rows, retire_s = _best(lambda: retire(before, outline(build(off)), AT), 3)
    text, build_s = _best(lambda: render(build(off, rows), Dialect.ASTERISK_16, Shape.COMPACT), 3)
    shown = f"{retire_s * 1e3:,.0f} ms, and the next release with their tombstones {build_s * 1e3:,.0f} ms"
    print(f"\nAll {len(rows):,} contexts retired at once: rows in {shown} ({len(text) / 1e6:.1f} MB).")
    print(f"Outline of {len(before.pool):,} contexts: {_outline_kb(before):,.0f} kB of JSON.")


def _outline_kb(given: Outline) -> float:
    return len(json.dumps(to_json(given), separators=(",", ":"))) / 1e3
