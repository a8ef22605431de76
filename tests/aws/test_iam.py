"""Each function may do what it was seen to do under the emulator, and what Lambda itself does in its name; no more."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.aws.bundle import Bundle
from tests.aws.emulator import Emulator
from tests.aws.test_dialplan import CHANGES, FILES, REGENERATE, RELEASE, SWEEP, given
from tests.aws.test_upkeep import HOOK
from tests.fakes.aws import FakeAws
from tests.functions.test_callevent import GOOD
from tests.infra.expanded import ROOT, of_type
from tests.parity import rest_event

__all__ = ["given"]
# What boto3 is not seen to call, and who needs it then.
POLLER = "Lambda polls the queue in the function's name"
POLLED = dict.fromkeys(("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"), POLLER)
OF_LAMBDA = {
    "RecordEventsFunction": POLLED,
    "DialplanQueueFunction": POLLED,
    "CacheWarmHttpFunction": {
        "secretsmanager:GetSecretValue": "the extension reads the operator's key in the function's name",
    },
    "StoreDecisionsFunction": {"sqs:SendMessage": "Lambda puts there what failed, in the function's name"},
    "DialplanHttpFunction": {
        "s3:ListBucket": "without it S3 answers 403 for a release that is gone, instead of 404",
        "secretsmanager:GetSecretValue": "the extension reads the operator's key in the function's name",
    },
}
OF_ALL = {
    "logs:CreateLogStream": "Lambda writes the function's output",
    "logs:PutLogEvents": "Lambda writes the function's output",
    "secretsmanager:GetSecretValue": "the extension reads secrets in the function's name",
    "xray:PutTraceSegments": "with tracing on; knows no resource",
    "xray:PutTelemetryRecords": "with tracing on; knows no resource",
    **dict.fromkeys(
        (
            "ec2:CreateNetworkInterface",
            "ec2:DeleteNetworkInterface",
            "ec2:DescribeNetworkInterfaces",
            "ec2:DescribeSubnets",
            "ec2:AssignPrivateIpAddresses",
            "ec2:UnassignPrivateIpAddresses",
        ),
        "Lambda joins the VPC; knows no resource",
    ),
}
FUNCTIONS = re.findall(r"^  (\w+Function):$", (ROOT / "template.yaml").read_text(encoding="utf-8"), re.MULTILINE)
EVENTS: dict[str, list[dict[str, Any]]] = {
    "CacheWarmFunction": [{"run": "cache-warm"}],
    "CallEventFunction": [rest_event(GOOD)],
    "MigrateFunction": [HOOK],
    "DialplanQueueFunction": [CHANGES],
    "DialplanSweepFunction": [SWEEP],
    "DialplanHttpFunction": [rest_event(each) for each in (REGENERATE, RELEASE, FILES)],
}


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def statements(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for each in document["Statement"]:
        yield each["Fn::If"][1] if "Fn::If" in each else each


def own_statements(function: str) -> list[dict[str, Any]]:
    role = of_type("AWS::Lambda::Function")[function]["Role"]["Fn::GetAtt"][0]
    policies = of_type("AWS::IAM::Role")[role].get("Policies", [])
    return [each for policy in policies for each in statements(policy["PolicyDocument"])]


def shared_statements() -> list[dict[str, Any]]:
    return list(statements(of_type("AWS::IAM::ManagedPolicy")["RunFunctions"]["PolicyDocument"]))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_may_do_what_it_does(bundle: Bundle, given: dict[str, str], aws: FakeAws, name: str) -> None:
    queue = {"SMART_REDIRECT_QUEUE_URL": f"{aws.url}/1/events.fifo"}
    queue |= {"SMART_REDIRECT_WARM_FUNCTION": "calls:live", "SMART_REDIRECT_WARM_ENVIRONMENTS": "2"}
    if name in EVENTS:
        with Emulator(bundle.function(name), {**given, **queue}) as emulator:
            for event in EVENTS[name]:
                emulator.invoke(event)
    allowed = {action for each in own_statements(name) for action in listed(each["Action"])}
    assert allowed == {action for action, _ in aws.calls} | set(OF_LAMBDA.get(name, {}))


def test_what_all_functions_may_has_a_reason() -> None:
    assert {action for each in shared_statements() for action in listed(each["Action"])} == set(OF_ALL)


def test_a_right_on_everything_is_one_that_knows_no_resource() -> None:
    everything = [each for each in shared_statements() if each["Resource"] == "*"]
    actions = {action for each in everything for action in listed(each["Action"])}
    assert {OF_ALL[action].endswith("knows no resource") for action in actions} == {True}


def test_no_function_may_do_anything_to_everything() -> None:
    for name in of_type("AWS::Lambda::Function"):
        for each in own_statements(name):
            assert "*" not in "".join(listed(each["Action"]))
            assert each["Resource"] != "*"
