"""What only the operator may see: asked from this machine itself, or with the operator's key."""

import hmac

from smart_redirect.web.address import client_address, is_loopback
from smart_redirect.web.asgi import Scope, header_values


def may_operate(scope: Scope, operator_key: str, trusted_proxies: tuple[str, ...]) -> bool:
    """Tell whether a request is the operator's.

    A forwarded request counts as local only if the proxy is trusted and the first hop outside is this machine.
    """
    if operator_key and _has_key(scope, operator_key):
        return True
    peer = scope["client"][0] if scope.get("client") else ""
    forwarded = list(header_values(scope, b"x-forwarded-for"))
    address = client_address(peer, forwarded, trusted_proxies)
    believed = not forwarded or address != peer
    return believed and is_loopback(address)


def _has_key(scope: Scope, operator_key: str) -> bool:
    expected = f"Bearer {operator_key}".encode()
    return any(
        hmac.compare_digest(value.encode("latin-1"), expected) for value in header_values(scope, b"authorization")
    )
