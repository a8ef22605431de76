"""The stored form of an outline: plain JSON, read back with checks."""

from collections.abc import Iterable

from smart_redirect.domain.dialplan import fields
from smart_redirect.domain.dialplan.fields import FieldInvalid, Row
from smart_redirect.domain.dialplan.outline import ContextOutline, Outline
from smart_redirect.domain.dialplan.plan import NumberChain, Pool, PooledLine, Route, Shelter
from smart_redirect.domain.dialplan.steps import Desk, Outside, Ring, Target

VERSION = 1


def to_json(given: Outline) -> dict[str, object]:
    """Return what json.dumps takes."""
    return {
        "version": VERSION,
        "whole": given.whole,
        "lines": [{"id": line.id, "fallback": line.fallback} for line in given.pool.lines],
        "routes": [
            {"internal_id": route.internal_id, "extension": route.extension, "rings": _rings(route.rings)}
            for route in given.pool.routes
        ],
        "chains": [
            {"user_id": chain.user_id, "number": chain.number, "rings": _rings(chain.rings)} for chain in given.chains
        ],
        "contexts": [
            {
                "name": context.name,
                "origin": context.origin,
                "priorities": context.priorities,
                "shelter": str(context.shelter),
                "digest": context.digest,
            }
            for context in given.contexts
        ],
    }


def _rings(rings: Iterable[Ring]) -> list[dict[str, object]]:
    return [
        {"local": ring.local, "targets": [_target(target) for target in ring.targets], "seconds": ring.seconds}
        for ring in rings
    ]


def _target(target: Target) -> dict[str, str]:
    if isinstance(target, Desk):
        return {"number": target.number}
    return {"digits": target.digits, "context": target.context}


def from_json(document: object) -> Outline:
    """Return the outline that `to_json` wrote; raises FieldInvalid for anything else."""
    given = fields.row(document, "the outline")
    if fields.number(given, "version") != VERSION:
        raise FieldInvalid(f"version {given['version']} of an outline is not known")
    lines = tuple(
        PooledLine(fields.text(each, "id"), fields.text(each, "fallback")) for each in fields.rows(given, "lines")
    )
    return Outline(
        whole=fields.flag(given, "whole"),
        pool=Pool(lines, tuple(_read_route(each) for each in fields.rows(given, "routes"))),
        chains=tuple(_read_chain(each) for each in fields.rows(given, "chains")),
        contexts=tuple(_read_context(each) for each in fields.rows(given, "contexts")),
    )


def _read_route(given: Row) -> Route:
    return Route(fields.number(given, "internal_id"), fields.text(given, "extension"), _read_rings(given))


def _read_chain(given: Row) -> NumberChain:
    return NumberChain(fields.number(given, "user_id"), fields.text(given, "number"), _read_rings(given))


def _read_rings(given: Row) -> tuple[Ring, ...]:
    return tuple(
        Ring(
            fields.text(each, "local"),
            tuple(_read_target(target) for target in fields.rows(each, "targets")),
            fields.number(each, "seconds"),
        )
        for each in fields.rows(given, "rings")
    )


def _read_target(given: Row) -> Target:
    if "number" in given:
        return Desk(fields.text(given, "number"))
    return Outside(fields.text(given, "digits"), fields.text(given, "context"))


def _read_context(given: Row) -> ContextOutline:
    shelter = fields.text(given, "shelter")
    if shelter not in set(Shelter):
        raise FieldInvalid(f"shelter {shelter!r} of a context is not known")
    return ContextOutline(
        name=fields.text(given, "name"),
        origin=fields.text(given, "origin"),
        priorities=fields.number(given, "priorities"),
        shelter=Shelter(shelter),
        digest=fields.text(given, "digest"),
    )
