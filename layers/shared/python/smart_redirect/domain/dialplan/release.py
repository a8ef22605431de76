"""Makes the release of one host: settings and what the host had before in; text, changes and tombstones out."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from smart_redirect.domain.dialplan.build import build
from smart_redirect.domain.dialplan.dialects import Dialect, Shape
from smart_redirect.domain.dialplan.diff import diff
from smart_redirect.domain.dialplan.findings import DialplanInvalid, Finding, errors
from smart_redirect.domain.dialplan.host import HostFile
from smart_redirect.domain.dialplan.loaded import is_ours, names_hash
from smart_redirect.domain.dialplan.model import Model
from smart_redirect.domain.dialplan.outline import Outline, outline
from smart_redirect.domain.dialplan.plan import Dialplan
from smart_redirect.domain.dialplan.render import release_name, render
from smart_redirect.domain.dialplan.tombstones import Retired, retire
from smart_redirect.domain.dialplan.validate import validate


@dataclass(frozen=True, slots=True)
class Style:
    """How a dialplan is written."""

    dialect: Dialect
    shape: Shape


@dataclass(frozen=True, slots=True)
class Order:
    """What is wanted for a host: its style, what it had before, and its own file when only the block is ours."""

    style: Style
    now: datetime
    retired: tuple[Retired, ...] = ()
    before: Outline | None = None
    own_file: HostFile | None = None


@dataclass(frozen=True, slots=True)
class Release:
    """A text that a host may load. `sha256` is of the whole text as UTF-8; `name` is in its last context."""

    name: str
    sha256: str
    text: str
    contexts: int
    contexts_sha256: str
    outline: Outline
    changes: tuple[str, ...]
    findings: tuple[Finding, ...]

    @property
    def pool(self) -> dict[str, list[int] | list[str]]:
        """The routes that may be answered once it is loaded, as they are stored."""
        return {
            "internal_ids": sorted(route.internal_id for route in self.outline.pool.routes),
            "lines": sorted(line.id for line in self.outline.pool.lines),
        }


@dataclass(frozen=True, slots=True)
class Made:
    """A release, the contexts that it retires, and the names of all the retired contexts that it carries."""

    release: Release
    retired: tuple[Retired, ...]
    kept: tuple[str, ...]


def make_release(model: Model, order: Order) -> Made:
    """Return the release; DialplanInvalid when it has errors and must not be published."""
    plan = build(model, order.retired, order.own_file)
    retired = retire(order.before, outline(plan), order.now) if order.before is not None else ()
    if retired:
        gone = {row.context for row in retired}
        earlier = tuple(row for row in order.retired if row.context not in gone)
        plan = build(model, (*earlier, *retired), order.own_file)
    return Made(_release(plan, order), retired, tuple(stone.name for stone in plan.tombstones))


def _release(plan: Dialplan, order: Order) -> Release:
    known = order.own_file.contexts if order.own_file else None
    findings = validate(plan, order.style.dialect, known, order.style.shape)
    if wrong := errors(findings):
        raise DialplanInvalid(wrong)
    text = render(plan, order.style.dialect, order.style.shape)
    made = outline(plan)
    contexts, contexts_sha256 = names_hash(loaded_names(plan))
    return Release(
        name=release_name(text),
        sha256=hashlib.sha256(text.encode()).hexdigest(),
        text=text,
        contexts=contexts,
        contexts_sha256=contexts_sha256,
        outline=made,
        changes=diff(order.before, made),
        findings=findings,
    )


def loaded_names(plan: Dialplan) -> Iterator[str]:
    """Name the contexts mngr… that a host has when it has loaded this."""
    yield from filter(is_ours, plan.names())
    yield from (stone.name for stone in plan.tombstones if is_ours(stone.name))
