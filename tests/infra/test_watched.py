"""Alarms and the dashboard look at what is really written, under the names that it is written with."""

import io
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from smart_redirect.adapters.postgres.watch import Watched
from smart_redirect.adapters.stdout_log import StdoutLog
from smart_redirect.bootstrap.upkeep import _publish
from tests.infra.expanded import PYTHON, ROOT, expanded, named, of_type
from tests.samples import record, refusal

pytestmark = pytest.mark.skipif(not PYTHON.exists(), reason="needs .venv-aws: make validate")

Metric = tuple[str, str, str, str]  # namespace, name, dimension and its value
CALLS = "AWS::StackName calls"
ALARMED_AT = 250  # milliseconds, of the 300 that a host waits


def alarms() -> dict[str, dict[str, Any]]:
    return of_type("AWS::CloudWatch::Alarm")


def metric_of(alarm: dict[str, Any]) -> Metric:
    if "Metrics" in alarm:
        alarm = alarm["Metrics"][0]["MetricStat"]["Metric"]
    [dimension] = alarm["Dimensions"]
    return alarm["Namespace"], alarm["MetricName"], dimension["Name"], named(dimension["Value"])


def shown() -> Iterator[Metric]:
    """Yield the metrics of the dashboard, with what `.` and `...` stand for."""
    [dashboard] = of_type("AWS::CloudWatch::Dashboard").values()
    text = re.sub(r"\$\{(MirrorMinutes|CallPathBudgetMs)\}", "30", dashboard["DashboardBody"]["Fn::Sub"])
    for widget in json.loads(text)["widgets"]:
        before: list[str] = []
        for given in widget["properties"]["metrics"]:
            words = [each for each in given if isinstance(each, str)]
            if words[0] == "...":
                words = before[: len(before) - len(words) + 1] + words[1:]
            before = [before[place] if each == "." else each for place, each in enumerate(words)]
            namespace, name, dimension, value = (named({"Fn::Sub": each}) for each in before)
            yield namespace, name, dimension, value


def written(capsys: pytest.CaptureFixture[str]) -> set[Metric]:
    """What the functions print, in CloudWatch's embedded format."""
    stream = io.StringIO()
    log = StdoutLog(stream, function="GetCustomerDataFunction")
    log.write(record())
    log.refused(refusal())
    _publish(Watched(1, 1.0, 60.0))
    lines = [*stream.getvalue().splitlines(), *capsys.readouterr().out.splitlines()]
    return {each for line in lines for each in embedded(json.loads(line))}


def embedded(line: dict[str, Any]) -> Iterator[Metric]:
    for block in line["_aws"]["CloudWatchMetrics"]:
        [[dimension]] = block["Dimensions"]
        for metric in block["Metrics"]:
            assert metric["Name"] in line
            yield block["Namespace"], metric["Name"], dimension, line[dimension]


def test_what_is_watched_of_ours_is_what_is_written(capsys: pytest.CaptureFixture[str]) -> None:
    watched = {metric_of(each) for each in alarms().values()}
    ours = {each for each in {*watched, *shown()} if each[0] == "SmartRedirect"}
    assert len(ours) == 5
    assert ours <= written(capsys)


def test_what_is_watched_of_aws_is_a_resource_of_the_stack() -> None:
    kinds = {
        "FunctionName": "AWS::Lambda::Function",
        "QueueName": "AWS::SQS::Queue",
        "ProxyName": "AWS::RDS::DBProxy",
    }
    apis = {named(each["Name"]) for each in of_type("AWS::ApiGateway::RestApi").values()}
    for namespace, _, dimension, value in {*map(metric_of, alarms().values()), *shown()}:
        if namespace.startswith("AWS/"):
            assert value in (apis if dimension == "ApiName" else of_type(kinds[dimension]))


def test_a_slow_call_is_seen_where_nothing_caps_what_is_measured() -> None:
    [slow] = [each for each in alarms().values() if each.get("ExtendedStatistic") == "p99"]
    [definition] = [
        each
        for path in of_type("AWS::ApiGateway::RestApi")["CallApi"]["Body"]["paths"].values()
        for each in path.values()
    ]
    # The gateway measures until it gives up; the function's own figure ends at its budget, below the threshold.
    assert metric_of(slow) == ("AWS/ApiGateway", "Latency", "ApiName", CALLS)
    assert slow["Threshold"] == ALARMED_AT < definition["x-amazon-apigateway-integration"]["timeoutInMillis"]
    assert expanded()["Parameters"]["CallPathBudgetMs"]["Default"] < ALARMED_AT


