"""Schemes of a platform: the graph as it is stored, and lines that refer to a scheme by name or by id."""

import json

import pytest

from smart_redirect.domain.platform.move import Move, Order, Ours, Theirs
from smart_redirect.domain.platform.report import Report
from smart_redirect.domain.platform.schemes import Schemes

SOURCE = ("gsm_lines", 7)


def schemes_of(*rows: tuple[str, str, str], ours: Ours | None = None, data: object = '{"nodes": []}') -> Schemes:
    tables = {
        "dial_schemas": [
            {"schema_id": schema_id, "schema_name": name, "schema_type": kind, "schema_data": data}
            for schema_id, name, kind in rows
        ]
    }
    order = Order(number="0367", key=b"k" * 32, key_id=1, now=0.0)
    return Schemes(Move(Theirs(tables), ours or Ours(), order, Report()))


@pytest.mark.parametrize("reference", ["Через GSM", "c-out"])
def test_a_line_refers_to_a_scheme_by_name_or_by_id(reference):
    assert schemes_of(("c-out", "Через GSM", "outgoing")).by_name(SOURCE, "outgoing", reference) == "c-out"


@pytest.mark.parametrize("reference", ["Через GSM", "c-out", "нет такой"])
def test_a_scheme_of_the_other_kind_is_none(reference):
    assert schemes_of(("c-out", "Через GSM", "outgoing")).by_name(SOURCE, "incoming", reference) is None


def test_a_graph_stays_as_it_is_unknown_nodes_and_fields_included():
    graph = {
        "nodes": [{"id": "2", "type": "new-kind", "position": {"x": 0.1, "y": -3e2}, "data": {"managers": [None]}}],
        "edges": [{"id": "e2-1", "source": "2", "target": "1", "sourceHandle": "1"}, {"id": "e2-3"}],
        "viewport": {"x": 0, "y": 0, "zoom": 1.25},
    }
    rows = schemes_of(("a", "А", "incoming"), data=json.dumps(graph)).rows
    assert rows == ({"schema_id": "a", "name": "А", "type": "incoming", "data": graph},)


def test_a_name_that_is_taken_gets_the_id_and_one_that_is_taken_with_it_is_left_out():
    rows = schemes_of(("a", "А", "incoming"), ("b", "А (c)", "incoming"), ("c", "А", "incoming")).rows
    assert [(row["schema_id"], row["name"]) for row in rows] == [("a", "А"), ("b", "А (c)")]
