"""A decision record is one line of valid JSON, whatever a host sent, and shows no phone unless it may."""

import json
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from smart_redirect.adapters.decision_json import as_line, refusal_line
from smart_redirect.domain.decision import Candidate, Verdict
from smart_redirect.domain.enterprise import Algorithm
from tests.samples import record, refusal


def test_says_what_was_decided_and_why() -> None:
    assert json.loads(as_line(record(), 1795417798.5)) == {
        "at": 1795417798.5,
        "enterprise": "0367",
        "host": 1,
        "call": "1795417798.0",
        "line": "0001363",
        "phone": "+375***2233",
        "mode": "routing+name",
        "shadow": False,
        "name": "Петрова",
        "context": "mngr31_0001363_1",
        "algorithm": "crm",
        "reason": "routed",
        "trace": [
            {
                "algorithm": "crm",
                "source": "RetailCRM",
                "extension": "150",
                "context": "mngr31_0001363_1",
                "verdict": "chosen",
            }
        ],
        "sources": {"facts": "database", "name": "RetailCRM", "settings_version": 7, "settings_age_s": 0.5},
        "ms": {"read": 0.1, "facts": 1.25, "total": 1.5},
    }


def test_names_the_owners_who_were_outranked() -> None:
    loser = Candidate(Algorithm.CRM, Verdict.OUTRANKED, "RetailCRM", name="Иванов")
    line = as_line(record(decision=record().decision._replace(trace=(loser,))), 1.0)
    assert json.loads(line)["trace"] == [
        {"algorithm": "crm", "source": "RetailCRM", "verdict": "outranked", "name": "Иванов"}
    ]


@settings(derandomize=True, max_examples=300)
@given(st.text(max_size=80))
def test_any_text_of_a_host_gives_one_valid_line(text: str) -> None:
    decision = record().decision._replace(
        name=text, trace=(Candidate(Algorithm.CRM, Verdict.NO_RESPONSIBLE, text, text),)
    )
    line = as_line(record(unique_id=text, line_id=text, phone=text, decision=decision), 1.0, full_phones=True)
    assert "\n" not in line
    assert "\x00" not in json.loads(line.encode("utf-8"))["call"]
    assert len(json.loads(line)["line"]) <= 64


def test_a_refusal_has_all_that_the_table_wants() -> None:
    line = json.loads(refusal_line(refusal(left_out=3), 1795417798.5))
    assert line.pop("sources") == {"address": "203.0.113.1", "status": 403, "left_out": 3}
    assert set(line) == set(json.loads(as_line(record(), 1.0))) - {"sources"}
    assert (line["enterprise"], line["host"], line["line"], line["reason"]) == ("0367", 1, "0001363", "AddressRefused")
    assert (line["name"], line["context"], line["trace"], line["ms"]) == ("", None, [], {"total": 1.5})


def test_a_refusal_of_nobody_is_for_the_log_only() -> None:
    line = json.loads(refusal_line(refusal(enterprise=None), 1795417798.5))
    assert set(line) == {"at", "call", "line", "phone", "reason", "sources", "ms"}


def test_a_refusal_shows_a_phone_only_if_it_may() -> None:
    owner = refusal().enterprise
    assert owner is not None
    shown = [refusal_line(refusal(), 1.0), refusal_line(refusal(enterprise=None), 1.0)]
    full = [refusal_line(refusal(enterprise=replace(owner, full_phones=True)), 1.0)]
    full.append(refusal_line(refusal(enterprise=None), 1.0, full_phones=True))
    assert ["80291112233" in line for line in shown + full] == [False, False, True, True]


@settings(derandomize=True, max_examples=300)
@given(st.text(max_size=80))
def test_any_text_of_a_stranger_gives_one_valid_line(text: str) -> None:
    said = refusal(enterprise=None, unique_id=text, line_id=text, phone=text, address=text)
    line = refusal_line(said, 1.0, full_phones=True)
    assert "\n" not in line
    assert max(len(value) for value in json.loads(line.encode("utf-8")).values() if isinstance(value, str)) <= 64
