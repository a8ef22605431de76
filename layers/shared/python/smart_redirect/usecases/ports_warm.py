"""The Protocols that keeping the call path warm needs from the outside."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from smart_redirect.domain.facts import LOOKED_UP_SECONDS, ROUTES_SECONDS
from smart_redirect.usecases.ports_mirror import Account, Key

# A miss that ends later than this is for a later run: they are a minute apart.
SOON_SECONDS = 90.0
# And somebody who was found less than half a minute ago. By an older one no call is routed when the next run comes.
FOUND_SOON_SECONDS = LOOKED_UP_SECONDS - ROUTES_SECONDS / 2
# A caller who is claimed is still known for so long. A refresh is done by then, or has failed.
CLAIMED_SECONDS = 20.0
# Nobody is refreshed for an enterprise that nobody has called for so long.
OPEN_SECONDS = 1800.0


@dataclass(frozen=True, slots=True)
class Warmed:
    """What one invocation found: the environment that took it, whether it was new, and what it holds now."""

    environment: str
    was_cold: bool
    is_ready: bool
    snapshots: int


class CallFunction(Protocol):
    """The call path's function, as something that can be invoked beside its calls."""

    async def warm(self, enterprise_ids: Sequence[int]) -> Warmed:
        """Have one environment open what calls need and load these snapshots; FunctionUnavailable when none did."""


@dataclass(frozen=True, slots=True)
class Ending:
    """A caller whom a CRM knows, or does not, for a minute or so yet; `ages` are seconds since his calls."""

    account: Account
    phone: str
    ages: tuple[float, ...]


class EndingLedger(Protocol):
    """What live look-ups found, or did not find, and is soon believed no more."""

    async def ending(self, limit: int) -> Sequence[Ending]:
        """Return callers of whom something ends soon, of connections that may be asked; DatabaseUnavailable.

        None of enterprises that have had no call lately. At most so many who were found, and so many who were not.
        """

    async def claim(self, key: Key, phone: str) -> bool:
        """Take a caller for a refresh: who comes second does not get him; DatabaseUnavailable.

        What is known of him is believed only for some seconds more, so that a refresh that fails leaves nothing behind.
        """


class RecentCallers(Protocol):
    """Who has called lately."""

    async def enterprises(self, limit: int) -> Sequence[int]:
        """Return enterprises that were called within a day, the latest first; DatabaseUnavailable."""
