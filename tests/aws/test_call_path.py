"""The call path's function, built, under Lambda's runtime client: the same bytes as the local server."""

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from smart_redirect.domain.reply import NOTHING
from smart_redirect.local.application import CALL_PATH
from smart_redirect.local.demo import DEMO_QUESTION, DEMO_TOKEN
from smart_redirect.local.wiring import open_application
from smart_redirect.settings import Settings
from tests.aws.bundle import Bundle
from tests.aws.conftest import KEY
from tests.aws.emulator import Emulator
from tests.fakes.secrets_extension import FakeExtension
from tests.parity import Answered, Sent, ask_lambda, ask_locally, http_event, rest_event

KNOWN = '{"Name":"Петрова Ольга | Салон на Немиге","DialPlan":"mngr31_0001363_1"}'.encode()
GOOD = Sent(CALL_PATH, DEMO_QUESTION.encode(), (("Token", DEMO_TOKEN),))
REQUESTS = [
    GOOD,
    replace(GOOD, headers=(("Authorization", "Basic eDpkZW1vLXRva2VuLTAzNjc="),)),
    replace(GOOD, headers=()),
    replace(GOOD, headers=(("Token", "nobody"),)),
    replace(GOOD, body=DEMO_QUESTION.replace("80291112233", "Иван").encode("cp1251")),
    replace(GOOD, body=DEMO_QUESTION.replace("8029", 'a"b').encode()),
    replace(GOOD, body=b"x" * 20_000),
    replace(GOOD, body=b""),
    replace(GOOD, method="GET", body=b""),
]


def asked(emulator: Emulator, event: dict[str, object]) -> Answered:
    return ask_lambda(lambda event, _: emulator.invoke(event), event)


async def all_locally(settings: Settings) -> list[Answered]:
    async with open_application(settings) as application:
        return [await ask_locally(application, each) for each in REQUESTS]


def test_every_request_gets_the_bytes_of_the_local_server(call_path: Emulator, demo_url: str, tmp_path: Path) -> None:
    settings = Settings(database_url=demo_url, key=KEY, log_dir=str(tmp_path), budget_ms=3000)
    local = asyncio.run(all_locally(settings))
    assert [asked(call_path, rest_event(each)) for each in REQUESTS] == local
    assert [asked(call_path, http_event(each)) for each in REQUESTS] == local
    assert local[0].body == KNOWN


@pytest.mark.parametrize("kind", ["rest", "http"])
def test_the_events_of_api_gateway_are_answered(call_path: Emulator, kind: str) -> None:
    event = json.loads(Path(f"tests/events/getcustomerdata_{kind}.json").read_text(encoding="utf-8"))
    assert asked(call_path, event) == Answered(200, KNOWN)


def test_a_decision_is_written_to_the_log_as_one_line_of_json(call_path: Emulator) -> None:
    asked(call_path, rest_event(GOOD))
    [line] = [line for line in call_path.output().splitlines() if line.startswith('{"at"')]
    record = json.loads(line)
    assert (record["enterprise"], record["context"]) == ("0367", "mngr31_0001363_1")
    assert "1112233" not in line


def lines(emulator: Emulator, member: str) -> list[dict[str, Any]]:
    written = [json.loads(line) for line in emulator.output().splitlines() if line.startswith("{")]
    return [line for line in written if member in line]


def test_each_call_is_a_metric_whose_values_and_dimensions_are_in_the_line(call_path: Emulator) -> None:
    asked(call_path, rest_event(GOOD))
    asked(call_path, rest_event(replace(GOOD, headers=())))
    for names in (["CallMilliseconds"], ["Refused", "RefusedMilliseconds"]):
        [line] = lines(call_path, names[0])
        [metric] = line["_aws"]["CloudWatchMetrics"]
        assert (metric["Namespace"], [each["Name"] for each in metric["Metrics"]]) == ("SmartRedirect", names)
        assert [type(line[name]) for name in names] == [float] if len(names) == 1 else [int, float]
        assert {dimension for group in metric["Dimensions"] for dimension in group} <= set(line)


def test_what_goes_wrong_is_logged_as_json_with_the_request_s_id(
    bundle: Bundle, extension: FakeExtension, variables: dict[str, str]
) -> None:
    extension.is_initialising = True
    given = {**variables, "AWS_LAMBDA_LOG_FORMAT": "JSON", "AWS_LAMBDA_LOG_LEVEL": "WARN"}
    with Emulator(bundle.function("GetCustomerDataFunction"), given) as emulator:
        asked(emulator, rest_event(GOOD))
        assert [each for each in lines(emulator, "errorType") if each["requestId"] and each["level"] == "ERROR"]


def test_secrets_that_cannot_be_read_are_nothing_until_they_can(call_path: Emulator, extension: FakeExtension) -> None:
    extension.is_initialising = True
    assert asked(call_path, rest_event(GOOD)) == Answered(503, NOTHING)
    extension.is_initialising = False
    assert asked(call_path, rest_event(GOOD)) == Answered(200, KNOWN)
