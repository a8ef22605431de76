"""Parity: the Lambda handler and the local server give the same status and bytes for the same request."""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import asyncpg
import pytest

from getcustomerdata import app as function
from smart_redirect.bootstrap.getcustomerdata import CallPathHandler
from smart_redirect.domain.reply import NOTHING
from smart_redirect.local.application import CALL_PATH
from smart_redirect.local.demo import DEMO_QUESTION, DEMO_TOKEN, load_demo
from smart_redirect.local.wiring import open_application
from smart_redirect.settings import Settings
from tests.parity import Answered, Sent, ask_lambda, ask_locally, http_event, rest_event

KEY = "k" * 32
TOKEN = ("Token", DEMO_TOKEN)
KNOWN = '{"Name":"Петрова Ольга | Салон на Немиге","DialPlan":"mngr31_0001363_1"}'.encode()
GOOD = Sent(CALL_PATH, DEMO_QUESTION.encode(), (TOKEN,))

REQUESTS = {
    "known caller": GOOD,
    "token as Basic password": replace(GOOD, headers=(("Authorization", "Basic eDpkZW1vLXRva2VuLTAzNjc="),)),
    "token in the body": replace(GOOD, body=f'{{"Token":"{DEMO_TOKEN}",{DEMO_QUESTION[1:]}'.encode(), headers=()),
    "no token": replace(GOOD, headers=()),
    "unknown token": replace(GOOD, headers=(("Token", "nobody"),)),
    "broken JSON": replace(GOOD, body=DEMO_QUESTION.replace("8029", 'a"b').encode()),
    "cp1251": replace(GOOD, body=DEMO_QUESTION.replace("80291112233", "Иван").encode("cp1251")),
    "empty": replace(GOOD, body=b""),
    "too large": replace(GOOD, body=b"x" * 20_000),
    "GET": replace(GOOD, method="GET", body=b""),
}


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    async def load() -> None:
        connection = await asyncpg.connect(database_url)
        await load_demo(connection, KEY.encode(), 1)
        await connection.close()

    asyncio.run(load())
    return Settings(database_url=database_url, key=KEY, log_dir=str(tmp_path), budget_ms=3000)


@pytest.fixture
def handler(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[CallPathHandler]:
    monkeypatch.setenv("DATABASE_URL", settings.database_url)
    monkeypatch.setenv("SMART_REDIRECT_KEY", KEY)
    monkeypatch.setenv("SMART_REDIRECT_BUDGET_MS", "3000")
    handler = CallPathHandler()
    yield handler
    handler.runtime.close()


def ask_application(settings: Settings, sent: Sent) -> Answered:
    async def ask() -> Answered:
        async with open_application(settings) as application:
            return await ask_locally(application, sent)

    return asyncio.run(ask())


@pytest.mark.parametrize("name", REQUESTS)
def test_rest_http_and_local_answer_the_same(settings: Settings, handler: CallPathHandler, name: str) -> None:
    sent = REQUESTS[name]
    local = ask_application(settings, sent)
    assert ask_lambda(handler, rest_event(sent)) == local
    assert ask_lambda(handler, http_event(sent)) == local
    assert local.status == 200 or local.body == NOTHING


def test_the_function_exports_the_handler() -> None:
    assert isinstance(function.handler, CallPathHandler)


@pytest.mark.parametrize("kind", ["rest", "http"])
def test_answers_the_events_of_api_gateway(handler: CallPathHandler, kind: str) -> None:
    event = json.loads(Path(f"tests/events/getcustomerdata_{kind}.json").read_text())
    assert ask_lambda(handler, event) == Answered(200, KNOWN)


def test_another_method_than_post_is_nothing(handler: CallPathHandler) -> None:
    for method in ("GET", "PUT", "HEAD", "OPTIONS"):
        assert ask_lambda(handler, rest_event(replace(GOOD, method=method))) == Answered(405, NOTHING)


def test_a_hundred_events_use_one_connection(settings: Settings, handler: CallPathHandler) -> None:
    for _ in range(100):
        assert ask_lambda(handler, rest_event(GOOD)).body == KNOWN

    async def count() -> int:
        connection = await asyncpg.connect(settings.database_url)
        query = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        found = await connection.fetchval(query)
        await connection.close()
        return int(found)

    assert asyncio.run(count()) == 1


@dataclass
class Context:
    """What Lambda tells of an event."""

    aws_request_id: str


def test_records_and_refusals_name_their_requests(handler: CallPathHandler, capsys: pytest.CaptureFixture[str]) -> None:
    for number, sent in ((1, GOOD), (2, replace(GOOD, headers=()))):
        event = rest_event(sent)
        event["requestContext"]["requestId"] = f"gateway-{number}"
        handler(event, Context(f'lambda-"{number}'))
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(line["request"], line["gateway_request"]) for line in lines] == [
        ('lambda-"1', "gateway-1"),
        ('lambda-"2', "gateway-2"),
    ]


def test_a_function_that_cannot_be_opened_answers_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMART_REDIRECT_KEY", "too short")
    handler = CallPathHandler()
    assert ask_lambda(handler, rest_event(GOOD)) == Answered(500, NOTHING)
    handler.runtime.close()
