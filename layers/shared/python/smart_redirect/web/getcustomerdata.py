"""POST /api/callevent/getcustomerdata: the call path over HTTP; the old macro reads every body it sends rightly."""

import asyncio
import logging
from dataclasses import dataclass
from functools import partial

from smart_redirect.domain.call import CallRequest, read_request
from smart_redirect.domain.decision import Decision
from smart_redirect.domain.enterprise import Enterprise
from smart_redirect.domain.rate import Sparing
from smart_redirect.domain.reply import NOTHING, encode
from smart_redirect.errors import BodyTooLarge, MethodNotAllowed, RequestRefused, TokenUnknown, Unavailable
from smart_redirect.usecases.admission import Admission
from smart_redirect.usecases.ports import DecisionLog, Refusal
from smart_redirect.usecases.route_call import Asked, RouteCall, shown_line
from smart_redirect.web.address import client_address
from smart_redirect.web.asgi import Receive, Scope, Send, answer, read_body, token_in_headers
from smart_redirect.web.errors import status_of

logger = logging.getLogger(__name__)
FIRST_BYTE = "smart_redirect.first_byte"
BODY = "smart_redirect.body"
REPLY = "smart_redirect.reply"
_BODY_LIMIT = 16 * 1024
_RESERVE = 0.015
_NOT_READ = CallRequest()
# Refusals of one reason that are written, a second, and at once: without a token of ours, so that nobody can fill the
# disk, and of one enterprise, as many as it may have calls.
_STRANGERS_LINES, _LINES, _BURST = 1, 50, 50


@dataclass(frozen=True, slots=True)
class Limits:
    """What the endpoint grants: seconds for one answer, and the proxies it believes."""

    budget: float = 0.3
    trusted_proxies: tuple[str, ...] = ()


class GetCustomerData:
    """A raw ASGI endpoint; `log` is told of every answer that is not a decision."""

    def __init__(self, admission: Admission, route_call: RouteCall, limits: Limits, log: DecisionLog) -> None:
        self._admission = admission
        self._route_call = route_call
        self._clock = route_call.clock
        self._limits = limits
        self._log = log
        self._strangers = Sparing(_STRANGERS_LINES, _BURST)
        self._known = Sparing(_LINES, _BURST)

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
        started: float = scope.get(FIRST_BYTE) or self._clock()
        request = _NOT_READ
        try:
            body = await self._body(scope, receive, started + self._limits.budget - _RESERVE)
            read_at = self._clock()
            request = read_request(body)
            return 200, _encode(await self._decide(scope, request, started, read_at))
        except (RequestRefused, Unavailable, TimeoutError) as error:
            return self._refuse(scope, request, error, started)
        except Exception as error:
            logger.exception("the call path failed; the call goes on along its line's own scheme")
            return self._refuse(scope, request, error, started)

    async def _decide(self, scope: Scope, request: CallRequest, started: float, read_at: float) -> Decision:
        deadline = started + self._limits.budget - _RESERVE
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

    def _refuse(self, scope: Scope, request: CallRequest, error: Exception, started: float) -> tuple[int, bytes]:
        """Tell the log of a request that gets no decision all that is known of it, but its token."""
        now, reason, status = self._clock(), type(error).__name__, status_of(error)
        address = self._address(scope)
        token = "" if isinstance(error, TokenUnknown) else token_in_headers(scope) or request.token
        enterprise, host_id = self._admission.whose(token, address) if token else (None, None)
        refusal = Refusal(
            reason,
            status,
            address,
            (now - started) * 1000,
            enterprise,
            host_id,
            request.unique_id,
            _line(enterprise, request.line_id),
            request.phone,
            self._left_out(enterprise, reason, now),
        )
        self._log.refused(refusal)
        return status, NOTHING

    def _left_out(self, enterprise: Enterprise | None, reason: str, now: float) -> int | None:
        if enterprise is None:
            return self._strangers.take(reason, now)
        return self._known.take((enterprise.number, reason), now)

    async def _body(self, scope: Scope, receive: Receive, deadline: float) -> bytes:
        if scope["method"] != "POST":
            raise MethodNotAllowed
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


def _line(enterprise: Enterprise | None, line_id: str) -> str:
    return line_id if enterprise is not None and line_id in enterprise.lines else shown_line(line_id)
