"""The one client for all requests to CRMs: https, public addresses, no redirects, no cookies, 1 MB at most."""

import asyncio
import logging
import ssl
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http.cookiejar import CookieJar, DefaultCookiePolicy

import certifi
import httpcore
import httpx

from smart_redirect.adapters.crm.addresses import Network
from smart_redirect.adapters.crm.resolving import AddressNotAllowed, CheckedBackend, Resolve
from smart_redirect.errors import CrmMalformed, CrmRefused, CrmTooLong, CrmUnavailable

ANSWER_LIMIT = 1024 * 1024
_CONNECTIONS = 100
_IDLE = 20
_IDLE_SECONDS = 15.0
_HEADERS = {"Accept-Encoding": "gzip", "User-Agent": "smart-redirect"}


@dataclass(frozen=True, slots=True)
class Query:
    """One request; nothing of it is ever shown, because keys and phones are in addresses too."""

    method: str
    url: str = field(repr=False)
    params: Sequence[tuple[str, str]] = field(default=(), repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes | None = field(default=None, repr=False)
    seconds: float = 30.0
    """For all of it: connecting, sending, and reading to the end."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; the names of headers are in lower case, the body is unpacked."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = field(default=b"", repr=False)


class Outbound:
    """Sends requests to CRMs; one for each event loop, since its connections belong to it."""

    def __init__(self, private: Sequence[Network] = (), ca_file: str = "", resolve: Resolve | None = None) -> None:
        # httpx logs each address, keys in it included.
        for name in ("httpx", "httpcore"):
            logging.getLogger(name).setLevel(logging.WARNING)
        context = ssl.create_default_context(cafile=certifi.where())
        if ca_file:
            context.load_verify_locations(ca_file)
        transport = httpx.AsyncHTTPTransport(verify=context)
        # httpx has no parameter for the network that its pool is on; the version is pinned, and a test holds it.
        transport._pool = httpcore.AsyncConnectionPool(
            ssl_context=context,
            max_connections=_CONNECTIONS,
            max_keepalive_connections=_IDLE,
            keepalive_expiry=_IDLE_SECONDS,
            network_backend=CheckedBackend(private, resolve),
        )
        # Two enterprises may have accounts on one host: what it sets for one may not reach it with the other's.
        cookies = CookieJar(DefaultCookiePolicy(allowed_domains=[]))
        self._client = httpx.AsyncClient(transport=transport, trust_env=False, cookies=cookies, headers=_HEADERS)

    async def send(self, query: Query) -> Answer:
        """Return the answer, whatever its status.

        CrmRefused for an address that no request may go to, CrmMalformed for a redirect or a body that cannot be
        unpacked, CrmTooLong for more than 1 MB, CrmUnavailable for all that is wrong on the way. None has anything of
        the request.
        """
        if httpx.URL(query.url).scheme != "https":
            raise CrmRefused("its address must begin with https://")
        try:
            async with asyncio.timeout(query.seconds):
                return await self._send(query)
        except TimeoutError:
            raise CrmUnavailable("no answer in time") from None
        except httpx.HTTPError as error:
            raise _translated(error) from None

    async def close(self) -> None:
        """Close all connections."""
        await self._client.aclose()

    async def _send(self, query: Query) -> Answer:
        url = httpx.URL(query.url)
        if query.params:
            url = url.copy_merge_params(httpx.QueryParams(list(query.params)))
        request = self._client.build_request(
            query.method, url, headers=query.headers, content=query.body, timeout=httpx.Timeout(query.seconds)
        )
        response = await self._client.send(request, stream=True, follow_redirects=False)
        try:
            if response.is_redirect:
                raise CrmMalformed("answers with a redirect: its address is another one")
            return Answer(response.status_code, dict(response.headers), await _read(response))
        finally:
            await response.aclose()


async def _read(response: httpx.Response) -> bytes:
    """Return the body; what is packed is unpacked no further than the limit, so that a small body is no bomb."""
    raw = bytearray()
    async for part in response.aiter_raw():
        raw += part
        if len(raw) > ANSWER_LIMIT:
            raise CrmTooLong("its answer is longer than 1 MB")
    packing = response.headers.get("content-encoding", "identity").strip().lower()
    if packing in {"", "identity"}:
        return bytes(raw)
    if packing != "gzip":
        raise CrmMalformed("its answer is packed in a way that was not asked for")
    return _unpacked(bytes(raw))


def _unpacked(raw: bytes) -> bytes:
    unpacking = zlib.decompressobj(wbits=31)
    try:
        body = unpacking.decompress(raw, ANSWER_LIMIT + 1)
    except zlib.error:
        raise CrmMalformed("its answer cannot be unpacked") from None
    if len(body) > ANSWER_LIMIT:
        raise CrmTooLong("its answer is longer than 1 MB")
    if raw and not unpacking.eof:
        raise CrmMalformed("its answer is cut short")
    return body


def _translated(error: httpx.HTTPError) -> CrmUnavailable:
    """Return our error; of theirs only what cannot hold an address."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, AddressNotAllowed):
            return CrmRefused("its name stands for an address that is not public")
        if isinstance(cause, ssl.SSLCertVerificationError):
            return CrmRefused(f"its certificate is not valid: {cause.verify_message}")
        cause = cause.__cause__ or cause.__context__
    return CrmUnavailable(f"cannot be reached ({type(error).__name__})")
