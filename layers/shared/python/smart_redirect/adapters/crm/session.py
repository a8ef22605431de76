"""One connection's requests to its CRM: its address and headers, its turns, and its errors in our words."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from time import time
from urllib.parse import urlencode, urlsplit

from smart_redirect.adapters.crm.json_values import Json, read_json
from smart_redirect.adapters.crm.outbound import Answer, Outbound, Query
from smart_redirect.errors import CrmLimited, CrmMalformed, CrmRefused, CrmUnavailable
from smart_redirect.usecases.ports_crm import Access

Params = Sequence[tuple[str, str]]
READ_SECONDS = 30.0
# Of a renewal of tokens: well within the lease that it is done under.
RENEWAL_SECONDS = 10.0
_WAIT = 5.0
_REFUSALS = frozenset({401, 402, 403})
_LIMITS = frozenset({429, 503})


def base_url(settings: Mapping[str, object], name: str = "url") -> str:
    """Return the address that a setting gives, without the slash at its end; CrmRefused says what is wrong with it."""
    given = settings.get(name)
    try:
        parts = urlsplit(given.strip() if isinstance(given, str) else "")
        is_whole = parts.scheme == "https" and parts.hostname and parts.port != 0
    except ValueError:
        is_whole = False
    if not is_whole or not isinstance(given, str):
        raise CrmRefused(f"the setting {name} must be an address that begins with https://")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise CrmRefused(f"the setting {name} must be the bare address, without a user, a query or a fragment")
    return given.strip().rstrip("/")


def credential(settings: Mapping[str, object], name: str) -> str:
    """Return a secret of the connection; CrmRefused names the one that is missing."""
    given = settings.get(name)
    if not isinstance(given, str) or not given.strip() or not given.strip().isprintable():
        raise CrmRefused(f"the credentials have no {name}")
    return given.strip()


@dataclass(frozen=True, slots=True)
class Session:
    """Sends the requests of one connection.

    `complain` may raise what the vendor says in its own way; what it lets pass is judged by the status alone.
    """

    http: Outbound
    access: Access
    base: str = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    complain: Callable[[Answer], None] = lambda _: None

    async def get(
        self, path: str, params: Params = (), *, seconds: float = READ_SECONDS, missing: Sequence[int] = ()
    ) -> Json:
        """Return the JSON of a GET; a status in `missing`, and 204, are a value that is not there."""
        query = Query("GET", self.base + path, params, self.headers, None, seconds)
        return await self._send(query, missing)

    async def post_form(self, path: str, fields: Params, *, seconds: float = READ_SECONDS) -> Json:
        """Return the JSON of a POST of form fields."""
        headers = {**self.headers, "Content-Type": "application/x-www-form-urlencoded"}
        query = Query("POST", self.base + path, (), headers, urlencode(list(fields)).encode(), seconds)
        return await self._send(query, ())

    async def post_json(self, path: str, body: bytes, *, seconds: float = READ_SECONDS) -> Json:
        """Return the JSON of a POST of JSON."""
        headers = {**self.headers, "Content-Type": "application/json"}
        return await self._send(Query("POST", self.base + path, (), headers, body, seconds), ())

    async def _send(self, query: Query, missing: Sequence[int]) -> Json:
        """Wait for the turn, send, and judge; the turn's own error ends the run and passes through."""
        await self.access.turn()
        answer = await self.http.send(query)
        if answer.status in missing or answer.status == 204:
            return Json()
        self.complain(answer)
        judge(answer)
        return read_json(answer.body)


def judge(answer: Answer) -> None:
    """Raise by the status: refused, limited with the seconds of Retry-After, unavailable, or malformed for the rest."""
    if 200 <= answer.status < 300:
        return
    if answer.status in _REFUSALS:
        raise CrmRefused(f"refuses the credentials or rights ({answer.status})")
    if answer.status in _LIMITS:
        raise CrmLimited(retry_after(answer))
    if answer.status >= 500 or answer.status == 408:
        raise CrmUnavailable(f"answers {answer.status}")
    raise CrmMalformed(f"answers {answer.status}")


def retry_after(answer: Answer, otherwise: float = _WAIT) -> float:
    """Return the seconds that Retry-After asks for, as a number or as a date."""
    text = answer.headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:6])
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time())
    except (ValueError, TypeError, OverflowError):
        return otherwise
