"""Builds an enterprise's releases because somebody asks for it, or has them built soon."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from smart_redirect.usecases.ports_dialplan import DialplanLedger, Result
from smart_redirect.usecases.regenerate import Built, Outcome, Regenerate

__all__ = ["Built", "Outcome", "RegenerateNow", "shown"]
_TRIES = 20
_PAUSE = 0.5


class Messages(Protocol):
    """A queue of enterprises to build for; where there is none, the sweep finds them."""

    async def send(self, enterprise_id: int, change: int) -> None:
        """Ask for a build; the same enterprise and change twice is one message. QueueUnavailable."""


class FindsEnterprises(DialplanLedger, Protocol):
    """A ledger that knows enterprises by their number."""

    async def enterprise_id(self, number: str) -> int | None:
        """Return the id of an enterprise, None if there is none of this number."""


class RegenerateNow:
    """Marks the enterprise first: if the build fails or somebody else has the lease, the sweep does it."""

    def __init__(
        self,
        regenerate: Regenerate,
        ledger: FindsEnterprises,
        messages: Messages | None = None,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._regenerate = regenerate
        self._ledger = ledger
        self._messages = messages
        self._pause = pause

    async def __call__(self, number: str) -> Built:
        """Build; waits up to ten seconds for a build that is under way, and then says BUSY."""
        enterprise_id = await self._ledger.enterprise_id(number)
        if enterprise_id is None:
            return Built(Outcome.GONE)
        await self._ledger.mark(enterprise_id, "asked for")
        built = await self._regenerate(enterprise_id)
        for _ in range(_TRIES):
            if built.outcome not in {Outcome.BUSY, Outcome.LOST}:
                break
            await self._pause(_PAUSE)
            built = await self._regenerate(enterprise_id)
        return built

    async def later(self, enterprise_id: int) -> None:
        """Have a change built soon that a writer of ours has just committed."""
        if self._messages is not None:
            change = await self._ledger.mark(enterprise_id, "written")
            await self._messages.send(enterprise_id, change)


def shown(built: Built) -> dict[str, Any]:
    """Return what became of a build, for people and programs."""
    return {"outcome": built.outcome, "hosts": [_host(result) for result in built.results]}


def _host(result: Result) -> dict[str, Any]:
    release = result.release
    newest = result.host.newest.name if result.host.newest else None
    return {
        "host": result.host.name,
        "release": release.name if release else newest,
        "new": release is not None,
        "pinned": result.host.pinned,
        "changes": list(release.changes) if release else [],
        "error": result.error,
        "findings": [str(finding) for finding in result.findings],
    }
