"""Which addresses a CRM may have: public ones, and the private networks that the deployment itself names."""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from smart_redirect.errors import SettingInvalid

Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address
# Addresses that hold an IPv4 address which a gateway would reach: NAT64 and 6to4.
_TRANSLATED = (ip_network("64:ff9b::/96"), ip_network("64:ff9b:1::/48"), ip_network("2002::/16"))
# Of IANA's special-purpose registries, what `ipaddress` of some Python takes for public: no CRM is there.
_SPECIAL = tuple(map(ip_network, ("192.0.0.0/24", "192.88.99.0/24", "fec0::/10", "3fff::/20", "5f00::/16")))


def read_networks(listed: Sequence[str]) -> tuple[Network, ...]:
    """Return the networks of a setting; SettingInvalid names the one that is none."""
    found = []
    for each in listed:
        try:
            found.append(ip_network(each))
        except ValueError as error:
            raise SettingInvalid(f"SMART_REDIRECT_CRM_PRIVATE_NETWORKS: {error}") from None
    return tuple(found)


def may_connect(text: str, private: Sequence[Network]) -> bool:
    """Tell whether a request may go to this address: a public one, or one of the networks that are named."""
    address = _plain(text)
    if address is None:
        return False
    if any(address in network for network in private if network.version == address.version):
        return True
    return _is_public(address)


def _plain(text: str) -> Address | None:
    """Return an address, an IPv4 one that is written as IPv6 as what it is; None for text that is no address."""
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address


def _is_public(address: Address) -> bool:
    special = address.is_multicast or address.is_private or address.is_reserved or address.is_unspecified
    listed = any(address in each for each in (*_TRANSLATED, *_SPECIAL) if each.version == address.version)
    return address.is_global and not special and not listed
