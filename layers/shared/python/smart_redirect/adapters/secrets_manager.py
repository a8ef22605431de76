"""Secrets read from AWS Secrets Manager itself, where its extension does not answer: in an init phase, after a restore.

One signed request by hand (Signature Version 4): botocore would cost the call path more than all that it imports.
"""

import asyncio
import hashlib
import hmac
import json
import ssl
import time
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import urlsplit

from smart_redirect.adapters.secrets_extension import members
from smart_redirect.errors import SecretUnavailable

_ALGORITHM, _SERVICE = "AWS4-HMAC-SHA256", "secretsmanager"
_ENDPOINT = "AWS_ENDPOINT_URL_SECRETS_MANAGER"
_CONTAINER, _CONTAINER_TOKEN = "AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_AUTHORIZATION_TOKEN"


class Credentials(NamedTuple):
    """Whose request it is: a key with its secret, and the session that they are of."""

    key_id: str
    secret: str
    session: str = ""


class SecretsManager:
    """Reads secrets whose text is one JSON object, with the function's own credentials; sets no time limit."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._region = environ.get("AWS_REGION", "")

    async def read(self, secret_id: str) -> dict[str, str]:
        """Return the members of a secret; SecretUnavailable says why there are none, never what they are."""
        try:
            credentials = await self._credentials()
            body = json.dumps({"SecretId": secret_id}).encode()
            headers = signed(self._endpoint(), body, credentials, (self._region, time.time()))
            status, answer = await _exchange("POST", self._endpoint(), headers, body)
        except (OSError, ValueError) as error:
            raise SecretUnavailable(f"Secrets Manager: {type(error).__name__}") from error
        if status != "200":
            raise SecretUnavailable(f"Secrets Manager answered {status} {_kind(answer)}")
        return members(answer)

    def _endpoint(self) -> str:
        suffix = "amazonaws.com.cn" if self._region.startswith("cn-") else "amazonaws.com"
        return self._environ.get(_ENDPOINT) or f"https://{_SERVICE}.{self._region}.{suffix}"

    async def _credentials(self) -> Credentials:
        """Return those of the environment, or, after a restore, where there are none, those of Lambda's endpoint."""
        given = self._environ.get
        if key_id := given("AWS_ACCESS_KEY_ID"):
            return Credentials(key_id, given("AWS_SECRET_ACCESS_KEY", ""), given("AWS_SESSION_TOKEN", ""))
        if not (url := given(_CONTAINER)):
            raise SecretUnavailable("Secrets Manager: no credentials")
        status, answer = await _exchange("GET", url, {"authorization": given(_CONTAINER_TOKEN, "")}, b"")
        try:
            found = json.loads(answer)
            return Credentials(found["AccessKeyId"], found["SecretAccessKey"], found.get("Token", ""))
        except (ValueError, KeyError, TypeError):
            raise SecretUnavailable(f"Secrets Manager: no credentials ({status})") from None


def signed(url: str, body: bytes, credentials: Credentials, scope: tuple[str, float]) -> dict[str, str]:
    """Return the headers of a GetSecretValue, its signature among them; `scope` is the region and the time (Unix)."""
    region, now = scope
    at = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))
    headers = {
        "content-type": "application/x-amz-json-1.1",
        "host": urlsplit(url).netloc,
        "x-amz-date": at,
        **({"x-amz-security-token": credentials.session} if credentials.session else {}),
        "x-amz-target": f"{_SERVICE}.GetSecretValue",
    }
    names = ";".join(headers)
    listed = "".join(f"{name}:{value}\n" for name, value in headers.items())
    request = f"POST\n/\n\n{listed}\n{names}\n{hashlib.sha256(body).hexdigest()}"
    day = (at[:8], region, _SERVICE, "aws4_request")
    text = "\n".join((_ALGORITHM, at, "/".join(day), hashlib.sha256(request.encode()).hexdigest()))
    key = f"AWS4{credentials.secret}".encode()
    for part in (*day, text):
        key = hmac.digest(key, part.encode(), "sha256")
    told = f"Credential={credentials.key_id}/{'/'.join(day)}, SignedHeaders={names}, Signature={key.hex()}"
    return {**headers, "authorization": f"{_ALGORITHM} {told}"}


async def _exchange(method: str, url: str, headers: Mapping[str, str], body: bytes) -> tuple[str, bytes]:
    """Send one request on a connection of its own; return status and body. TLS unless the address says http."""
    at = urlsplit(url)
    context = None if at.scheme == "http" else ssl.create_default_context()
    reader, writer = await asyncio.open_connection(at.hostname, at.port or (443 if context else 80), ssl=context)
    try:
        about = {"host": at.netloc, "connection": "close", "content-length": str(len(body)), **headers}
        lines = "".join(f"{name}: {value}\r\n" for name, value in about.items())
        writer.write(f"{method} {at.path or '/'} HTTP/1.1\r\n{lines}\r\n".encode() + body)
        answer = await reader.read(-1)
    finally:
        # Everything has been said: a farewell would be left to the next event, when the loop runs again.
        writer.transport.abort()
    head, _, rest = answer.partition(b"\r\n\r\n")
    status = b"".join(head.split(b" ", 2)[1:2]).decode("latin-1")
    return status, _whole(rest) if b"transfer-encoding: chunked" in head.lower() else rest


def _whole(chunks: bytes) -> bytes:
    """Put together what came in chunks."""
    found = b""
    while True:
        size, _, chunks = chunks.partition(b"\r\n")
        length = int(size.partition(b";")[0] or b"0", 16)
        if not length:
            return found
        found, chunks = found + chunks[:length], chunks[length + 2 :]


def _kind(answer: bytes) -> str:
    """Return the name of AWS's error, never its text."""
    try:
        return str(json.loads(answer)["__type"]).rpartition("#")[2]
    except (ValueError, KeyError, TypeError):
        return ""
