"""What the call path prints on Lambda: a line a call, refusals too, each a metric, and what the subscription stores of it."""

import base64
import gzip
import io
import json
from typing import Any

import pytest

from smart_redirect.adapters.stdout_log import StdoutLog
from smart_redirect.bootstrap.store_decisions import _decisions
from tests.samples import record, refusal


@pytest.fixture
def printed() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def log(printed: io.StringIO) -> StdoutLog:
    return StdoutLog(printed, function="calls")


def lines(printed: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in printed.getvalue().splitlines()]


def metrics(line: dict[str, Any]) -> dict[str, object]:
    """Return the values of the metrics that a line defines; their dimensions must be in it."""
    (metric,) = line["_aws"]["CloudWatchMetrics"]
    assert (metric["Namespace"], metric["Dimensions"], line["function"]) == ("SmartRedirect", [["function"]], "calls")
    return {each["Name"]: line[each["Name"]] for each in metric["Metrics"]}


def test_a_decision_is_a_line_with_its_time(log: StdoutLog, printed: io.StringIO) -> None:
    log.write(record())
    (line,) = lines(printed)
    assert (line["reason"], metrics(line)) == ("routed", {"CallMilliseconds": 1.5})


def test_a_refusal_is_a_line_and_those_left_out_before_it_count(log: StdoutLog, printed: io.StringIO) -> None:
    log.refused(refusal(left_out=None))
    log.refused(refusal(left_out=1))
    (line,) = lines(printed)
    assert (line["reason"], line["sources"]["address"]) == ("AddressRefused", "203.0.113.1")
    assert metrics(line) == {"Refused": 2, "RefusedMilliseconds": 1.5}


def test_the_time_of_a_failure_of_ours_is_a_calls(log: StdoutLog, printed: io.StringIO) -> None:
    log.refused(refusal(reason="DatabaseUnavailable", status=503, total_ms=205.0, enterprise=None))
    assert [metrics(line) for line in lines(printed)] == [{"Refused": 1, "CallMilliseconds": 205.0}]


def test_an_event_that_is_not_taken_is_a_line(log: StdoutLog, printed: io.StringIO) -> None:
    log.refused_event("BodyMalformed")
    assert [(line["refused"], metrics(line)) for line in lines(printed)] == [("BodyMalformed", {"Refused": 1})]


def test_what_names_no_enterprise_is_not_delivered_to_the_table(log: StdoutLog, printed: io.StringIO) -> None:
    log.write(record())
    log.refused(refusal())
    log.refused(refusal(enterprise=None))
    log.refused_event("BodyMalformed")
    events = [{"message": line} for line in printed.getvalue().splitlines()]
    packed = base64.b64encode(gzip.compress(json.dumps({"logEvents": events}).encode())).decode()
    assert [json.loads(each)["reason"] for each in _decisions(packed)] == ["routed", "AddressRefused"]
