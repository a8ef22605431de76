"""Accepting an event: what is kept of it, and what is refused."""

import pytest

from smart_redirect.domain.event import EventKind, ReceivedEvent
from smart_redirect.domain.token import token_hash
from smart_redirect.errors import BodyMalformed
from smart_redirect.usecases.accept_event import AcceptEvent, PostedEvent
from tests.fakes.pbx import KEY


class ListQueue:
    def __init__(self) -> None:
        self.events: list[ReceivedEvent] = []

    async def put(self, event: ReceivedEvent) -> None:
        self.events.append(event)


async def kept(body: bytes, token: str = "") -> ReceivedEvent:
    queue = ListQueue()
    await AcceptEvent(queue, KEY, now=lambda: 17.12345)(PostedEvent(EventKind.START, body, token, "10.0.0.1"))
    return queue.events[0]


async def test_an_event_is_kept_with_where_and_when_it_came_from():
    event = await kept(b'{"UniqueId":"1.2","Phone":"5"}', "sesame")
    assert event == ReceivedEvent(
        EventKind.START, "1.2", '{"Phone":"5"}', token_hash(KEY, "sesame"), "10.0.0.1", 17.123
    )


@pytest.mark.parametrize("token", ["sesame", " sesame ", '"sesame"', "' sesame'"])
async def test_the_token_is_kept_as_its_hash_only(token):
    event = await kept(b'{"UniqueId":"1.2"}', token)
    assert (event.token_hash, "sesame" in event.message()) == (token_hash(KEY, "sesame"), False)


async def test_the_headers_token_comes_before_the_bodys():
    event = await kept(b'{"Token":"body","UniqueId":"1.2"}', "header")
    assert event.token_hash == token_hash(KEY, "header")


async def test_the_bodys_token_serves_when_the_headers_have_none():
    event = await kept(b'{"Token":" body ","UniqueId":"1.2"}')
    assert event.token_hash == token_hash(KEY, "body")


async def test_what_is_no_event_is_refused():
    with pytest.raises(BodyMalformed):
        await kept(b"[]")
