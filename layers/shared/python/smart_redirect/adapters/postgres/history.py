"""The ledger of calls in PostgreSQL: whose an event is, one transaction a call, and the events that are given up."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, tzinfo
from ipaddress import ip_address
from typing import Any
from zoneinfo import ZoneInfo

import asyncpg

from smart_redirect.adapters.postgres.losses import lost, type_of_loss
from smart_redirect.adapters.postgres.open_call import PostgresOpenCall
from smart_redirect.adapters.postgres.queries import load
from smart_redirect.adapters.postgres.timed import lent
from smart_redirect.errors import DatabaseUnavailable
from smart_redirect.usecases.ports_events import CallKey, Origin, OwnLine

# What an event itself can be guilty of; every other error of the database is its own, and may pass.
_GUILTY = (
    asyncpg.DataError,
    asyncpg.IntegrityConstraintViolationError,
    asyncpg.ProgramLimitExceededError,
)
_MOST_BURIED = 10_000
_SECONDS = 5.0


class PostgresLedger:
    """The Ledger on a pool of its own, so that a burst of events takes no connection from the call path."""

    def __init__(self, pool: "asyncpg.Pool[Any]") -> None:
        self._pool = pool
        self._queries = load("history")

    async def origin(self, token_hash: bytes, address: str) -> Origin | None:
        """Return where an event is from, None for an unknown token."""
        values = (token_hash, _inet(address))
        try:
            row = await self._origin_row(*values)
        except DatabaseUnavailable:
            # The first to notice that connections died, while Lambda was frozen or the server restarted.
            row = await self._origin_row(*values)
        return None if row is None else _origin(row)

    async def _origin_row(self, *values: object) -> Any:
        async with self._connection() as connection:
            return await connection.fetchrow(self._queries["origin"], *values)

    @asynccontextmanager
    async def open(self, key: CallKey) -> AsyncIterator[PostgresOpenCall]:
        """Begin a transaction that holds the call's row, made if it is new."""
        async with self._connection() as connection, connection.transaction():
            yield await self._locked(connection, key)

    async def _locked(self, connection: Any, key: CallKey) -> PostgresOpenCall:
        place = (key.origin.enterprise_id, key.origin.host_id, key.unique_id)
        started_at = await self._started_at(connection, key, place) if key.doubtful else key.started_at
        if await connection.fetchval(self._queries["make_call"], *place, started_at):
            return PostgresOpenCall(connection, key, started_at, None)
        row = await connection.fetchrow(self._queries["lock_call"], *place, started_at)
        if row is None:
            raise DatabaseUnavailable("the call's row was removed just now")
        return PostgresOpenCall(connection, key, started_at, row)

    async def _started_at(self, connection: Any, key: CallKey, place: tuple[object, ...]) -> float:
        await connection.execute(self._queries["lock_start"], *place)
        stored: float | None = await connection.fetchval(self._queries["stored_start"], *place)
        return key.started_at if stored is None else stored

    async def bury(self, message: str, reason: str) -> None:
        """Keep an event that can not be recorded; the oldest beyond about 10,000 of its kind of reason go."""
        async with self._connection() as connection:
            await connection.execute(self._queries["bury"], reason[:500], message, _MOST_BURIED)

    async def buried(self) -> int:
        """Count the events that were given up and are still kept."""
        async with self._connection() as connection:
            return int(await connection.fetchval(self._queries["count_buried"]))

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Any]:
        """Lend a connection for five seconds at most, after which it is cut: a hung database is one that is away."""
        try:
            async with lent(self._pool, _SECONDS) as connection:
                yield connection
        except _GUILTY:
            raise
        except type_of_loss as error:
            await self._pool.expire_connections()
            raise DatabaseUnavailable(type(error).__name__) from error
        except AttributeError as error:
            # asyncpg's own words for a connection that is lost between a statement and its run.
            raise DatabaseUnavailable(type(lost()).__name__) from error
        except asyncpg.PostgresError as error:
            raise DatabaseUnavailable(f"{type(error).__name__}: {error}") from error


def _inet(address: str) -> str | None:
    try:
        parsed = ip_address(address)
    except ValueError:
        return None
    return str(getattr(parsed, "ipv4_mapped", None) or parsed)


def _origin(row: Any) -> Origin:
    lines = (OwnLine(*values) for values in json.loads(row["lines"] or "[]"))
    return Origin(
        enterprise_id=row["enterprise_id"],
        host_id=row["host_id"],
        refused=row["refused"],
        country=row["country"],
        zone=_zone(row["time_zone"]),
        count_outgoing=row["count_outgoing"],
        lines={line.id: line for line in lines},
    )


def _zone(name: str) -> tzinfo:
    """Return a time zone; UTC for a name that this machine does not know: epochs do not need it."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return UTC
