"""The rows of docs/routing.md are the tests of the routing rules."""

import re
import sys
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smart_redirect.domain.closure import is_loaded
from smart_redirect.domain.decision import Candidate, Reason, Verdict
from smart_redirect.domain.enterprise import first_context
from smart_redirect.domain.routing import NAME_RULES, SILENT_RULES, Question, decide
from tests.domain.routing_table import PAGE, PHRASES, Row, base, changed, rows, traces

ROWS = list(rows())
TRACES = list(traces())


@pytest.mark.parametrize("row", ROWS, ids=[f"{row.rule}: {'; '.join(row.changes)}" for row in ROWS])
def test_decides_as_the_page_says(row: Row) -> None:
    decision = decide(changed(row.changes))
    assert (decision.name, decision.context, decision.reason) == (row.name, row.context, row.reason)
    assert decision.shadow == any("in shadow" in change for change in row.changes)


def test_the_page_has_a_row_for_every_rule_and_every_reason() -> None:
    assert {rule.__name__ for rule in (*SILENT_RULES, *NAME_RULES)} <= {row.rule for row in ROWS}
    assert {row.reason for row in ROWS} == {reason.value for reason in Reason}


def test_the_page_tells_the_rules_in_the_order_of_the_code() -> None:
    names = [rule.__name__ for rule in (*SILENT_RULES, *NAME_RULES)]
    places = [re.search(rf"^\| {name} \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE) for name in names]
    assert all(a is not None and b is not None and a.start() < b.start() for a, b in pairwise(places))


@pytest.mark.parametrize(("changes", "trace"), TRACES, ids=["; ".join(changes) for changes, _ in TRACES])
def test_the_trace_is_as_the_page_says(changes: tuple[str, ...], trace: str) -> None:
    assert "; ".join(map(told, decide(changed(changes)).trace)) == trace


def told(candidate: Candidate) -> str:
    parts = candidate.algorithm, candidate.source, candidate.extension, candidate.verdict
    return " ".join(filter(None, parts)) + (f" ({candidate.name})" if candidate.name else "")


def test_a_call_whose_phone_has_one_owner_does_not_look_for_losers() -> None:
    assert "outranked" not in called(base())
    assert "outranked" in called(changed(("other owner Иванов at 0152",)))


def called(question: Question) -> set[str]:
    names: set[str] = set()
    sys.setprofile(lambda frame, event, _: names.add(frame.f_code.co_name) if event == "call" else None)
    try:
        decide(question)
    finally:
        sys.setprofile(None)
    return names


def test_the_trace_names_every_candidate_that_was_passed_over() -> None:
    question = changed(("manager says 999", "host lacks mngr37_0001363_1", "algorithms crm, last_call, first_call"))
    verdicts = [(each.algorithm, each.source, each.verdict) for each in decide(question).trace]
    assert verdicts == [
        ("crm", "retail", Verdict.UNKNOWN_EXTENSION),
        ("crm", "bitrix", Verdict.NOT_IN_CRM),
        ("last_call", "history", Verdict.NOT_LOADED),
        ("first_call", "history", Verdict.CHOSEN),
    ]


@settings(derandomize=True, max_examples=300)
@given(st.lists(st.sampled_from(sorted(PHRASES)), max_size=6))
def test_is_total_and_answers_loaded_contexts_only(phrases: list[str]) -> None:
    question = changed(tuple(phrases))
    decision = decide(question)
    assert (decision.context is not None) == (decision.reason is Reason.ROUTED)
    if decision.context is not None and question.line is not None:
        routed = {first_context(each.internal_id, question.line.id): each for each in question.enterprise.extensions}
        assert is_loaded(question.enterprise, question.host, routed[decision.context], question.line)


def test_a_number_is_ambiguous_when_two_extensions_differ_by_leading_zeros_only() -> None:
    extensions = base().enterprise.extensions
    enterprise = replace(base().enterprise, extensions=(*extensions, replace(extensions[2], number="152")))
    assert enterprise.extension("152") is enterprise.extensions[-1]
    assert enterprise.extension("00152") is None
