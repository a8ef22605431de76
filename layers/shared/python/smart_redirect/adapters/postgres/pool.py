"""The connection pool: sized and set for one process, behind a transaction pooler too."""

from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg


async def _keep_session(_connection: Any) -> None:
    """Replace asyncpg's reset, which costs a round trip a release: our queries leave no session state."""


RenewedUrl = Callable[[], Awaitable[str | None]]


class _Connect:
    """Connects; when user or password are refused, asks once for the address as it is now."""

    def __init__(self, renewed: RenewedUrl) -> None:
        self._renewed = renewed
        self._current: str | None = None

    async def __call__(self, dsn: str, **options: Any) -> Any:
        try:
            return await asyncpg.connect(self._current or dsn, **options)
        except asyncpg.InvalidAuthorizationSpecificationError:
            current = await self._renewed()
            if current is None:
                raise
            self._current = current
            return await asyncpg.connect(current, **options)


async def open_pool(
    dsn: str, *, size: int = 8, statement_cache: int = 100, renewed: RenewedUrl | None = None
) -> "asyncpg.Pool[Any]":
    """Return a pool that connects on first use; `statement_cache=0` behind RDS Proxy or pgbouncer.

    `renewed` gives the address with the password as it is now, or None, when the one at hand was refused.
    """
    return await asyncpg.create_pool(
        dsn,
        min_size=0,
        max_size=size,
        timeout=5,
        connect=_Connect(renewed) if renewed else None,
        statement_cache_size=statement_cache,
        max_inactive_connection_lifetime=0,
        reset=_keep_session,
    )
