"""Call tokens: how one is read from a request, and how it is stored."""

import hmac


def clean_token(token: str) -> str:
    """Strip the white space and quotes that hosts put around a token."""
    return token.strip().strip("\"'").strip()


def token_hash(key: bytes, token: str) -> bytes:
    """HMAC-SHA256 of a cleaned token under the deployment's key: the only form in which tokens are stored."""
    return hmac.digest(key, clean_token(token).encode("utf-8", "surrogateescape"), "sha256")
