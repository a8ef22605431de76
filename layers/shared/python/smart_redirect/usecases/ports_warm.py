"""The Protocols that keeping the call path warm needs from the outside."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


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


class RecentCallers(Protocol):
    """Who has called lately."""

    async def enterprises(self, limit: int) -> Sequence[int]:
        """Return enterprises that were called within a day, the latest first; DatabaseUnavailable."""
