"""POST /api/callevent/{start,dial,hangup}: events are taken with 202 as soon as they are durable."""

import asyncio
import logging
from collections.abc import Callable

from smart_redirect.domain.event import EventKind
from smart_redirect.errors import RequestRefused, Unavailable
from smart_redirect.usecases.accept_event import AcceptEvent, PostedEvent
from smart_redirect.web.address import client_address
from smart_redirect.web.asgi import Receive, Scope, Send, answer, header_values, read_body, token_in_headers
from smart_redirect.web.errors import status_of

logger = logging.getLogger(__name__)
# Told the name of each refusal, to count it.
Refused = Callable[[str], None]
# Old macros read some answers by position: two bytes are nothing to any of them.
BODY = b"{}"
_BODY_LIMIT = 4096
_JSON = (b"content-type", b"application/json")
_ALLOW = (b"allow", b"POST")


class CallEvents:
    """A raw ASGI endpoint for one kind of event."""

    def __init__(
        self,
        kind: EventKind,
        accept: AcceptEvent,
        trusted_proxies: tuple[str, ...] = (),
        refused: Refused = lambda _: None,
        seconds: float = 10.0,
    ) -> None:
        self._kind = kind
        self._accept = accept
        self._trusted = trusted_proxies
        self._refused = refused
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request: always JSON, whatever happens."""
        if scope["method"] != "POST":
            self._refused("MethodNotAllowed")
            await answer(send, 405, BODY, _JSON, _ALLOW)
            return
        await answer(send, await self._status(scope, receive), BODY)

    async def _status(self, scope: Scope, receive: Receive) -> int:
        try:
            async with asyncio.timeout(self._seconds):
                body = await read_body(receive, _BODY_LIMIT)
            await self._accept(self._posted(scope, body))
        except (RequestRefused, Unavailable, TimeoutError) as error:
            self._refused(type(error).__name__)
            return status_of(error)
        except Exception as error:
            self._refused(type(error).__name__)
            logger.exception("an event could not be taken")
            return status_of(error)
        return 202

    def _posted(self, scope: Scope, body: bytes) -> PostedEvent:
        peer = scope["client"][0] if scope.get("client") else ""
        address = client_address(peer, header_values(scope, b"x-forwarded-for"), self._trusted)
        return PostedEvent(self._kind, body, token_in_headers(scope), address)