def test_no_alarm_looks_at_a_figure_that_is_capped_below_its_threshold() -> None:
    budget = expanded()["Parameters"]["CallPathBudgetMs"]["Default"]
    capped = [each for each in alarms().values() if each.get("MetricName") == "CallMilliseconds"]
    assert [each for each in capped if each["Threshold"] >= budget] == []


def test_the_dashboard_shows_what_alarms_watch_of_ours() -> None:
    ours = {metric_of(each) for each in alarms().values() if metric_of(each)[0] == "SmartRedirect"}
    assert ours <= set(shown())


def test_whatever_is_given_up_rings() -> None:
    queues = of_type("AWS::SQS::Queue").values()
    dead = {named(each["RedrivePolicy"]["deadLetterTargetArn"]) for each in queues if "RedrivePolicy" in each}
    for each in of_type("AWS::Lambda::EventInvokeConfig").values():
        if failed := each.get("DestinationConfig", {}).get("OnFailure"):
            dead.add(named(failed["Destination"]))
    visible = ("AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName")
    assert len(dead) == 3
    assert {(*visible, queue) for queue in dead} <= {metric_of(each) for each in alarms().values()}


def test_silence_of_what_measures_rings_too() -> None:
    missing = alarms()["UpkeepIsMissing"]
    assert metric_of(missing) == ("AWS/Lambda", "Invocations", "FunctionName", "UpkeepFunction")
    assert (missing["TreatMissingData"], missing["ComparisonOperator"]) == ("breaching", "LessThanThreshold")


def test_one_failed_run_of_upkeep_rings_because_maintain_has_one_a_day() -> None:
    fails = alarms()["UpkeepFails"]
    assert metric_of(fails) == ("AWS/Lambda", "Errors", "FunctionName", "UpkeepFunction")
    assert (fails["EvaluationPeriods"], fails["Threshold"]) == (1, 0)


def test_every_alarm_says_what_it_means_and_tells_somebody() -> None:
    assert [name for name, each in alarms().items() if not each.get("AlarmDescription")] == []
    assert {json.dumps(each["AlarmActions"]) for each in alarms().values()} == {
        '{"Fn::If": ["HasAlarmTopic", [{"Ref": "AlarmTopicArn"}], {"Ref": "AWS::NoValue"}]}'
    }


def test_a_new_version_goes_back_when_calls_suffer() -> None:
    for group in of_type("AWS::CodeDeploy::DeploymentGroup").values():
        condition, rings, otherwise = group["AlarmConfiguration"]["Fn::If"]
        assert (condition, otherwise) == ("RollsBackOnAlarms", {})
        names = {named(each["Name"]) for each in rings["Alarms"]}
        assert names == {"CallsAreSlow", "CallsFail", "CallsGetGatewayErrors"} <= set(alarms())
        assert "DEPLOYMENT_STOP_ON_ALARM" in group["AutoRollbackConfiguration"]["Events"]


def test_the_page_counts_the_alarms() -> None:
    page = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    assert re.findall(r"(\d+) alarms", page) == [str(len(alarms()))]


def selected(pattern: str, line: str) -> bool:
    """Whether a log subscription takes a line, for patterns that ask only which members there are."""
    asked = pattern.removeprefix("{ ").removesuffix(" }").split(" && ")
    names = [re.fullmatch(r"\$\.(\w+) = \*", each) for each in asked]
    return all(name is not None and name[1] in json.loads(line) for name in names)


def test_the_subscription_takes_what_the_table_has_a_row_for() -> None:
    [subscription] = of_type("AWS::Logs::SubscriptionFilter").values()
    stream = io.StringIO()
    log = StdoutLog(stream, function="calls")
    log.write(record())
    log.refused(refusal())
    log.refused(refusal(enterprise=None, host_id=None))
    log.refused_event("EventMalformed")
    lines = stream.getvalue().splitlines()
    assert [selected(subscription["FilterPattern"], line) for line in lines] == [True, True, False, False]
