"""A stack beside others, its domains, what it refuses to be made of, and what stays when it goes."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.infra.conditions import broken_rules, chosen, present
from tests.infra.expanded import PYTHON, expanded, named, of_type

pytestmark = pytest.mark.skipif(not PYTHON.exists(), reason="needs .venv-aws: make validate")

ARN = "arn:aws:lambda:eu-west-1:123456789012:layer:AWS-Parameters-and-Secrets-Lambda-Extension-Arm64:12"
CREATED = {"VpcId": "vpc-1", "SubnetIds": "subnet-1,subnet-2", "SecretsExtensionLayerArn": ARN}
TWO_DOMAINS = {"CallDomainName": "calls.example", "ApiDomainName": "api.example", "CertificateArn": "arn:aws:acm:1"}
ONE_DOMAIN = {**TWO_DOMAINS, "ApiDomainName": "calls.example", "CallBasePath": "calls", "ApiBasePath": "api"}
DOMAIN = "AWS::ApiGateway::DomainName"
NAMES = {"FunctionName", "QueueName", "LogGroupName", "DashboardName", "Name"}
# Published versions are kept by SAM, and go with their function all the same.
GOES_ANYWAY = {"AWS::Lambda::Version"}


def references(value: Any) -> Iterator[str]:
    """Yield the logical names in a value."""
    if isinstance(value, list):
        yield from (found for each in value for found in references(each))
    elif isinstance(value, dict):
        for key, each in value.items():
            if key == "Fn::Sub":
                yield from re.findall(r"\$\{(\w+)", each if isinstance(each, str) else each[0])
            elif key in {"Ref", "Fn::GetAtt"}:
                yield each if isinstance(each, str) else each[0]
            else:
                yield from references(each)


def test_two_stacks_of_an_account_have_different_names_for_everything() -> None:
    kinds = {"AWS::Lambda::Function", "AWS::SQS::Queue", "AWS::Logs::LogGroup", "AWS::Scheduler::Schedule"}
    kinds |= {"AWS::CloudWatch::Dashboard", "AWS::ApiGateway::RestApi"}
    given = [
        (logical, named(each[name]))
        for kind in kinds
        for logical, each in of_type(kind).items()
        for name in {*each} & NAMES
    ]
    assert len(given) > 30
    assert [each for each in given if "AWS::StackName" not in each[1]] == []


def test_whatever_a_kept_resource_names_is_kept_too() -> None:
    resources = expanded()["Resources"]
    kept = {name for name, each in resources.items() if each.get("DeletionPolicy") == "Retain"}
    assert {"GatewayLogsAccess", "KeySecret", "OperatorSecret", "DatabaseCredentials", "Releases"} <= kept
    for name in kept:
        if resources[name]["Type"] not in GOES_ANYWAY:
            assert {each for each in references(resources[name]["Properties"]) if each in resources} <= kept, name


def test_what_is_enough_is_taken() -> None:
    own = {"DatabaseUrl": "postgresql://h/d", "DatabaseSecretArn": "arn:aws:secret", "SecretsExtensionLayerArn": ARN}
    for parameters in (CREATED, own, {**own, **TWO_DOMAINS}, {**CREATED, **ONE_DOMAIN}):
        assert broken_rules(parameters) == set()


@pytest.mark.parametrize(
    ("missing", "rule"),
    [
        ({"VpcId": ""}, "ANewDatabaseNeedsANetwork"),
        ({"SubnetIds": ""}, "ANewDatabaseNeedsANetwork"),
        ({"DatabaseUrl": "postgresql://h/d"}, "AnOwnDatabaseNeedsItsSecret"),
        ({"SecretsExtensionLayerArn": "arn:aws:lambda:::awslayer:AmazonLinux1803"}, "SecretsAreReadByTheExtension"),
        ({"CallDomainName": "calls.example"}, "ADomainNeedsACertificate"),
        ({"ApiDomainName": "api.example"}, "ADomainNeedsACertificate"),
        ({**ONE_DOMAIN, "ApiBasePath": "calls"}, "OneDomainNeedsTwoPaths"),
    ],
)
def test_what_is_not_enough_is_refused_before_anything_is_made(missing: dict[str, str], rule: str) -> None:
    assert broken_rules({**CREATED, **missing}) == {rule}


@pytest.mark.parametrize(
    ("parameters", "domains", "of_the_second"),
    [
        ({}, set(), None),
        (TWO_DOMAINS, {"CallDomain", "ApiDomain"}, "ApiDomain"),
        (ONE_DOMAIN, {"CallDomain"}, "CallDomain"),
    ],
)
def test_a_domain_is_made_once_and_has_a_path_for_each_api(
    parameters: dict[str, str], domains: set[str], of_the_second: str | None
) -> None:
    assert present(DOMAIN, parameters) == domains
    assert len(present("AWS::ApiGateway::BasePathMapping", parameters)) == (2 if domains else 0)
    mapping = of_type("AWS::ApiGateway::BasePathMapping")["ApiDomainPath"]["DomainName"]
    assert of_the_second in (None, named(chosen(mapping, parameters)))


def test_a_domain_s_target_and_zone_are_outputs() -> None:
    values = {json.dumps(each["Value"]) for each in expanded()["Outputs"].values()}
    for domain in of_type(DOMAIN):
        for attribute in ("RegionalDomainName", "RegionalHostedZoneId"):
            assert json.dumps({"Fn::GetAtt": [domain, attribute]}) in values


def test_addresses_that_may_call_do_not_shut_out_webhooks() -> None:
    asked = {
        name: re.findall(r"Has\w*AllowedAddresses", json.dumps(each["Body"]["x-amazon-apigateway-policy"]))
        for name, each in of_type("AWS::ApiGateway::RestApi").items()
    }
    assert asked == {"CallApi": ["HasAllowedAddresses"], "Api": ["HasApiAllowedAddresses"]}
    conditions = expanded()["Conditions"]
    assert set(references(conditions["HasApiAllowedAddresses"])) == {"ApiAllowedAddresses"}


def test_no_trace_holds_the_address_of_a_webhook() -> None:
    assert of_type("AWS::ApiGateway::Stage")["ApiliveStage"]["TracingEnabled"] is False


def test_metrics_of_single_methods_are_not_paid_for() -> None:
    settings = [each for stage in of_type("AWS::ApiGateway::Stage").values() for each in stage["MethodSettings"]]
    assert {each["MetricsEnabled"] for each in settings} == {False}


def test_a_queue_is_filled_where_it_is_worked_off() -> None:
    polled = {
        named(each["FunctionName"]).removesuffix("Aliaslive"): named(each["EventSourceArn"])
        for each in of_type("AWS::Lambda::EventSourceMapping").values()
    }
    functions = of_type("AWS::Lambda::Function")

    def filled(function: str, variable: str) -> str:
        return named(functions[function]["Environment"]["Variables"][variable])

    assert filled("CallEventFunction", "SMART_REDIRECT_QUEUE_URL") == polled["RecordEventsFunction"]
    assert filled("DialplanHttpFunction", "SMART_REDIRECT_DIALPLAN_QUEUE_URL") == polled["DialplanQueueFunction"]


def test_the_extension_s_cache_is_younger_than_the_pause_between_two_reads() -> None:
    for each in of_type("AWS::Lambda::Function").values():
        assert 0 < int(each["Environment"]["Variables"]["SECRETS_MANAGER_TTL"]) < 60


def test_a_database_made_of_a_snapshot_keeps_its_own_user_password_and_encryption() -> None:
    database = of_type("AWS::RDS::DBCluster")["Database"]
    restored = {"DatabaseSnapshot": "snapshot-1"}
    assert chosen(database["SnapshotIdentifier"], restored) == {"Ref": "DatabaseSnapshot"}
    for name in ("MasterUsername", "MasterUserPassword", "StorageEncrypted"):
        assert chosen(database[name], restored) == {"Ref": "AWS::NoValue"} != chosen(database[name], {})
    assert chosen(database["SnapshotIdentifier"], {}) == {"Ref": "AWS::NoValue"}
