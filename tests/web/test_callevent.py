"""The event endpoints over HTTP: 202 for what is readable and durable, a tiny JSON body for everything else too."""

import asyncio
import base64

import httpx
import pytest

from smart_redirect.domain.event import EventKind, ReceivedEvent
from smart_redirect.domain.token import token_hash
from smart_redirect.errors import QueueUnavailable
from smart_redirect.usecases.accept_event import AcceptEvent
from smart_redirect.web.callevent import CallEvents
from tests.fakes.pbx import KEY

GOOD = b'{"Token":"sesame","UniqueId":"1795417798.12","Phone":"80291112233","CallType":"0","Trunk":"0001363"}'


class FakeQueue:
    """Keeps events, or raises what it is told to."""

    def __init__(self) -> None:
        self.events: list[ReceivedEvent] = []
        self.error: Exception | None = None

    async def put(self, event: ReceivedEvent) -> None:
        if self.error is not None:
            raise self.error
        self.events.append(event)


@pytest.fixture
def queue() -> FakeQueue:
    return FakeQueue()


@pytest.fixture
def refusals() -> list[str]:
    return []


@pytest.fixture
def endpoint(queue, refusals) -> CallEvents:
    return CallEvents(EventKind.START, AcceptEvent(queue, KEY), ("127.0.0.0/8",), refusals.append)


@pytest.fixture
async def client(endpoint):
    transport = httpx.ASGITransport(endpoint, client=("127.0.0.1", 5))
    async with httpx.AsyncClient(transport=transport, base_url="http://local") as client:
        yield client


@pytest.mark.parametrize(
    "content_type", ["application/json", "application/x-www-form-urlencoded", "text/html", "nonsense"]
)
async def test_any_content_type_is_accepted(client, queue, content_type):
    answer = await client.post("/", content=GOOD, headers={"Content-Type": content_type})
    assert (answer.status_code, answer.content, answer.headers["content-type"]) == (202, b"{}", "application/json")
    assert [each.unique_id for each in queue.events] == ["1795417798.12"]


@pytest.mark.parametrize("body", [b"", b"[]", b"<html>", b'{"Phone":"1"}', b"\xff\xfe", b'{"UniqueId":""}'])
async def test_what_is_no_event_is_a_bad_request(client, queue, refusals, body):
    answer = await client.post("/", content=body)
    assert (answer.status_code, answer.content, queue.events, refusals) == (400, b"{}", [], ["BodyMalformed"])


async def test_4096_bytes_are_taken_and_one_more_is_not(client, queue):
    filler = GOOD[:-1] + b',"F":"' + b"x" * (4096 - len(GOOD) - 8 + 1) + b'"}'
    statuses = [(await client.post("/", content=body)).status_code for body in (filler, filler + b" ")]
    assert (len(filler), statuses, len(queue.events)) == (4096, [202, 413], 1)


async def test_an_endless_body_is_not_read_to_its_end(endpoint):
    asked = []

    async def receive():
        asked.append(1)
        return {"type": "http.request", "body": b"x" * 1000, "more_body": True}

    sent = []

    async def send(message):
        sent.append(message)

    await endpoint({"type": "http", "method": "POST", "headers": [], "client": None}, receive, send)
    assert (sent[0]["status"], len(asked)) == (413, 5)


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"])
async def test_other_methods_are_refused(client, queue, method):
    answer = await client.request(method, "/", content=GOOD)
    assert (answer.status_code, answer.headers["allow"], queue.events) == (405, "POST", [])


async def test_what_is_not_durable_is_not_accepted(client, queue, refusals):
    queue.error = QueueUnavailable("disk full")
    answer = await client.post("/", content=GOOD)
    assert (answer.status_code, answer.content, refusals) == (503, b"{}", ["QueueUnavailable"])


async def test_even_a_fault_of_ours_is_answered_in_json(client, queue, refusals):
    queue.error = ZeroDivisionError()
    answer = await client.post("/", content=GOOD)
    assert (answer.status_code, answer.content, refusals) == (500, b"{}", ["ZeroDivisionError"])


@pytest.mark.parametrize(
    ("headers", "token"),
    [
        ({}, "sesame"),
        ({"Token": "header"}, "header"),
        ({"Token": ' "header" '}, "header"),
        ({"Authorization": "Basic " + base64.b64encode(b"x:basic").decode()}, "basic"),
        ({"Authorization": "Bearer x"}, "sesame"),
    ],
)
async def test_the_token_is_found_in_header_basic_or_body(client, queue, headers, token):
    await client.post("/", content=GOOD, headers=headers)
    assert queue.events[0].token_hash == token_hash(KEY, token)
    assert token not in queue.events[0].message()


async def test_the_address_is_that_behind_a_trusted_proxy(client, queue):
    await client.post("/", content=GOOD, headers={"X-Forwarded-For": "6.6.6.6, 10.1.0.5"})
    assert queue.events[0].address == "10.1.0.5"


async def test_a_client_that_never_finishes_its_body_times_out(queue):
    endpoint = CallEvents(EventKind.START, AcceptEvent(queue, KEY), seconds=0.05)
    sent = []

    async def receive():
        await asyncio.sleep(60)

    async def send(message):
        sent.append(message)

    await endpoint({"type": "http", "method": "POST", "headers": [], "client": None}, receive, send)
    assert (sent[0]["status"], queue.events) == (408, [])
