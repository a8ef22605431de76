"""template.yaml, expanded as CloudFormation gets it, says what the code and the pages say."""

import importlib
import json
import re
import subprocess
from collections.abc import Iterator
from dataclasses import fields
from typing import Any

import pytest

from smart_redirect.domain.event import EventKind
from smart_redirect.domain.reply import NOTHING
from smart_redirect.local.application import CALL_PATH
from smart_redirect.settings import Settings, variable
from smart_redirect.web.crm import CrmEndpoints
from smart_redirect.web.crm_about import AboutEndpoints
from smart_redirect.web.dialplan import DialplanEndpoints
from tests.infra.expanded import PYTHON, ROOT, expanded, of_type

pytestmark = pytest.mark.skipif(not PYTHON.exists(), reason="needs .venv-aws: make validate")

OF_THE_EXTENSION = {"SECRETS_MANAGER_TTL"}
METHODS = {"get", "post", "put", "delete", "patch", "head", "options"}


def apis() -> dict[str, dict[str, Any]]:
    return {name: properties["Body"] for name, properties in of_type("AWS::ApiGateway::RestApi").items()}


def routes(api: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in apis()[api]["paths"].items():
        for method, definition in methods.items():
            yield method, path, definition


def functions() -> dict[str, dict[str, Any]]:
    return of_type("AWS::Lambda::Function")


def variables(function: str) -> set[str]:
    return set(functions()[function]["Environment"]["Variables"])


def test_the_linter_finds_nothing(tmp_path: Any) -> None:
    path = tmp_path / "expanded.json"
    path.write_text(json.dumps(expanded()))
    done = subprocess.run([PYTHON.with_name("cfn-lint"), path], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("api", ["CallApi", "Api"])
def test_whatever_the_gateway_says_by_itself_is_the_27_byte_nothing(api: str) -> None:
    responses = apis()[api]["x-amazon-apigateway-gateway-responses"]
    assert {"DEFAULT_4XX", "DEFAULT_5XX", "MISSING_AUTHENTICATION_TOKEN"} == set(responses)
    assert {body for each in responses.values() for body in each["responseTemplates"].values()} == {NOTHING.decode()}
    assert {tuple(each["responseTemplates"]) for each in responses.values()} == {("application/json",)}


def test_the_call_path_has_one_route_and_ends_in_time() -> None:
    [(method, path, definition)] = routes("CallApi")
    assert (method, path) == ("post", "/api/callevent/getcustomerdata")
    assert definition["x-amazon-apigateway-integration"]["timeoutInMillis"] <= 900


@pytest.mark.parametrize("api", ["CallApi", "Api"])
def test_bodies_arrive_as_they_were_sent(api: str) -> None:
    assert apis()[api]["x-amazon-apigateway-binary-media-types"] == ["*/*"]


def test_every_method_is_one_of_http() -> None:
    assert {method for api in apis() for method, _, _ in routes(api)} <= METHODS


def test_access_logs_hold_no_path_no_query_and_no_header() -> None:
    formats = [stage["AccessLogSetting"]["Format"] for stage in of_type("AWS::ApiGateway::Stage").values()]
    assert len(formats) == 2
    assert [json.loads(text) for text in formats]
    assert not [text for text in formats if re.search(r"\$context\.(path|customDomain|authorizer)|\$input", text)]


def test_every_stage_is_throttled_and_traces_no_data() -> None:
    for stage in of_type("AWS::ApiGateway::Stage").values():
        [everywhere] = stage["MethodSettings"]
        assert {"ThrottlingRateLimit", "ThrottlingBurstLimit"} <= set(everywhere)
        assert everywhere["DataTraceEnabled"] is False


def test_every_handler_can_be_imported() -> None:
    for properties in functions().values():
        module, _, name = properties["Handler"].rpartition(".")
        assert callable(getattr(importlib.import_module(module), name))


def test_every_variable_is_a_setting() -> None:
    known = {variable(field.name) for field in fields(Settings)} | OF_THE_EXTENSION
    assert {each for name in functions() for each in variables(name)} <= known


def test_the_function_ends_after_the_gateway_has_given_up() -> None:
    timeout = functions()["GetCustomerDataFunction"]["Timeout"]
    assert 1 <= timeout <= 5


def test_a_queue_keeps_a_message_hidden_for_six_times_the_function_s_time() -> None:
    queues = of_type("AWS::SQS::Queue")
    for mapping in of_type("AWS::Lambda::EventSourceMapping").values():
        queue = queues[mapping["EventSourceArn"]["Fn::GetAtt"][0]]
        assert (
            queue["VisibilityTimeout"]
            >= 6 * functions()[mapping["FunctionName"]["Ref"].removesuffix("Aliaslive")]["Timeout"]
        )
        assert "RedrivePolicy" in queue


def test_a_call_path_that_asks_crms_has_all_packages() -> None:
    layers = functions()["GetCustomerDataFunction"]["Layers"]
    [[live, otherwise]] = [each["Fn::If"][1:] for each in layers if "Fn::If" in each]
    assert (live["Ref"].startswith("DepsFullLayer"), otherwise["Ref"].startswith("DepsCallLayer")) == (True, True)


def test_every_route_of_the_code_is_declared_and_the_other_way_round() -> None:
    declared = {(method.upper(), path) for api in apis() for method, path, _ in routes(api)}
    served = {("POST", CALL_PATH)} | {("POST", f"/api/callevent/{kind}") for kind in EventKind}
    endpoints = DialplanEndpoints(*[None] * 5), CrmEndpoints(*[None] * 3), AboutEndpoints(*[None] * 2)  # type: ignore[arg-type]
    for route in (route for each in endpoints for route in each.routes()):
        served |= {(method, route.path) for method in (route.methods or ()) if method != "HEAD"}
    assert declared == served


def test_every_declared_route_is_in_the_pages() -> None:
    pages = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "docs").glob("*.*"))
    assert {path for api in apis() for _, path, _ in routes(api) if path not in pages} == set()


def test_every_setting_of_lambda_is_given_to_some_function() -> None:
    page = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    lambda_only = set(re.findall(r"^\| `([A-Z_]+)` \|[^|]*\| Lambda only", page, re.MULTILINE))
    assert lambda_only
    assert lambda_only <= {each for name in functions() for each in variables(name)}


def test_the_macro_s_settings_are_an_output_ready_to_paste() -> None:
    page = (ROOT / "infra" / "asterisk" / "common" / "smart_redirect_globals.conf").read_text(encoding="utf-8")
    with_domain, without = expanded()["Outputs"]["MacroSettings"]["Value"]["Fn::If"][1:]
    for text in (with_domain["Fn::Sub"][0], without["Fn::Sub"]):
        assert [line.partition("=")[0] for line in text.splitlines()] == ["API_URL", "API"]
        assert text.splitlines()[1] in page
