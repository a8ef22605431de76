"""What runs without being asked: schedules that AWS takes, with the events that the handlers are tested with."""

import json
import re
from typing import Any

import pytest

from smart_redirect.adapters import migrations
from tests.infra.expanded import PYTHON, ROOT, expanded, named, of_type

pytestmark = pytest.mark.skipif(not PYTHON.exists(), reason="needs .venv-aws: make validate")

RATE = re.compile(r"rate\((1 (minute|hour|day)|([2-9]|[1-9]\d+) (minutes|hours|days))\)")
DAY_OF_MONTH, DAY_OF_WEEK = 2, 4
EVENTS = {
    "GetCustomerDataFunction": {"warm_up"},
    "CacheWarmFunction": {"cache_warm"},
    "DialplanSweepFunction": {"dialplan_sweep"},
    "UpkeepFunction": {"upkeep_watch", "upkeep_maintain"},
}
NEXT_MINUTE_DOES_IT = (0, 60)
ONCE_A_DAY = (2, 3600)


def schedules() -> dict[str, dict[str, Any]]:
    return of_type("AWS::Scheduler::Schedule")


def function_of(schedule: dict[str, Any]) -> str:
    return named(schedule["Target"]["Arn"]).removesuffix("Aliaslive")


def is_taken(expression: str) -> bool:
    """Whether AWS takes it: of the two days of a cron expression exactly one must be left open with `?`."""
    if not expression.startswith("cron("):
        return bool(RATE.fullmatch(expression))
    words = expression.removeprefix("cron(").removesuffix(")").split(" ")
    return len(words) == 6 and (words[DAY_OF_MONTH] == "?") != (words[DAY_OF_WEEK] == "?")


@pytest.mark.parametrize(
    "expression", ["cron(20 2 * * * *)", "cron(20 2 ? * ? *)", "cron(20 2 * * ?)", "rate(5 minute)"]
)
def test_what_aws_refuses_is_known(expression: str) -> None:
    assert not is_taken(expression)


def test_every_schedule_is_one_that_aws_takes() -> None:
    expressions = [each["ScheduleExpression"] for each in schedules().values()]
    assert len(expressions) == 5
    assert [each for each in expressions if not is_taken(each)] == []


@pytest.mark.parametrize("function", EVENTS)
def test_a_function_gets_the_events_that_it_is_tested_with(function: str) -> None:
    sent = [each["Target"]["Input"] for each in schedules().values() if function_of(each) == function]
    tested = [(ROOT / "tests" / "events" / f"{each}.json").read_text(encoding="utf-8") for each in EVENTS[function]]
    assert sorted(map(json.dumps, map(json.loads, sent))) == sorted(map(json.dumps, map(json.loads, tested)))


def test_no_other_function_has_a_schedule() -> None:
    assert {function_of(each) for each in schedules().values()} == set(EVENTS)


def test_what_lambda_does_with_a_failed_event_of_a_schedule_is_said() -> None:
    configs = {named(each["FunctionName"]): each for each in of_type("AWS::Lambda::EventInvokeConfig").values()}
    found = {
        name: (configs[name]["MaximumRetryAttempts"], configs[name]["MaximumEventAgeInSeconds"]) for name in EVENTS
    }
    assert found == {name: ONCE_A_DAY if name == "UpkeepFunction" else NEXT_MINUTE_DOES_IT for name in EVENTS}
    assert {configs[name]["Qualifier"] for name in EVENTS} == {"live"}


def test_migrations_are_not_tried_again_by_lambda() -> None:
    [config] = [
        each
        for each in of_type("AWS::Lambda::EventInvokeConfig").values()
        if named(each["FunctionName"]) == "MigrateFunction"
    ]
    assert (config["Qualifier"], config["MaximumRetryAttempts"]) == ("$LATEST", 0)


def test_migrations_may_take_longer_than_they_wait_for_another_runner() -> None:
    [minutes] = re.findall(r"'(\d+)min'", (ROOT / migrations.__file__).read_text(encoding="utf-8"))
    assert of_type("AWS::Lambda::Function")["MigrateFunction"]["Timeout"] >= 60 * int(minutes) + 120


def test_every_new_version_waits_for_its_migrations() -> None:
    aliases = {name: each for name, each in expanded()["Resources"].items() if each["Type"] == "AWS::Lambda::Alias"}
    hooks = {
        name: each.get("UpdatePolicy", {}).get("CodeDeployLambdaAliasUpdate", {}).get("BeforeAllowTrafficHook")
        for name, each in aliases.items()
    }
    assert hooks.pop("MigrateFunctionAliaslive") is None
    assert len(hooks) == 10
    assert {json.dumps(hook) for hook in hooks.values()} == {'{"Ref": "MigrateFunction"}'}
