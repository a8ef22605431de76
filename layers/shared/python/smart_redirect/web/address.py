"""Whose request it is: the client's address, X-Forwarded-For only from trusted proxies, and CIDR lists."""

import logging
from collections.abc import Iterable
from functools import cache, lru_cache
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from ipaddress import IPv4Network as _IPv4Network

logger = logging.getLogger(__name__)
Network = _IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address


@lru_cache(maxsize=4096)
def parse_address(text: str) -> Address | None:
    """Read an address, an IPv4-mapped IPv6 one as IPv4; None if it is none."""
    try:
        address = ip_address(text.strip().strip("[]"))
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


@lru_cache(maxsize=1024)
def parse_networks(texts: tuple[str, ...]) -> tuple[Network, ...]:
    """Read CIDR texts; ValueError names the one that is not a network."""
    return tuple(ip_network(text, strict=False) for text in texts)


@lru_cache(maxsize=8192)
def is_within(address: str, networks: tuple[str, ...]) -> bool:
    """Tell whether an address lies in one of the networks."""
    parsed = parse_address(address)
    return parsed is not None and any(parsed in network for network in parse_networks(networks))


def is_loopback(address: str) -> bool:
    """Tell whether an address is this machine's own."""
    parsed = parse_address(address)
    return parsed is not None and parsed.is_loopback


def client_address(peer: str, forwarded_for: Iterable[str], trusted: tuple[str, ...]) -> str:
    """Return the right-most hop that is not one of our proxies; the peer itself if it is not trusted.

    `forwarded_for` are the X-Forwarded-For header values in the order received. Behind a proxy on this machine that
    nobody said to trust the client cannot be told, and is nobody: all the world would pass for this machine.
    """
    hops = [hop for value in forwarded_for for hop in map(str.strip, value.split(",")) if hop]
    if hops and is_loopback(peer) and not is_within(peer, trusted):
        say_that_the_proxy_is_not_trusted()
        return ""
    address = peer
    while hops and is_within(address, trusted):
        address = hops.pop()
    return address


@cache
def say_that_the_proxy_is_not_trusted() -> None:
    """Log, once in the life of the process, why the hosts have no addresses."""
    logger.warning(
        "a proxy on this machine sends X-Forwarded-For and is not trusted: the addresses of hosts are unknown, and "
        "those with a list are refused; set SMART_REDIRECT_TRUSTED_PROXIES=127.0.0.1/32"
    )
