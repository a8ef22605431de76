"""A scheme is read as the editor stores it; what cannot be read is named by its node."""

from typing import Any

import pytest

from smart_redirect.domain.dialplan.build import build
from smart_redirect.domain.dialplan.fields import FieldInvalid
from smart_redirect.domain.dialplan.findings import Kind
from smart_redirect.domain.dialplan.graph import Graph, Period, Problem, WorkSchedule
from smart_redirect.domain.dialplan.read import read_model
from smart_redirect.domain.dialplan.read_graph import read_graph
from tests.domain.dialplan.settings import Json, dial, edge, findings, node, office, outgoing, scheme

HOURS = {"days": ["пн"], "startTime": "09:00", "endTime": "18:00"}


def graph_of(second: Json, *more: Json) -> Graph:
    edges = [edge("1", "2"), *(edge("2", each["id"], f"output-{n}") for n, each in enumerate(more))]
    return read_graph({"nodes": [node("1", "custom"), second, *more], "edges": edges})


UNREADABLE: dict[str, tuple[Any, Problem]] = {
    "no object": ([], Problem("", "schema_data is not an object")),
    "nodes that are no list": ({"nodes": {}}, Problem("", "nodes is not a list")),
    "no start": ({"nodes": [dial("2", "150")]}, Problem("", "has 0 start nodes instead of one")),
    "two starts": (
        {"nodes": [node("1", "custom"), node("start-outgoing", "outgoing-call")]},
        Problem("", "has 2 start nodes instead of one"),
    ),
    "an unknown type": (
        {"nodes": [node("1", "custom"), node("7", "fax")]},
        Problem("7", "type 'fax' is not known"),
    ),
    "a node twice": (
        {"nodes": [node("1", "custom"), dial("2", "150"), dial("2", "151")]},
        Problem("2", "is there twice"),
    ),
    "an edge to nowhere": (
        {"nodes": [node("1", "custom")], "edges": [edge("1", "9")]},
        Problem("1", "leads to node '9', which is not there or cannot be read"),
    ),
    "an edge without a target": (
        {"nodes": [node("1", "custom")], "edges": [{"source": "1"}]},
        Problem("", "an edge: target is not a text"),
    ),
    "people that are no list": (
        {"nodes": [node("1", "custom"), node("2", "dial", managers="150")]},
        Problem("2", "managers is not a list"),
    ),
    "rings that are no number": (
        {"nodes": [node("1", "custom"), node("2", "dial", waitingRings="many")]},
        Problem("2", "waitingRings is not a whole number"),
    ),
    "an unknown day": (
        {"nodes": [node("1", "custom"), node("2", "workSchedule", periods=[{**HOURS, "days": ["someday"]}])]},
        Problem("2", "day 'someday' is not known"),
    ),
    "a menu that waits for ever": (
        {"nodes": [node("1", "custom"), node("2", "ivr", waitSeconds=0)]},
        Problem("2", "waitSeconds is not from 1 to 60"),
    ),
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_what_cannot_be_read_is_named_by_its_node(name: str) -> None:
    data, problem = UNREADABLE[name]
    assert problem in read_graph(data).problems


UNWRITABLE: dict[str, tuple[Json, list[Json], str]] = {
    "a sound": (node("2", "greeting", greetingFile={"name": "a,b&c"}), [], "sound 'a,b&c' cannot be written"),
    "music": (
        node("2", "dial", managers=[{"phone": "150"}], holdMusic={"type": "file", "name": "x)M(evil"}),
        [],
        "music 'x)M(evil' cannot be written",
    ),
    "a pattern": (
        node("2", "patternCheck", patterns=[{"shablon": "_80${X}"}]),
        [dial("3", "150"), dial("4", "150")],
        "pattern '_80${X}' is not one of",
    ),
    "hours": (
        node("2", "workSchedule", periods=[{**HOURS, "startTime": "25:00"}]),
        [dial("3", "150"), dial("4", "150")],
        "period 1 has no days, or times that are not HH:MM",
    ),
    "too few outputs": (
        node("2", "workSchedule", periods=[HOURS]),
        [dial("3", "150")],
        "has 1 outputs instead of 1 and one for the rest",
    ),
    "two outputs of a greeting": (
        node("2", "greeting", greetingFile={"name": "hello"}),
        [dial("3", "150"), dial("4", "150")],
        "has 2 outputs instead of one",
    ),
    "rings without an end": (node("2", "dial", waitingRings=61), [], "waitingRings 61 is not from 1 to 60"),
}


@pytest.mark.parametrize("name", UNWRITABLE)
def test_what_cannot_be_written_is_named_by_its_node(name: str) -> None:
    second, more, text = UNWRITABLE[name]
    graph = graph_of(second, *more)
    edges = [edge("1", "2"), *(edge("2", each["id"], f"output-{n}") for n, each in enumerate(more))]
    found = findings(office(schemes=[scheme([node("1", "custom"), second, *more], edges), outgoing("0001363")]))
    assert graph.problems == ()
    assert [(each.kind, each.row) for each in found] == [(Kind.SCHEME, f"scheme 'Office', node '2' ({second['type']})")]
    assert found[0].text.startswith(text)


def test_a_line_of_another_enterprise_is_refused_as_a_way_out() -> None:
    (found,) = findings(office(schemes=[office_scheme(), outgoing("gsm_0009999")]))
    assert found.text == "line '0009999' is not a line of this enterprise that can be written"


def office_scheme() -> Json:
    return scheme([node("1", "custom"), dial("2", "150")], [edge("1", "2")])


def test_outputs_go_by_their_handles_as_people_count() -> None:
    periods = [HOURS] * 11
    others = [dial(str(10 + n), "150") for n in range(12)]
    graph = graph_of(node("2", "workSchedule", periods=periods), *others[::-1])
    assert [each.handle for each in graph.nodes["2"].outputs] == [f"output-{n}" for n in range(12)]


def test_days_are_read_in_both_languages() -> None:
    graph = graph_of(node("2", "workSchedule", periods=[{**HOURS, "days": ["Mon", "вс", "пн"]}]))
    assert graph.nodes["2"].content == WorkSchedule((Period((0, 6), "09:00", "18:00"),))


def test_nodes_that_do_nothing_are_passed() -> None:
    nodes = [node("1", "custom"), node("2", "greeting"), node("3", "ivr", isSingleOutput=True), dial("4", "150")]
    passed = scheme(nodes, [edge("1", "2"), edge("2", "3"), edge("3", "4")])
    names = [each.origin for each in build(office(schemes=[passed])).contexts]
    assert names[2:] == ["scheme 'Office', node '4' (dial)"]


def test_nodes_that_pass_to_each_other_lead_nowhere() -> None:
    nodes = [node("1", "custom"), node("2", "greeting"), node("3", "greeting")]
    found = findings(office(schemes=[scheme(nodes, [edge("1", "2"), edge("2", "3"), edge("3", "2")])]))
    assert {each.kind for each in found} == {Kind.NO_SCHEME, Kind.NO_FALLBACK}


@pytest.mark.parametrize("key", ["#", "key-#"])
def test_the_key_that_ends_reading_cannot_be_asked_for(key: str) -> None:
    menu = scheme([node("1", "custom"), node("2", "ivr"), dial("3", "150")], [edge("1", "2"), edge("2", "3", key)])
    (found,) = findings(office(schemes=[menu, outgoing("0001363")]))
    assert found.text == "asks for the key #, which ends the reading of keys"


@pytest.mark.parametrize(
    ("document", "text"),
    [
        ([], "the document is not an object"),
        ({}, "number is not a text"),
        ({"number": "0367", "lines": [1]}, r"lines\[0\] is not an object"),
        ({"number": "0367", "extensions": [{"internal_id": "x", "number": "150"}]}, "internal_id is not a whole number"),
        ({"number": "0367", "schemes": [{"type": "sideways"}]}, "neither incoming nor outgoing"),
        ({"number": "0367", "recording": "yes"}, "recording is not true or false"),
    ],
)  # fmt: skip
def test_a_document_of_another_form_is_refused(document: object, text: str) -> None:
    with pytest.raises(FieldInvalid, match=text):
        read_model(document)
