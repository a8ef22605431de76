"""Accepting an event: readable, without its token, and durable; whose it is, is asked later."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from smart_redirect.domain.event import EventKind, ReceivedEvent, read_posted
from smart_redirect.domain.token import token_hash
from smart_redirect.errors import BodyMalformed
from smart_redirect.usecases.ports_events import EventQueue


@dataclass(frozen=True, slots=True)
class PostedEvent:
    """What came over HTTP; `token` is that of the headers, empty when they have none."""

    kind: EventKind
    body: bytes
    token: str
    address: str


class AcceptEvent:
    """Asks neither the database nor the token's owner, so that an event is taken while everything else is down."""

    def __init__(self, queue: EventQueue, key: bytes, now: Callable[[], float] = time.time) -> None:
        self._queue = queue
        self._key = key
        self._now = now

    async def __call__(self, event: PostedEvent) -> None:
        """Return when the event is durable; BodyMalformed, or QueueUnavailable."""
        posted = read_posted(event.body)
        if posted is None:
            raise BodyMalformed("not a JSON object with a UniqueId")
        received = ReceivedEvent(
            kind=event.kind,
            unique_id=posted.unique_id,
            body=posted.body,
            token_hash=token_hash(self._key, event.token or posted.token),
            address=event.address,
            received_at=round(self._now(), 3),
        )
        await self._queue.put(received)
