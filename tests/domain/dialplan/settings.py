"""A small enterprise in the stored form, to be changed by a test in one place."""

from copy import deepcopy
from typing import Any

from smart_redirect.domain.dialplan.build import build
from smart_redirect.domain.dialplan.dialects import Dialect
from smart_redirect.domain.dialplan.findings import Finding
from smart_redirect.domain.dialplan.host import HostFile
from smart_redirect.domain.dialplan.model import Model
from smart_redirect.domain.dialplan.plan import Dialplan
from smart_redirect.domain.dialplan.read import read_model
from smart_redirect.domain.dialplan.validate import validate

Json = dict[str, Any]


def node(name: str, kind: str, **data: object) -> Json:
    return {"id": name, "type": kind, "data": data}


def edge(source: str, target: str, handle: str | None = None) -> Json:
    return {"source": source, "target": target, **({"sourceHandle": handle} if handle else {})}


def scheme(nodes: list[Json], edges: list[Json], **fields: object) -> Json:
    return {"id": "in-1", "name": "Office", "type": "incoming", "data": {"nodes": nodes, "edges": edges}, **fields}


def dial(name: str, *phones: str, user: int = 25) -> Json:
    return node(name, "dial", managers=[{"userId": user, "phone": phone} for phone in phones], waitingRings=2)


def outgoing(*lines: str) -> Json:
    trunks = node(
        "2", "externalLines", external_lines=[{"line_id": line, "priority": n} for n, line in enumerate(lines)]
    )
    return scheme([node("1", "outgoing-call"), trunks], [edge("1", "2")], id="out-1", name="Out", type="outgoing")


_OFFICE: Json = {
    "number": "0367",
    "lines": [{"id": "0001363", "enabled": True, "in_scheme": "in-1", "number": "+375172001122"}],
    "extensions": [
        {"internal_id": 31, "number": "150", "user_id": 25, "out_scheme": "out-1"},
        {"internal_id": 32, "number": "152", "user_id": 27},
    ],
    "users": [{"id": 25}, {"id": 27}],
    "schemes": [scheme([node("1", "custom"), dial("2", "150")], [edge("1", "2")]), outgoing("gsm_0001363")],
}


def office(**changed: object) -> Model:
    """The small enterprise with some of its keys replaced."""
    return read_model(deepcopy({**_OFFICE, **changed}))


def office_of(user: Json, **changed: object) -> Model:
    """The small enterprise whose user 25 is this one."""
    return office(users=[{"id": 25, "follow_me_enabled": True, **user}, {"id": 27}], **changed)


def steps(*each: tuple[int, list[str]]) -> Json:
    """Follow-me steps as (rings, numbers)."""
    return {"follow_me_steps": [{"step": n, "rings": r, "numbers": numbers} for n, (r, numbers) in enumerate(each, 1)]}


def findings(model: Model, host: HostFile | None = None) -> tuple[Finding, ...]:
    return validate(build(model, host=host), Dialect.ASTERISK_16)


def of_plan(dialplan: Dialplan, known: frozenset[str] | None = None) -> tuple[Finding, ...]:
    return validate(dialplan, Dialect.ASTERISK_16, known)
