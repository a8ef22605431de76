"""Enterprises out of Hypothesis: mostly sound settings, among them every kind of text that must not get through."""

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from smart_redirect.domain.dialplan.graph import SchemeKind
from smart_redirect.domain.dialplan.model import Department, Extension, FollowMeStep, Line, Model, Scheme, User
from smart_redirect.domain.dialplan.read_graph import read_graph

HOSTILE = (
    "150\nexten => s,1,System(id)",
    "150)\r\n[evil]",
    "1;--",
    "${SHELL(id)}",
    "150&SIP/999",
    "x,1,Hangup()",
    '"]?evil,s,1:"',
    "\x00\x01",
    "",
    "+375",
    "٣٤٥",
)
numbers = st.sampled_from(("150", "151", "152", "0150", "20", "255", "80172001122", "+375 (29) 111-22-33", "103"))
lines_ids = st.sampled_from(("0001363", "0001364", "3881848", "12_1", "12"))
scheme_ids = st.sampled_from((None, "in-1", "in-1", "in-2", "out-1"))
out_schemes = st.sampled_from((None, "out-1", "out-1", "in-1"))
texts = st.sampled_from(HOSTILE) | st.text(max_size=12)


def mostly(sound: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.sampled_from(range(20)).flatmap(lambda n: texts if n == 19 else sound)


def nodes_of(kind: str) -> st.SearchStrategy[dict[str, object]]:
    people = st.lists(st.fixed_dictionaries({"userId": st.integers(1, 4), "phone": mostly(numbers)}), max_size=3)
    sound = mostly(st.sampled_from(("greeting.wav", "menu", "Добрый день")))
    data = {
        "greeting": st.fixed_dictionaries({"greetingFile": st.fixed_dictionaries({"name": sound})}),
        "dial": st.fixed_dictionaries({"managers": people, "waitingRings": st.integers(1, 9)}),
        "ivr": st.fixed_dictionaries({"greetingFile": st.fixed_dictionaries({"name": sound})}),
        "patternCheck": st.fixed_dictionaries(
            {"patterns": st.lists(st.fixed_dictionaries({"shablon": mostly(st.just("_8029XXXXXXX"))}), max_size=2)}
        ),
        "externalLines": st.fixed_dictionaries(
            {"external_lines": st.lists(st.fixed_dictionaries({"line_id": mostly(lines_ids)}), max_size=2)}
        ),
    }
    return data[kind]


@st.composite
def schemes(draw: st.DrawFn, number: int) -> Scheme:
    """A chain of nodes, with now and then a way back or a second way on."""
    kind = SchemeKind.OUTGOING if number == 2 else SchemeKind.INCOMING
    kinds = st.sampled_from(
        ("greeting", "dial", "ivr", "patternCheck") if kind is SchemeKind.INCOMING else ("externalLines",)
    )
    nodes: list[dict[str, object]] = [{"id": "1", "type": "custom", "data": {}}]
    edges = []
    for at in range(2, draw(st.sampled_from((2, 3, 4, 5, 5)))):
        type_ = draw(kinds)
        nodes.append({"id": str(at), "type": type_, "data": draw(nodes_of(type_))})
        edges.append({"source": str(at - 1), "target": str(at), "sourceHandle": "output-9"})
    if len(nodes) > 2 and draw(st.booleans()):
        edges.append({"source": str(len(nodes)), "target": "2", "sourceHandle": draw(st.sampled_from(("key-1", "0")))})
    name = ("in-1", "in-2", "out-1")[number]
    return Scheme(name, draw(mostly(st.just(name))), kind, read_graph({"nodes": nodes, "edges": edges}))


steps = st.builds(
    FollowMeStep,
    step=st.integers(1, 4),
    rings=st.integers(0, 21),
    numbers=st.lists(mostly(numbers), max_size=3).map(tuple),
)
lines = st.builds(
    Line,
    id=mostly(lines_ids),
    enabled=st.sampled_from((True, True, False)),
    in_scheme=scheme_ids,
    number=mostly(st.sampled_from(("", "+375172001122"))),
    prefix=mostly(st.sampled_from(("", "9"))),
)
extensions = st.builds(
    Extension,
    internal_id=st.integers(1, 40),
    number=mostly(numbers),
    user_id=st.none() | st.integers(1, 4),
    out_scheme=out_schemes,
)
users = st.builds(
    User,
    id=st.integers(1, 4),
    follow_me_number=st.none() | mostly(st.sampled_from(("255", "256", "150"))),
    follow_me_enabled=st.booleans(),
    follow_me_steps=st.lists(steps, max_size=4).map(tuple),
)
departments = st.builds(
    Department,
    id=st.integers(1, 5),
    number=mostly(st.sampled_from(("200", "201", "150"))),
    members=st.lists(st.integers(1, 40), max_size=3).map(tuple),
)


def rows(each: st.SearchStrategy[Any], key: Callable[[Any], object], most: int) -> st.SearchStrategy[tuple[Any, ...]]:
    """Mostly rows that do not stand in each other's way."""
    unique = st.lists(each, min_size=1, max_size=most, unique_by=key).map(tuple)
    return st.sampled_from(range(8)).flatmap(lambda n: st.lists(each, max_size=most).map(tuple) if n == 7 else unique)


models = st.builds(
    Model,
    number=mostly(st.just("0367")),
    time_zone=mostly(st.just("Europe/Minsk")),
    recording=st.booleans(),
    lines=rows(lines, lambda line: line.id, 4),
    extensions=rows(extensions, lambda extension: extension.number, 5),
    users=rows(users, lambda user: user.id, 3),
    schemes=st.tuples(schemes(0), schemes(1), schemes(2)),
    departments=st.lists(departments, max_size=2).map(tuple),
)
