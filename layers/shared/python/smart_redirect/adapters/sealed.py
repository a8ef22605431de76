"""Seals the credentials of CRM connections, so that the database and its backups alone open none of them."""

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from smart_redirect.errors import SecretUnavailable

_LABEL = b"smart-redirect crm credentials 1"
_NONCE = 12


class Seal:
    """AES-256-GCM under a key that HKDF derives from the deployment's, used for nothing else."""

    def __init__(self, key: bytes, key_id: int) -> None:
        derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=_LABEL).derive(key)
        self._cipher = AESGCM(derived)
        self.key_id = key_id

    def close(self, text: str, enterprise_id: int, connection_id: int) -> bytes:
        """Return a random nonce and the sealed text; the same text is sealed differently each time."""
        nonce = os.urandom(_NONCE)
        return nonce + self._cipher.encrypt(nonce, text.encode(), _bound(enterprise_id, connection_id))

    def open(self, sealed: bytes, key_id: int, enterprise_id: int, connection_id: int) -> str:
        """Return the text; SecretUnavailable when it is of another key, another connection, or damaged."""
        if key_id != self.key_id:
            raise SecretUnavailable(f"sealed with key {key_id}, the deployment has key {self.key_id}")
        try:
            text = self._cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], _bound(enterprise_id, connection_id))
        except (InvalidTag, ValueError):
            raise SecretUnavailable("not sealed with this key for this connection") from None
        return text.decode()


def _bound(enterprise_id: int, connection_id: int) -> bytes:
    """Say what the text belongs to: moved to another row it does not open."""
    return f"{enterprise_id}/{connection_id}".encode()
