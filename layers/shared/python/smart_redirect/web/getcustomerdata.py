"""POST /api/callevent/getcustomerdata: the call path over HTTP; the old macro reads every body it sends rightly."""

import asyncio
import logging
from dataclasses import dataclass
from functools import partial

from smart_redirect.domain.call import read_request
from smart_redirect.domain.decision import Decision
from smart_redirect.domain.reply import NOTHING, encode
from smart_redirect.errors import BodyTooLarge, RequestRefused, Unavailable
from smart_redirect.usecases.admission import Admission
from smart_redirect.usecases.ports import DecisionLog
from smart_redirect.usecases.route_call import Asked, RouteCall
from smart_redirect.web.address import client_address
from smart_redirect.web.asgi import Receive, Scope, Send, answer, read_body, token_in_headers
from smart_redirect.web.errors import status_of

logger = logging.getLogger(__name__)
FIRST_BYTE = "smart_redirect.first_byte"
BODY = "smart_redirect.body"
REPLY = "smart_redirect.reply"
_BODY_LIMIT = 16 * 1024
_RESERVE = 0.015
METHOD_ERROR = "MethodNotAllowed"


@dataclass(frozen=True, slots=True)
class Limits:
    """What the endpoint grants: seconds for one answer, and the proxies it believes."""

    budget: float = 0.3
    trusted_proxies: tuple[str, ...] = ()


class GetCustomerData:
    """A raw ASGI endpoint; `log` is told the reason of every answer that is not a decision."""

    def __init__(self, admission: Admission, route_call: RouteCall, limits: Limits, log: DecisionLog) -> None:
        self._admission = admission
        self._route_call = route_call
        self._limits = limits
        self._refused = log.refused

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; the budget runs from its first byte when the server noted it."""
        status, body = await self._safely(scope, receive)
        # Out of the scope, which it refers to itself: a circle is garbage that only the collector finds.
        reply = scope.pop(REPLY, None)
        if reply is not None:
            reply(status, body)
        else:
            await answer(send, status, body)

    async def _safely(self, scope: Scope, receive: Receive) -> tuple[int, bytes]:
        if scope["method"] != "POST":
            self._refused(METHOD_ERROR)
            return 405, NOTHING
        try:
            return 200, _encode(await self._decide(scope, receive))
        except (RequestRefused, Unavailable, TimeoutError) as error:
            self._refused(type(error).__name__)
            return status_of(error), NOTHING
        except Exception as error:
            self._refused(type(error).__name__)
            logger.exception("the call path failed; the call goes on along its line's own scheme")
            return status_of(error), NOTHING

    async def _decide(self, scope: Scope, receive: Receive) -> Decision:
        started: float = scope.get(FIRST_BYTE) or self._route_call.clock()
        deadline = started + self._limits.budget - _RESERVE
        body = await self._body(scope, receive, deadline)
        read_at = self._route_call.clock()
        request = read_request(body)
        token = token_in_headers(scope) or request.token
        address = self._address(scope)
        admitted = await self._admission(token, address, deadline)
        asked = Asked(
            request,
            admitted.host,
            admitted.held,
            admitted.token_hash,
            started=started,
            read_at=read_at,
            deadline=deadline,
            readmit=partial(self._admission.host_of, token_hash=admitted.token_hash, address=address),
        )
        return await self._route_call(asked)

    async def _body(self, scope: Scope, receive: Receive, deadline: float) -> bytes:
        body: bytes | None = scope.get(BODY)
        if body is not None:
            if len(body) > _BODY_LIMIT:
                raise BodyTooLarge
            return body
        async with asyncio.timeout_at(deadline):
            return await read_body(receive, _BODY_LIMIT)

    def _address(self, scope: Scope) -> str:
        peer = scope["client"][0] if scope.get("client") else ""
        forwarded = [value.decode("latin-1") for key, value in scope["headers"] if key == b"x-forwarded-for"]
        return client_address(peer, forwarded, self._limits.trusted_proxies) if forwarded else peer


def _encode(decision: Decision) -> bytes:
    return NOTHING if decision.shadow else encode(decision.name, decision.context)
