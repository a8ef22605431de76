"""The Smart Redirection pool: every enabled line × every extension, each ending in the line's fallback."""

from collections.abc import Mapping
from dataclasses import dataclass

from smart_redirect.domain.dialplan.directory import Directory
from smart_redirect.domain.dialplan.findings import Findings, Kind
from smart_redirect.domain.dialplan.model import Extension
from smart_redirect.domain.dialplan.plan import Pool, PooledLine, Route
from smart_redirect.domain.dialplan.steps import Desk, Ring

WITHOUT_FOLLOW_ME_S = 30


@dataclass(frozen=True, slots=True)
class Fallbacks:
    """Where calls of a line go without a route, as [from-out-office] has it, in its order."""

    by_line: Mapping[str, str]
    first: str | None

    def of(self, line_id: str) -> str | None:
        """Return the line's own, else the first there is, else nothing."""
        return self.by_line.get(line_id, self.first)


def pool(book: Directory, fallbacks: Fallbacks, by_user: dict[int, tuple[Ring, ...]], found: Findings) -> Pool:
    """Return the pool; it is empty when no line is enabled or can fall back anywhere."""
    lines = []
    for line in book.lines:
        if not line.enabled:
            continue
        fallback = fallbacks.of(line.id)
        if fallback is None:
            found.warn(Kind.NO_FALLBACK, f"line {line.id!r}", "gets no contexts: no line has a scheme to fall back to")
        else:
            lines.append(PooledLine(line.id, fallback))
    if not lines:
        return Pool()
    return Pool(tuple(lines), tuple(_route(each, by_user) for each in book.extensions))


def _route(extension: Extension, by_user: dict[int, tuple[Ring, ...]]) -> Route:
    follow_me = by_user.get(extension.user_id, ()) if extension.user_id is not None else ()
    plain = Ring(extension.number, (Desk(extension.number),), WITHOUT_FOLLOW_ME_S)
    return Route(extension.internal_id, extension.number, follow_me or (plain,))
