"""The connection pool: sized and set for one process, behind a transaction pooler too."""

from typing import Any

import asyncpg


async def _keep_session(_connection: Any) -> None:
    """Replace asyncpg's reset, which costs a round trip a release: our queries leave no session state."""


async def open_pool(dsn: str, *, size: int = 8, statement_cache: int = 100) -> "asyncpg.Pool[Any]":
    """Return a pool that connects on first use; `statement_cache=0` behind RDS Proxy or pgbouncer."""
    return await asyncpg.create_pool(
        dsn,
        min_size=0,
        max_size=size,
        timeout=5,
        statement_cache_size=statement_cache,
        max_inactive_connection_lifetime=0,
        reset=_keep_session,
    )
