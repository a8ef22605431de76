"""The function of the dialplan: HTTP answers as the local server's, the queue is worked off in order, the sweep finds the rest."""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import asyncpg
import boto3
import pytest
from moto import mock_aws
from starlette.applications import Starlette

from dialplan_regenerate import app as function
from smart_redirect.bootstrap.dialplan import open_dialplan
from smart_redirect.bootstrap.dialplan_regenerate import HttpHandler, QueueHandler, ScheduleHandler
from smart_redirect.domain.token import token_hash
from smart_redirect.local.demo import load_demo
from smart_redirect.settings import Settings
from tests.conftest import run
from tests.parity import Answered, Sent, ask_lambda, ask_locally, http_event, rest_event
from tests.usecases.office import AGENT_KEY, KEY

AGENT = (("Authorization", f"Bearer {AGENT_KEY}"),)
RELEASE = Sent("/api/dialplan/release", b"", AGENT, "GET")
REQUESTS = {
    "release": RELEASE,
    "no key": replace(RELEASE, headers=()),
    "another key": replace(RELEASE, headers=(("Authorization", "Bearer x"),)),
    "announce": Sent("/api/dialplan/announce", b'{"release":"0123456789abcdef"}', AGENT),
    "a report that is none": Sent("/api/dialplan/report", b"{}", AGENT),
    "regenerate for strangers": Sent("/api/dialplan/0367/regenerate", b"", (("X-Forwarded-For", "203.0.113.9"),)),
}
BUCKET = "releases"


async def sql(url: str, *statements: str) -> Any:
    connection = await asyncpg.connect(url)
    try:
        for statement in statements[:-1]:
            await connection.execute(statement)
        return await connection.fetchval(statements[-1])
    finally:
        await connection.close()


async def prepare(url: str) -> None:
    connection = await asyncpg.connect(url)
    await load_demo(connection, KEY, 1)
    query = "INSERT INTO agent_keys (key_hash, key_id, enterprise_id, host_id) VALUES ($1, 1, 1, 1)"
    await connection.execute(query, token_hash(KEY, AGENT_KEY))
    await connection.close()


@pytest.fixture
def url(monkeypatch: pytest.MonkeyPatch, database_url: str) -> Iterator[str]:
    """The demo enterprise, with releases in S3 and a FIFO queue, as the functions find them on Lambda."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        boto3.client("s3").create_bucket(Bucket=BUCKET)
        queue = boto3.client("sqs").create_queue(QueueName="dialplan.fifo", Attributes={"FifoQueue": "true"})
        monkeypatch.setenv("DATABASE_URL", database_url)
        monkeypatch.setenv("SMART_REDIRECT_KEY", KEY.decode())
        monkeypatch.setenv("SMART_REDIRECT_RELEASES_BUCKET", BUCKET)
        monkeypatch.setenv("SMART_REDIRECT_DIALPLAN_QUEUE_URL", queue["QueueUrl"])
        run(prepare(database_url))
        yield database_url


@pytest.fixture
def http(url: str) -> Iterator[HttpHandler]:
    handler = HttpHandler()
    yield handler
    handler.close()


@pytest.fixture
def queue(url: str) -> Iterator[QueueHandler]:
    handler = QueueHandler()
    yield handler
    handler.close()


@pytest.fixture
def schedule(url: str) -> Iterator[ScheduleHandler]:
    handler = ScheduleHandler()
    yield handler
    handler.close()


class Context:
    """What Lambda tells of the time that is left, milliseconds."""

    def __init__(self, left: int) -> None:
        self._left = left

    def get_remaining_time_in_millis(self) -> int:
        return self._left


def ask_local_server(url: str, sent: Sent) -> Answered:
    async def ask() -> Answered:
        async with open_dialplan(Settings(database_url=url, key=KEY.decode(), releases_bucket=BUCKET)) as parts:
            return await ask_locally(Starlette(routes=parts.endpoints.routes()), sent)

    return asyncio.run(ask())


def message(enterprise: int, number: int = 1) -> dict[str, str]:
    return {"messageId": f"m{number}", "body": json.dumps({"enterprise_id": enterprise, "change": number})}


@pytest.mark.parametrize("name", REQUESTS)
def test_rest_http_and_local_answer_the_same(url: str, http: HttpHandler, schedule: ScheduleHandler, name: str) -> None:
    schedule({}, Context(60_000))
    sent = REQUESTS[name]
    local = ask_local_server(url, sent)
    assert ask_lambda(http, rest_event(sent)) == local
    assert ask_lambda(http, http_event(sent)) == local


def test_a_message_is_a_release_in_s3(url: str, queue: QueueHandler, http: HttpHandler) -> None:
    assert queue({"Records": [message(1)]}, None) == {"batchItemFailures": []}
    answered = ask_lambda(http, rest_event(RELEASE))
    assert (answered.status, b"[sr-release-" in answered.body) == (200, True)
    assert boto3.client("s3").list_objects_v2(Bucket=BUCKET)["KeyCount"] == 1
    assert run(sql(url, "SELECT count(*) FROM dialplan_outbox")) == 0


def test_a_message_for_an_enterprise_that_is_gone_is_done(queue: QueueHandler) -> None:
    assert queue({"Records": [message(9)]}, None) == {"batchItemFailures": []}


def test_what_somebody_else_is_building_comes_again_and_all_behind_it(url: str, queue: QueueHandler) -> None:
    run(sql(url, "INSERT INTO dialplan_leases VALUES (1, 'x', 1, 'infinity')", "SELECT 1"))
    kept = queue({"Records": [message(9, 1), message(1, 2), message(9, 3)]}, None)["batchItemFailures"]
    assert kept == [{"itemIdentifier": "m2"}, {"itemIdentifier": "m3"}]


def test_the_sweep_builds_what_nobody_told_of(url: str, schedule: ScheduleHandler) -> None:
    assert schedule({}, Context(60_000)) == {"built": 1}
    assert schedule({}, Context(60_000)) == {"built": 0}


def test_the_sweep_leaves_to_the_next_one_what_it_has_no_time_for(url: str, schedule: ScheduleHandler) -> None:
    assert schedule({}, Context(5_000)) == {"built": 0}
    assert run(sql(url, "SELECT count(*) > 0 FROM dialplan_outbox"))


def test_a_sweep_that_is_asked_for_something_else_says_so(schedule: ScheduleHandler) -> None:
    assert schedule({"run": "dialplan-sweep"}, Context(5_000)) == {"built": 0}
    with pytest.raises(ValueError, match="'maintain'"):
        schedule({"run": "maintain"}, Context(60_000))


def test_files_of_a_host_ask_for_a_build_by_message(url: str, http: HttpHandler) -> None:
    body = json.dumps({"files": [{"name": "extensions.conf", "text": "[a]\n"}]}).encode()
    sent = Sent("/api/dialplan/host-files", body, AGENT, "PUT")
    assert [ask_lambda(http, rest_event(sent)).status for _ in range(2)] == [204, 204]
    client = boto3.client("sqs")
    queue_url = client.get_queue_url(QueueName="dialplan.fifo")["QueueUrl"]
    (received,) = client.receive_message(QueueUrl=queue_url, MaxNumberOfMessages=10)["Messages"]
    assert json.loads(received["Body"])["enterprise_id"] == 1


def test_importing_the_function_opens_nothing() -> None:
    assert isinstance(function.http_handler.handler, HttpHandler)
    assert isinstance(function.queue_handler.handler, QueueHandler)
    assert isinstance(function.schedule_handler.handler, ScheduleHandler)
