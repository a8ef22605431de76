"""Each function may do what it was seen to do under the emulator, and what Lambda itself does in its name; no more."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.aws.bundle import Bundle
from tests.aws.conftest import KEY
from tests.aws.emulator import Emulator
from tests.aws.test_cache_warm import POLICY, RUN
from tests.aws.test_call_path import GOOD as CALL
from tests.aws.test_dialplan import CHANGES, FILES, OPERATOR_KEY, REGENERATE, RELEASE, SWEEP, given
from tests.aws.test_upkeep import HOOK, MAINTAIN, WATCH, delivery
from tests.fakes.aws import FakeAws
from tests.fakes.secrets_extension import FakeExtension
from tests.functions.test_callevent import GOOD
from tests.infra.expanded import ROOT, named, of_type
from tests.parity import rest_event

__all__ = ["given"]
Pair = tuple[str, str]  # an action and what it may be done to, by its logical name
RELEASES = "Releases/releases/*"
DEPLOYMENTS = "arn:AWS::Partition:codedeploy:AWS::Region:AWS::AccountId:deploymentgroup:*"
# What boto3 is not seen to call, and who needs it then.
POLLER = "Lambda polls the queue in the function's name"
POLLS = "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"
OF_LAMBDA: dict[str, dict[Pair, str]] = {
    "RecordEventsFunction": {(action, "EventsQueue"): POLLER for action in POLLS},
    "DialplanQueueFunction": {(action, "DialplanQueue"): POLLER for action in POLLS},
    "StoreDecisionsFunction": {
        ("sqs:SendMessage", "DecisionsNotStored"): "Lambda puts there what failed, in the function's name"
    },
    "DialplanHttpFunction": {
        ("s3:ListBucket", "Releases"): "without it S3 answers 403 for a release that is gone, instead of 404"
    },
}
OF_ALL = {
    "logs:CreateLogStream": "Lambda writes the function's output",
    "logs:PutLogEvents": "Lambda writes the function's output",
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
RECORD = json.dumps({"at": "soon", "enterprise": "0367", "trace": []})
EVENTS: dict[str, list[dict[str, Any]]] = {
    "GetCustomerDataFunction": [rest_event(CALL)],
    "CacheWarmFunction": [RUN],
    "CacheWarmHttpFunction": [rest_event(POLICY)],
    "CallEventFunction": [rest_event(GOOD)],
    "RecordEventsFunction": [json.loads(Path("tests/events/callevent_sqs.json").read_text(encoding="utf-8"))],
    "MigrateFunction": [HOOK],
    "StoreDecisionsFunction": [delivery(RECORD)],
    "UpkeepFunction": [WATCH, MAINTAIN],
    "DialplanQueueFunction": [CHANGES],
    "DialplanSweepFunction": [SWEEP],
    "DialplanHttpFunction": [rest_event(each) for each in (REGENERATE, RELEASE, FILES)],
}


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def statements(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for each in document["Statement"]:
        yield each["Fn::If"][1] if "Fn::If" in each else each


def role_of(function: str) -> dict[str, Any]:
    role: dict[str, Any] = of_type("AWS::IAM::Role")[named(of_type("AWS::Lambda::Function")[function]["Role"])]
    return role


def shared_statements(policy: str) -> list[dict[str, Any]]:
    return list(statements(of_type("AWS::IAM::ManagedPolicy")[policy]["PolicyDocument"]))


def own_statements(function: str) -> list[dict[str, Any]]:
    """What its role alone allows, and what the policies allow that not all functions have."""
    role = role_of(function)
    own = [each for policy in role.get("Policies", []) for each in statements(policy["PolicyDocument"])]
    policies = {named(each) for each in role["ManagedPolicyArns"]} - {"RunFunctions"}
    return [*own, *(each for policy in sorted(policies) for each in shared_statements(policy))]


def pairs(given: list[dict[str, Any]]) -> set[Pair]:
    return {
        (action, named(place))
        for each in given
        for action in listed(each["Action"])
        for place in listed(each["Resource"])
    }


def done(aws: FakeAws) -> set[Pair]:
    """What was asked of AWS, and of what."""
    return {(action, _place(action, asked)) for action, asked in aws.calls}


def _place(action: str, asked: dict[str, Any]) -> str:
    service = action.partition(":")[0]
    if service == "sqs":
        return str(asked["QueueUrl"].rpartition("/")[2])
    if service == "s3":
        return RELEASES if asked["path"].startswith("/releases/releases/") else str(asked["path"])
    return str(asked["name"]) if service == "lambda" else DEPLOYMENTS


def as_declared(function: str, aws: FakeAws) -> dict[str, str]:
    """The function's variables, where the template names other resources, with the fakes' places for these."""
    declared = of_type("AWS::Lambda::Function")[function]["Environment"]["Variables"]
    places = {
        name: named(value) for name, value in declared.items() if isinstance(value, dict) and name != "DATABASE_URL"
    }
    queues = {name: f"{aws.url}/1/{place}" for name, place in places.items() if name.endswith("QUEUE_URL")}
    bucket = {name: place.lower() for name, place in places.items() if name.endswith("BUCKET")}
    other = {name: places[name] for name in places if name.endswith(("SECRETS", "WARM_FUNCTION"))}
    return {**queues, **bucket, **other, "SMART_REDIRECT_WARM_ENVIRONMENTS": "2"}


@pytest.fixture
def secrets(extension: FakeExtension, given: dict[str, str]) -> FakeExtension:
    """What a stack has, under its logical names."""
    extension.secrets["DatabaseCredentials"] = extension.secrets["database"]
    extension.put("KeySecret", SMART_REDIRECT_KEY=KEY)
    extension.put("OperatorSecret", SMART_REDIRECT_OPERATOR_KEY=OPERATOR_KEY)
    return extension


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_may_do_what_it_does_and_works_with_that(
    bundle: Bundle, given: dict[str, str], aws: FakeAws, secrets: FakeExtension, name: str
) -> None:
    with Emulator(bundle.function(name), {**given, **as_declared(name, aws)}) as emulator:
        for event in EVENTS[name]:
            answered = emulator.invoke(event)
            assert "errorMessage" not in answered
            assert answered.get("statusCode", 200) < 400
    read = {("secretsmanager:GetSecretValue", each) for each in secrets.asked}
    opened = {("kms:Decrypt", "DatabaseSecretKeyArn")} if "DatabaseCredentials" in secrets.asked else set()
    assert pairs(own_statements(name)) == done(aws) | read | opened | set(OF_LAMBDA.get(name, {}))


def test_what_all_functions_may_has_a_reason() -> None:
    assert {action for action, _ in pairs(shared_statements("RunFunctions"))} == set(OF_ALL)


def test_a_right_on_everything_is_one_that_knows_no_resource() -> None:
    everything = {action for action, place in pairs(shared_statements("RunFunctions")) if place == "*"}
    assert {OF_ALL[action].endswith("knows no resource") for action in everything} == {True}


def test_a_key_of_the_operator_s_own_opens_secrets_and_nothing_else() -> None:
    [opens] = [each for each in shared_statements("ReadDatabaseSecret") if each["Action"] == ["kms:Decrypt"]]
    through = {"kms:ViaService": {"Fn::Sub": "secretsmanager.${AWS::Region}.amazonaws.com"}}
    assert opens["Condition"] == {"StringEquals": through}


def test_no_function_may_do_anything_to_everything() -> None:
    for name in of_type("AWS::Lambda::Function"):
        for each in own_statements(name):
            assert "*" not in "".join(listed(each["Action"]))
            assert each["Resource"] != "*"
