"""Connects to a CRM's host only when every address of its name may be reached, and to the very address checked."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any

import httpcore

from smart_redirect.adapters.crm.addresses import Network, may_connect
from smart_redirect.adapters.crm.resolver import Resolver

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
# A second address is tried when the first does not answer; more would cost more than any look-up has.
_MOST_TRIED = 2


class AddressNotAllowed(httpcore.ConnectError):
    """The name stands for an address that no request may go to."""


class CheckedBackend(httpcore.AsyncNetworkBackend):
    """httpcore's network with a guard before each connection.

    The name is asked once, and the connection goes to what was checked: a name server that answers otherwise a moment
    later (DNS rebinding) changes nothing. TLS still proves the name.
    """

    def __init__(self, private: Sequence[Network], resolve: Resolve | None = None) -> None:
        self._private = private
        self._resolve = resolve or Resolver()
        self._network = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 (the interface of httpcore)
        local_address: str | None = None,  # noqa: ARG002
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Return a connection to a checked address."""
        failure: Exception = httpcore.ConnectError("the name has no address")
        for address in (await self._checked(host, port))[:_MOST_TRIED]:
            try:
                return await self._network.connect_tcp(address, port, timeout, None, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure

    async def _checked(self, host: str, port: int) -> Sequence[str]:
        try:
            addresses = await self._resolve(host, port)
        except OSError:
            raise httpcore.ConnectError("the name is not known") from None
        if not all(may_connect(each, self._private) for each in addresses):
            raise AddressNotAllowed("not a public address")
        return addresses

    async def connect_unix_socket(self, *_: Any, **__: Any) -> httpcore.AsyncNetworkStream:
        """Refuse: no CRM is on a socket of this machine."""
        raise AddressNotAllowed("not a public address")

    async def sleep(self, seconds: float) -> None:
        """Wait so many seconds."""
        await asyncio.sleep(seconds)
