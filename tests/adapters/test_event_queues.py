"""The contract of every event queue: what was put, and answered for, can be taken out again."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace

import boto3
import pytest
from moto import mock_aws

from smart_redirect.adapters.sqs import SqsEventQueue
from smart_redirect.domain.event import ReceivedEvent
from smart_redirect.errors import QueueUnavailable
from smart_redirect.local.spool import Spool
from smart_redirect.usecases.ports_events import EventQueue
from tests.fakes.pbx import START, dial, hangup, start

REGION = "eu-central-1"


@dataclass
class Queue:
    """A queue, how to take everything out of it, and how to make it fail."""

    queue: EventQueue
    take: Callable[[], Awaitable[list[str]]]
    fail: Callable[[], Awaitable[None]]


@pytest.fixture
def sqs(monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    with mock_aws():
        yield boto3.client("sqs")


def received(sqs, url: str) -> list[dict]:
    found: list[dict] = []
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, AttributeNames=["All"]).get("Messages"):
        found += messages
        for each in messages:
            sqs.delete_message(QueueUrl=url, ReceiptHandle=each["ReceiptHandle"])
    return found


@pytest.fixture
def fifo_url(sqs) -> str:
    return sqs.create_queue(QueueName="events.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]


@pytest.fixture(params=["spool", "sqs", "sqs fifo"])
async def queue(request, tmp_path, sqs, fifo_url) -> AsyncIterator[Queue]:
    if request.param == "spool":
        spool = Spool(tmp_path / "spool" / "events.sqlite")
        await spool.start()

        async def take() -> list[str]:
            return [message for _, message in await spool.claim(100)]

        yield Queue(spool, take, spool.stop)
        await spool.stop()
        return
    url = fifo_url if "fifo" in request.param else sqs.create_queue(QueueName="events")["QueueUrl"]

    async def take_sqs() -> list[str]:
        return [each["Body"] for each in received(sqs, url)]

    async def fail() -> None:
        sqs.delete_queue(QueueUrl=url)

    yield Queue(SqsEventQueue(url), take_sqs, fail)


async def test_what_was_put_is_taken_out(queue):
    told = [start(), dial("150"), hangup("150@1")]
    for each in told:
        await queue.queue.put(each)
    assert sorted(await queue.take()) == sorted(each.message() for each in told)


async def test_events_put_at_once_are_all_there(queue):
    told = [start(call=f"{START}.{number}") for number in range(30)]
    await asyncio.gather(*(queue.queue.put(each) for each in told))
    assert {ReceivedEvent.of_message(each) for each in await queue.take()} == set(told)


async def test_a_queue_that_is_away_is_told(queue):
    await queue.fail()
    with pytest.raises(QueueUnavailable):
        await queue.queue.put(start())


async def test_a_fifo_queue_keeps_a_call_together_and_repetitions_out(sqs, fifo_url):
    queue = SqsEventQueue(fifo_url)
    again = replace(start(), received_at=START + 99)
    for each in (start(), dial("150"), again, start(call="1.2"), start(token="other")):
        await queue.put(each)
    groups = [each["Attributes"]["MessageGroupId"] for each in received(sqs, fifo_url)]
    assert (len(groups), len(set(groups))) == (4, 3)
