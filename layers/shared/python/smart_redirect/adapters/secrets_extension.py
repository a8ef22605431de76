"""Secrets of AWS Secrets Manager, read from the HTTP endpoint that AWS's extension opens beside a function.

Spoken by hand: a client library would cost the call path more than everything else it imports.
"""

import asyncio
import json
from urllib.parse import quote

from smart_redirect.errors import SecretUnavailable

_PORT = 2773
_SECONDS = 0.5


class SecretsExtension:
    """Reads secrets whose text is one JSON object; `session_token` proves that it is the function who asks."""

    def __init__(self, session_token: str, port: int = _PORT) -> None:
        self._session_token = session_token
        self._port = port

    async def read(self, secret_id: str) -> dict[str, str]:
        """Return the members of a secret; SecretUnavailable says why there are none, never what they are."""
        if not self._session_token:
            # As after a restore of a snapshot: the extension would refuse, after a connection of its own.
            raise SecretUnavailable("no session token for the extension")
        try:
            async with asyncio.timeout(_SECONDS):
                answer = await self._get(f"/secretsmanager/get?secretId={quote(secret_id, safe='')}")
        except (OSError, TimeoutError) as error:
            raise SecretUnavailable(f"the extension: {type(error).__name__}") from error
        head, _, body = answer.partition(b"\r\n\r\n")
        if head.split(b" ", 2)[1:2] != [b"200"]:
            status = b"".join(head.split(b" ", 2)[1:2]).decode("latin-1")
            raise SecretUnavailable(f"the extension answered {status or 'nothing'}")
        return members(body)

    async def _get(self, path: str) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        try:
            # HTTP 1.0: the answer ends with the connection, and comes in one piece.
            token = f"X-Aws-Parameters-Secrets-Token: {self._session_token}"
            writer.write(f"GET {path} HTTP/1.0\r\n{token}\r\n\r\n".encode())
            return await reader.read(-1)
        finally:
            writer.close()


def members(answer: bytes) -> dict[str, str]:
    """Return the members of the secret in an answer of GetSecretValue."""
    try:
        return {str(name): str(value) for name, value in json.loads(json.loads(answer)["SecretString"]).items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        raise SecretUnavailable("the secret is not a JSON object") from None
