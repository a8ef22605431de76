"""The two functions of call events: the queue is filled over HTTP as the local server fills its spool, and emptied."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import asyncpg
import boto3
import pytest
from moto import mock_aws

from callevent import app as function
from smart_redirect.bootstrap.callevent import EventsHandler, QueueHandler
from smart_redirect.domain.event import ReceivedEvent
from smart_redirect.domain.token import token_hash
from smart_redirect.local.call_events import open_events
from smart_redirect.settings import Settings
from tests.fakes.pbx import KEY, Pbx, set_up
from tests.parity import Answered, Sent, ask_lambda, ask_locally, http_event, rest_event

GOOD = Sent("/api/callevent/start", b'{"UniqueId":"1795417798.12","Phone":"80291112233"}', (("Token", "sesame"),))
REQUESTS = {
    "start": GOOD,
    "dial": replace(GOOD, path="/api/callevent/dial"),
    "hangup": replace(GOOD, path="/api/callevent/hangup"),
    "no token": replace(GOOD, headers=()),
    "cp1251": replace(GOOD, body='{"UniqueId":"1.2","Phone":"Иван"}'.encode("cp1251")),
    "a quote in a name": replace(GOOD, body=b'{"UniqueId":"1.2","Phone":"a"b","Trunk":"7"}'),
    "not JSON": replace(GOOD, body=b"<html>"),
    "no UniqueId": replace(GOOD, body=b"{}"),
    "empty": replace(GOOD, body=b""),
    "4 KB": replace(GOOD, body=GOOD.body + b" " * (4096 - len(GOOD.body))),
    "too large": replace(GOOD, body=GOOD.body + b" " * (4097 - len(GOOD.body))),
    "GET": replace(GOOD, method="GET", body=b""),
}


@pytest.fixture
def queue_url(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    with mock_aws():
        attributes = {"FifoQueue": "true"}
        url = boto3.client("sqs").create_queue(QueueName="events.fifo", Attributes=attributes)["QueueUrl"]
        monkeypatch.setenv("SMART_REDIRECT_KEY", KEY.decode())
        monkeypatch.setenv("SMART_REDIRECT_QUEUE_URL", url)
        yield url


@pytest.fixture
def handler(queue_url: str) -> Iterator[EventsHandler]:
    handler = EventsHandler()
    yield handler
    handler.runtime.close()


def queued(url: str) -> list[ReceivedEvent]:
    messages = boto3.client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
    return [ReceivedEvent.of_message(each["Body"]) for each in messages]


def ask_local_server(folder: Path, sent: Sent) -> Answered:
    async def ask() -> Answered:
        settings = Settings(database_url=f"postgresql://x@/x?host={folder}", key=KEY.decode(), data_dir=str(folder))
        async with open_events(settings, print) as events:
            return await ask_locally(events.endpoints[sent.path], sent)

    return asyncio.run(ask())


@pytest.mark.parametrize("name", REQUESTS)
def test_rest_http_and_local_answer_the_same(handler: EventsHandler, tmp_path: Path, name: str) -> None:
    sent = REQUESTS[name]
    local = ask_local_server(tmp_path, sent)
    assert ask_lambda(handler, rest_event(sent)) == local
    assert ask_lambda(handler, http_event(sent)) == local
    assert local.body == b"{}"


def test_what_was_accepted_is_in_the_queue_without_its_token(handler: EventsHandler, queue_url: str) -> None:
    assert ask_lambda(handler, rest_event(GOOD)).status == 202
    (event,) = queued(queue_url)
    assert (event.token_hash, event.address, event.body) == (
        token_hash(KEY, "sesame"),
        "127.0.0.1",
        '{"Phone":"80291112233"}',
    )


def test_a_queue_that_is_gone_is_a_503(handler: EventsHandler, queue_url: str) -> None:
    boto3.client("sqs").delete_queue(QueueUrl=queue_url)
    assert ask_lambda(handler, rest_event(GOOD)) == Answered(503, b"{}")


def test_another_path_is_not_found(handler: EventsHandler) -> None:
    assert ask_lambda(handler, rest_event(replace(GOOD, path="/api/callevent/other"))).status == 404


def test_a_function_that_cannot_be_opened_answers_json(handler: EventsHandler, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMART_REDIRECT_QUEUE_URL", "")
    assert ask_lambda(handler, rest_event(GOOD)) == Answered(500, b"{}")


def test_the_function_exports_its_handlers() -> None:
    assert isinstance(function.handler.handler, EventsHandler)
    assert isinstance(function.queue_handler.handler, QueueHandler)


def test_what_takes_events_starts_without_pydantic() -> None:
    program = "import sys, callevent.app; print([name for name in sys.modules if name.startswith('pydantic')])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# --- the function behind the queue

BATCH = json.loads((Path(__file__).parents[1] / "events" / "callevent_sqs.json").read_text())


@pytest.fixture
def consumer(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[QueueHandler]:
    in_database(database_url, set_up)
    monkeypatch.setenv("DATABASE_URL", database_url)
    consumer = QueueHandler()
    yield consumer
    consumer.close()


def in_database(url: str, work):
    async def run():
        connection = await asyncpg.connect(url)
        try:
            return await work(connection)
        finally:
            await connection.close()

    return asyncio.run(run())


def test_a_batch_is_recorded_and_what_can_never_be_is_buried(consumer: QueueHandler, database_url: str) -> None:
    assert consumer(BATCH, None) == {"batchItemFailures": []}
    assert in_database(database_url, lambda connection: Pbx(None, connection).ends()) == ("150", "150")
    assert in_database(database_url, lambda c: c.fetchval("SELECT count(*) FROM dead_events")) == 2


def test_only_what_failed_is_delivered_again(consumer: QueueHandler, database_url: str) -> None:
    in_database(database_url, lambda c: c.execute("ALTER TABLE calls RENAME TO calls_away"))
    assert consumer(BATCH, None) == {"batchItemFailures": [{"itemIdentifier": BATCH["Records"][0]["messageId"]}]}
    in_database(database_url, lambda c: c.execute("ALTER TABLE calls_away RENAME TO calls"))
    assert consumer({"Records": BATCH["Records"][:1]}, None) == {"batchItemFailures": []}


def test_the_same_batch_twice_is_one(consumer: QueueHandler, database_url: str) -> None:
    consumer(BATCH, None)
    before = in_database(database_url, lambda connection: Pbx(None, connection).everything())
    consumer(BATCH, None)
    assert in_database(database_url, lambda connection: Pbx(None, connection).everything()) == before


def test_connections_that_died_while_frozen_fail_no_message(consumer: QueueHandler, database_url: str) -> None:
    consumer(BATCH, None)
    kill = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    in_database(database_url, lambda c: c.execute(kill))
    assert consumer(BATCH, None) == {"batchItemFailures": []}


def test_without_a_database_every_message_is_delivered_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", f"postgresql://x@/x?host={tmp_path}")
    consumer = QueueHandler()
    assert len(consumer(BATCH, None)["batchItemFailures"]) == 3
    consumer.close()
