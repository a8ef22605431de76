"""Builds the dialplan of an enterprise out of its settings: pure, and the same whatever order the rows come in."""

from collections.abc import Iterable

from smart_redirect.domain.dialplan import office
from smart_redirect.domain.dialplan.directory import Directory, directory
from smart_redirect.domain.dialplan.findings import Findings, Kind
from smart_redirect.domain.dialplan.follow_me import number_chains, rings
from smart_redirect.domain.dialplan.graph import SchemeKind
from smart_redirect.domain.dialplan.host import HostFile
from smart_redirect.domain.dialplan.model import Model, Scheme
from smart_redirect.domain.dialplan.nodes import Writing
from smart_redirect.domain.dialplan.plan import Context, Dialplan
from smart_redirect.domain.dialplan.pool import Fallbacks, pool
from smart_redirect.domain.dialplan.schemes import of_kind, reachable, start_of, unique, usable
from smart_redirect.domain.dialplan.steps import Ring
from smart_redirect.domain.dialplan.text import is_context
from smart_redirect.domain.dialplan.tombstones import Onward, Retired, tombstones


def build(model: Model, retired: Iterable[Retired] = (), host: HostFile | None = None) -> Dialplan:
    """Return the dialplan: of a whole file, or, with a host's own file, of the block between its markers.

    It never raises for what a setting says: `findings` tells what is wrong and what was left out.
    """
    found = Findings()
    book = directory(model, _outgoing(model, host), found)
    if host is None:
        return _whole(book, tuple(retired), found)
    return _block(book, tuple(retired), found, host)


def _outgoing(model: Model, host: HostFile | None) -> dict[str, str]:
    """Return the context of each outgoing scheme; in a host's own file only what it really has counts."""
    schemes = of_kind(model.schemes, SchemeKind.OUTGOING).values()
    starts = {scheme.id: (scheme.context if host else None) or start_of(scheme) for scheme in schemes}
    return {
        scheme: context
        for scheme, context in starts.items()
        if context is not None and is_context(context) and (host is None or context in host.contexts)
    }


def _rings(book: Directory, found: Findings) -> dict[int, tuple[Ring, ...]]:
    return {user.id: rings(user, book, found) for user in book.users}


def _block(book: Directory, retired: tuple[Retired, ...], found: Findings, host: HostFile) -> Dialplan:
    fallbacks = host.fallbacks(tuple(line.id for line in book.lines))
    for context, routine in host.missing:
        found.warn(
            Kind.MISSING_ROUTINE, f"context [{context}]", f"calls [{routine}], which no file of the host defines"
        )
    made = pool(book, fallbacks, _rings(book, found), found)
    stones = tombstones(retired, {*made.names(), *host.contexts} if retired else set(), Onward(fallbacks, False), found)
    return Dialplan(whole=False, pool=made, tombstones=stones, findings=found.all(), elsewhere=host.contexts)


def _whole(book: Directory, retired: tuple[Retired, ...], found: Findings) -> Dialplan:
    fallbacks = _fallbacks(book, found)
    by_user = _rings(book, found)
    made, chains = pool(book, fallbacks, by_user, found), number_chains(by_user, book, found)
    departments = list(office.departments(book, found))
    contexts = [
        office.from_out_office(book, fallbacks, hook=any(line.enabled for line in book.lines)),
        office.dial_execute(book, departments, chains, found),
        *filter(None, [office.outgoing_by_extension(book)]),
        *unique([*_schemes(book, found), *(context for _, context in departments)]),
    ]
    bare = Dialplan(whole=True, contexts=tuple(contexts), chains=chains, pool=made)
    stones = tombstones(retired, set(bare.names()) if retired else set(), Onward(fallbacks, True), found)
    return Dialplan(True, bare.contexts, chains, made, stones, found.all())


def _fallbacks(book: Directory, found: Findings) -> Fallbacks:
    """Return where each line's incoming scheme starts, lines in the order of [from-out-office]."""
    schemes = of_kind(book.model.schemes, SchemeKind.INCOMING)
    by_line: dict[str, str] = {}
    for line in book.lines:
        scheme = schemes.get(line.in_scheme or "")
        context = start_of(scheme) if scheme else None
        if context is not None:
            by_line[line.id] = context
        else:
            found.warn(Kind.NO_SCHEME, f"line {line.id!r}", "has no incoming scheme with a first step")
    return Fallbacks(by_line, next(iter(by_line.values()), None))


def _schemes(book: Directory, found: Findings) -> list[Context]:
    return [
        Writing(scheme, book, found).context(node)
        for scheme in _used(book)
        if usable(scheme, found)
        for node in reachable(scheme)
    ]


def _used(book: Directory) -> list[Scheme]:
    incoming = {line.in_scheme for line in book.lines}
    outgoing = {extension.out_scheme for extension in book.extensions}
    return [
        scheme
        for kind, ids in ((SchemeKind.INCOMING, incoming), (SchemeKind.OUTGOING, outgoing))
        for scheme in of_kind(book.model.schemes, kind).values()
        if scheme.id in ids
    ]
