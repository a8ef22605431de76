"""Reads a scheme as the scheme editor stores it, and says which node cannot be read and why."""

import re
from collections.abc import Callable, Iterable

from smart_redirect.domain.dialplan import fields
from smart_redirect.domain.dialplan.fields import FieldInvalid, Row
from smart_redirect.domain.dialplan.graph import (
    Content,
    Dial,
    ExternalLines,
    Graph,
    Greeting,
    Menu,
    Node,
    Output,
    PatternCheck,
    Period,
    Person,
    Problem,
    Start,
    WorkSchedule,
)

DAYS = {name: day for day, name in enumerate(("пн", "вт", "ср", "чт", "пт", "сб", "вс"))}
DAYS |= {name: day for day, name in enumerate(("mon", "tue", "wed", "thu", "fri", "sat", "sun"))}
DEFAULT_RINGS, DEFAULT_WAIT_S = 3, 5
NO_MUSIC = {"none", "ringing"}


def read_graph(data: object) -> Graph:
    """Return the graph of `{"nodes": […], "edges": […]}` with the problems that keep it from being used."""
    problems: list[Problem] = []
    try:
        whole = fields.row(data, "schema_data")
        nodes, edges = fields.rows(whole, "nodes"), fields.rows(whole, "edges")
    except FieldInvalid as invalid:
        return Graph({}, (Problem("", str(invalid)),))
    outputs = _outputs(edges, problems)
    read = [node for node in (_node(each, outputs, problems) for each in nodes) if node]
    problems += _of_the_whole(read, outputs)
    by_id = {node.id: node for node in sorted(read, key=lambda node: _natural(node.id))}
    return Graph(by_id, tuple(sorted(problems, key=lambda problem: (problem.node, problem.text))))


def _of_the_whole(nodes: list[Node], outputs: dict[str, list[Output]]) -> Iterable[Problem]:
    ids = [node.id for node in nodes]
    for twice in sorted({each for each in ids if ids.count(each) > 1}):
        yield Problem(twice, "is there twice")
    for source, leaving in outputs.items():
        for target in sorted({output.target for output in leaving} - set(ids)):
            yield Problem(source, f"leads to node {target!r}, which is not there or cannot be read")
    starts = sum(isinstance(node.content, Start) for node in nodes)
    if starts != 1:
        yield Problem("", f"has {starts} start nodes instead of one")


def _outputs(edges: list[Row], problems: list[Problem]) -> dict[str, list[Output]]:
    leaving: dict[str, list[Output]] = {}
    for edge in edges:
        try:
            output = Output(fields.text(edge, "sourceHandle", ""), fields.text(edge, "target"))
            leaving.setdefault(fields.text(edge, "source"), []).append(output)
        except FieldInvalid as invalid:
            problems.append(Problem("", f"an edge: {invalid}"))
    return leaving


def _node(given: Row, outputs: dict[str, list[Output]], problems: list[Problem]) -> Node | None:
    name = str(given.get("id"))
    try:
        name, kind = fields.text(given, "id"), fields.text(given, "type")
        reader = _READERS.get(kind)
        if reader is None:
            raise FieldInvalid(f"type {kind!r} is not known")  # noqa: TRY301
        content = reader(fields.row(given.get("data", {}), "data"))
    except FieldInvalid as invalid:
        problems.append(Problem(name, str(invalid)))
        return None
    ordered = sorted(set(outputs.get(name, ())), key=lambda output: (_natural(output.handle), _natural(output.target)))
    return Node(name, kind, content, tuple(ordered))


def _natural(handle: str) -> list[tuple[int, int, str]]:
    """Order "output-2" before "output-10"."""
    parts = re.findall(r"[0-9]+|[^0-9]+", handle)
    return [(0, int(part), "") if part[0] in "0123456789" else (1, 0, part) for part in parts]


def _start(_: Row) -> Start:
    return Start()


def _sound(data: Row, key: str = "greetingFile") -> str:
    given = data.get(key)
    return fields.text(fields.row(given, key), "name", "") if given is not None else ""


def _greeting(data: Row) -> Greeting:
    return Greeting(_sound(data))


def _dial(data: Row) -> Dial:
    people = [
        Person(fields.optional_number(each, "userId"), fields.text(each, "phone"))
        for each in fields.rows(data, "managers")
    ]
    return Dial(tuple(people), fields.number(data, "waitingRings", DEFAULT_RINGS), _music(data.get("holdMusic")))


def _music(given: object) -> str:
    if given is None:
        return ""
    music = fields.row(given, "holdMusic")
    return "" if fields.text(music, "type", "") in NO_MUSIC else fields.text(music, "name", "default")


def _work_schedule(data: Row) -> WorkSchedule:
    return WorkSchedule(tuple(_period(each) for each in fields.rows(data, "periods")))


def _period(given: Row) -> Period:
    days = [_day(each) for each in fields.items(given, "days")]
    return Period(tuple(sorted(set(days))), fields.text(given, "startTime"), fields.text(given, "endTime"))


def _day(name: object) -> int:
    day = DAYS.get(name.strip().lower()) if isinstance(name, str) else None
    if day is None:
        raise FieldInvalid(f"day {name!r} is not known")
    return day


def _pattern_check(data: Row) -> PatternCheck:
    return PatternCheck(tuple(fields.text(each, "shablon").strip() for each in fields.rows(data, "patterns")))


def _menu(data: Row) -> Menu:
    wait = fields.number(data, "waitSeconds", DEFAULT_WAIT_S)
    if not 1 <= wait <= 60:
        raise FieldInvalid("waitSeconds is not from 1 to 60")
    return Menu(_sound(data), fields.flag(data, "isSingleOutput"), wait)


def _external_lines(data: Row) -> ExternalLines:
    given = [
        (fields.number(each, "priority", 1), re.sub(r"^(?:gsm|sip)_", "", fields.text(each, "line_id")))
        for each in fields.rows(data, "external_lines")
    ]
    return ExternalLines(tuple(dict.fromkeys(line for _, line in sorted(given))))


_READERS: dict[str, Callable[[Row], Content]] = {
    "custom": _start,
    "outgoing-call": _start,
    "greeting": _greeting,
    "dial": _dial,
    "workSchedule": _work_schedule,
    "patternCheck": _pattern_check,
    "ivr": _menu,
    "externalLines": _external_lines,
}
