"""Admission: which enterprise and host a request is from, and whether it may ask now."""

from collections.abc import Callable
from typing import NamedTuple

from smart_redirect.domain.enterprise import Enterprise, Host
from smart_redirect.domain.rate import Buckets
from smart_redirect.domain.token import token_hash
from smart_redirect.errors import AddressRefused, TokenMissing, TokenUnknown, TooManyRequests
from smart_redirect.usecases.snapshots import Held, Snapshots

_LOOPBACK = ("127.0.0.0/8", "::1/128")
_MOST_HASHES = 10_000
# Of a bucket: a token that was looked up before, for no one, is no guess, but its look-up is not for nothing.
_AGAIN = 0.1
IsWithin = Callable[[str, tuple[str, ...]], bool]


class Admitted(NamedTuple):
    """A request that may be answered; `host` is None when it could not be told."""

    held: Held
    host: Host | None
    token_hash: bytes


class Admission:
    """Token first, then the source address, then the rate; failed attempts are limited per address.

    What costs a look-up and what does not are limited apart: a host with a mistyped token, or none, that shares its
    address with others must not keep a good token out that memory does not have yet.
    """

    def __init__(
        self,
        key: bytes,
        snapshots: Snapshots,
        is_within: IsWithin,
        failures_per_minute: int = 60,
        loopback_only: frozenset[bytes] = frozenset(),
    ) -> None:
        self._loopback_only = loopback_only
        self._key = key
        self._hashes: dict[str, bytes] = {}
        self._snapshots = snapshots
        self._is_within = is_within
        self._guesses = Buckets(failures_per_minute / 60, failures_per_minute)
        self._repeats = Buckets(failures_per_minute / 60, failures_per_minute)
        self._requests: dict[int, tuple[int, Buckets]] = {}

    async def __call__(self, token: str, address: str, deadline: float) -> Admitted:
        """Admit a request; raises what the error tree lists under RequestRefused, or DatabaseUnavailable."""
        if not token:
            self._repeated(address)
            raise TokenMissing
        hashed = self._hashes.get(token) or token_hash(self._key, token)
        if not self._counts_from(hashed, address):
            self._repeated(address)
            raise TokenUnknown
        held = self._snapshots.known(hashed)
        if held is None:
            held = await self._look_up(hashed, address, deadline)
        if token not in self._hashes:
            self._remember(token, hashed)
        host = self.host_of(held.enterprise, token_hash=hashed, address=address)
        self._within_rate(held.enterprise, hashed)
        return Admitted(held, host, hashed)

    async def _look_up(self, hashed: bytes, address: str, deadline: float) -> Held:
        """Ask the database about a token that memory does not know, unless its address has guessed too often.

        The charge is taken before, so that guesses at once are no more than one after another; it stays if it was one.
        """
        if self._snapshots.is_nobodys(hashed):
            self._repeated(address)
            raise TokenUnknown
        charge = self._charge(hashed)
        if not self._guesses.take(address, self._snapshots.clock(), charge):
            raise TooManyRequests
        try:
            return await self._snapshots.find(hashed, deadline)
        except TokenUnknown:
            charge = 0
            raise
        finally:
            self._guesses.give_back(address, self._snapshots.clock(), charge)

    def _charge(self, hashed: bytes) -> float:
        if self._snapshots.is_asked(hashed):
            return 0
        return _AGAIN if self._snapshots.was_nobodys(hashed) else 1

    def _repeated(self, address: str) -> None:
        """Count a failed attempt that cost no look-up."""
        if not self._repeats.take(address, self._snapshots.clock()):
            raise TooManyRequests

    def _remember(self, token: str, hashed: bytes) -> None:
        """Keep the hash of a token that is good: to make it costs a tenth of a call."""
        if len(self._hashes) >= _MOST_HASHES:
            self._hashes.clear()
        self._hashes[token] = hashed

    def _counts_from(self, hashed: bytes, address: str) -> bool:
        return hashed not in self._loopback_only or self._is_within(address, _LOOPBACK)

    def whose(self, token: str, address: str) -> tuple[Enterprise | None, int | None]:
        """Return whose a token is, and which host's if it says so, as far as memory knows: for a refusal's record."""
        hashed = self._hashes.get(token) or token_hash(self._key, token)
        held = self._snapshots.known(hashed) if self._counts_from(hashed, address) else None
        return (held.enterprise, held.enterprise.tokens.get(hashed)) if held else (None, None)

    def host_of(self, enterprise: Enterprise, *, token_hash: bytes, address: str) -> Host | None:
        """Return the host that asks, None if it cannot be told; AddressRefused if it may not ask from there."""
        own = enterprise.tokens.get(token_hash)
        hosts = tuple(enterprise.hosts.values()) if own is None else (enterprise.hosts[own],)
        if enterprise.has_address_lists:
            listed = [host for host in hosts if host.allowed and self._is_within(address, host.allowed)]
            if len(listed) == 1:
                return listed[0]
            if hosts and not listed and all(host.allowed for host in hosts):
                raise AddressRefused
        return hosts[0] if len(hosts) == 1 else None

    def _within_rate(self, enterprise: Enterprise, hashed: bytes) -> None:
        rate = enterprise.requests_per_second
        known = self._requests.get(enterprise.id)
        if known is None or known[0] != rate:
            known = (rate, Buckets(rate, 2 * rate))
            self._requests[enterprise.id] = known
        if not known[1].take(hashed, self._snapshots.clock()):
            raise TooManyRequests
