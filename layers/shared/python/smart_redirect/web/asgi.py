"""Small pieces of ASGI that every route shares: header look-up, a body read with a limit, one whole answer."""

import base64
import binascii
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from typing import Any

from smart_redirect.errors import BodyTooLarge

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

JSON = (b"content-type", b"application/json")


def header_values(scope: Scope, name: bytes) -> Iterator[str]:
    """Yield the values of a header in the order received."""
    return (value.decode("latin-1") for key, value in scope["headers"] if key == name)


def token_in_headers(scope: Scope) -> str:
    """Return the token of the header Token, else the password of HTTP Basic, else an empty text."""
    basic = ""
    for key, value in scope["headers"]:
        if key == b"token" and value:
            return str(value.decode("latin-1"))
        if key == b"authorization":
            basic = _basic_password(value)
    return basic


def _basic_password(value: bytes) -> str:
    scheme, _, encoded = value.partition(b" ")
    if scheme.lower() != b"basic":
        return ""
    try:
        return base64.b64decode(encoded, validate=True).decode("utf-8", "replace").partition(":")[2]
    except binascii.Error:
        return ""


async def read_body(receive: Receive, limit: int) -> bytes:
    """Read a whole body of at most `limit` bytes.

    BodyTooLarge as soon as it is longer; TimeoutError when the client goes before its end.
    """
    body, more = b"", True
    while more and len(body) <= limit:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise TimeoutError("the client went before the end of its body")
        body += message.get("body", b"")
        more = message.get("more_body", False)
    if len(body) > limit:
        raise BodyTooLarge
    return body


async def answer(send: Send, status: int, body: bytes, *headers: tuple[bytes, bytes]) -> None:
    """Send one whole answer with its length; JSON unless the headers say otherwise."""
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": status, "headers": [length, *(headers or (JSON,))]})
    await send({"type": "http.response.body", "body": body})
