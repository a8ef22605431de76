"""OAuth tokens in memory behind the port that PostgreSQL keeps them behind."""

import asyncio
from collections.abc import Awaitable, Callable

from smart_redirect.usecases.ports_crm import Tokens


class MemoryTokens:
    """The TokenStore of one connection in one process."""

    def __init__(self) -> None:
        self._newest: Tokens | None = None
        self._lock = asyncio.Lock()

    async def current(self) -> Tokens | None:
        """Return the newest tokens."""
        return self._newest

    async def renew(self, stale: Tokens | None, refresh: Callable[[Tokens | None], Awaitable[Tokens]]) -> Tokens:
        """Renew one at a time."""
        async with self._lock:
            if self._newest is None or self._newest == stale:
                self._newest = await refresh(self._newest)
            return self._newest
