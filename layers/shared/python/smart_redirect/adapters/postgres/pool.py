"""The connection pool: sized and set for one process, behind a transaction pooler too."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg

from smart_redirect.adapters.postgres.deadlines import cut
from smart_redirect.adapters.postgres.losses import type_of_loss

# Seconds: a pool that was not used for as long is one whose environment may have slept, and its connections died.
_A_WHILE = 0.5
_TRIAL = 1.0


async def _keep_session(_connection: Any) -> None:
    """Replace asyncpg's reset, which costs a round trip a release: our queries leave no session state."""


# What asyncpg.create_pool() gives to every pool.
_AS_IT_IS: Any = {
    "max_queries": 50_000,
    "setup": None,
    "init": None,
    "loop": None,
    "connection_class": asyncpg.Connection,
    "record_class": asyncpg.Record,
}
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


class Pool(asyncpg.Pool):  # type: ignore[misc]
    """asyncpg's, and when one of its connections was last seen alive, by the wall's clock (Unix).

    Lambda's other clocks may stand still while an environment sleeps.
    """

    alive_at = 0.0


async def open_pool(dsn: str, *, size: int = 8, statement_cache: int = 100, renewed: RenewedUrl | None = None) -> Pool:
    """Return a pool that connects on first use; `statement_cache=0` behind RDS Proxy or pgbouncer.

    `renewed` gives the address with the password as it is now, or None, when the one at hand was refused.
    """
    pool = Pool(
        dsn,
        min_size=0,
        max_size=size,
        timeout=5,
        connect=_Connect(renewed) if renewed else None,
        statement_cache_size=statement_cache,
        max_inactive_connection_lifetime=0,
        reset=_keep_session,
        **_AS_IT_IS,
    )
    await pool
    return pool


async def alive(pool: Pool) -> Any:
    """Take a connection; one that was kept for a while is tried first, and if it is dead so are all its like.

    So the first statement after a sleep is right, one that may be run only once too.
    """
    is_tried = pool.get_idle_size() and time.time() - pool.alive_at > _A_WHILE
    connection = await pool.acquire()
    if is_tried and not await _answers(pool, connection):
        await pool.expire_connections()
        connection = await pool.acquire()
    pool.alive_at = time.time()
    return connection


async def _answers(pool: Pool, connection: Any) -> bool:
    """Tell whether a connection is alive; what is not, or is not waited for, goes back to the pool cut."""
    is_alive = False
    # Cut, not cancelled: asyncpg would ask a server that is gone to forget the statement.
    timer = asyncio.get_running_loop().call_later(_TRIAL, cut, connection)
    try:
        await connection.execute("SELECT")
        is_alive = True
    except (*type_of_loss, AttributeError):
        # The last is asyncpg's own word for a connection that is lost between a statement and its run.
        return False
    finally:
        timer.cancel()
        if not is_alive:
            cut(connection)
            await pool.release(connection)
    return True
