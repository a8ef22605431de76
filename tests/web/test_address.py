"""The client's address: forwarded only by proxies that we trust; and what only the operator may see."""

import pytest

from smart_redirect.web.address import client_address, is_within, say_that_the_proxy_is_not_trusted
from smart_redirect.web.operator import may_operate

PROXIES = ("127.0.0.1/32", "10.0.0.0/8")


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("203.0.113.5", ["192.0.2.1"], "203.0.113.5"),
        ("127.0.0.1", [], "127.0.0.1"),
        ("127.0.0.1", ["192.0.2.1"], "192.0.2.1"),
        ("127.0.0.1", ["6.6.6.6, 192.0.2.1"], "192.0.2.1"),
        ("127.0.0.1", ["6.6.6.6", "192.0.2.1, 10.1.2.3"], "192.0.2.1"),
        ("127.0.0.1", ["10.9.9.9"], "10.9.9.9"),
        ("::ffff:127.0.0.1", ["192.0.2.1"], "192.0.2.1"),
        ("127.0.0.1", ["garbage"], "garbage"),
    ],
)
def test_the_right_most_hop_that_is_no_proxy_is_the_client(peer: str, forwarded: list[str], client: str) -> None:
    assert client_address(peer, forwarded, PROXIES) == client


@pytest.mark.parametrize(
    ("address", "networks", "within"),
    [
        ("192.0.2.9", ("192.0.2.0/24",), True),
        ("::ffff:192.0.2.9", ("192.0.2.0/24",), True),
        ("192.0.3.9", ("192.0.2.0/24", "2001:db8::/32"), False),
        ("2001:db8::1", ("192.0.2.0/24", "2001:db8::/32"), True),
        ("garbage", ("0.0.0.0/0",), False),
        ("", ("0.0.0.0/0", "::/0"), False),
    ],
)
def test_addresses_are_compared_as_addresses(address: str, networks: tuple[str, ...], within: bool) -> None:
    assert is_within(address, networks) is within


@pytest.mark.parametrize(
    ("peer", "headers", "allowed"),
    [
        ("127.0.0.1", [], True),
        ("192.0.2.1", [], False),
        ("192.0.2.1", [(b"authorization", b"Bearer operator")], True),
        ("192.0.2.1", [(b"authorization", b"Bearer wrong")], False),
        ("127.0.0.1", [(b"x-forwarded-for", b"192.0.2.1")], False),
        ("192.0.2.1", [(b"x-forwarded-for", b"127.0.0.1")], False),
    ],
)
@pytest.mark.parametrize("trusted", [(), PROXIES])
def test_the_operator_is_on_this_machine_or_has_the_key(
    peer: str, headers: list[tuple[bytes, bytes]], allowed: bool, trusted: tuple[str, ...]
) -> None:
    scope = {"client": (peer, 1), "headers": headers}
    assert may_operate(scope, "operator", trusted) is allowed


def test_without_an_operator_key_no_key_opens() -> None:
    scope = {"client": ("192.0.2.1", 1), "headers": [(b"authorization", b"Bearer ")]}
    assert not may_operate(scope, "", ())


def test_a_proxy_that_nobody_trusts_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    say_that_the_proxy_is_not_trusted.cache_clear()
    client_address("127.0.0.1", ["203.0.113.9"], ("127.0.0.1/32",))
    assert caplog.messages == []
    for _ in range(3):
        assert client_address("127.0.0.1", ["203.0.113.9"], ()) == ""
    assert ["SMART_REDIRECT_TRUSTED_PROXIES" in message for message in caplog.messages] == [True]
