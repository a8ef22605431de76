"""Puts the call path together: nothing here opens a connection before the first request needs one."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg

from smart_redirect.adapters.postgres.callers import PostgresCallers, PostgresSettings
from smart_redirect.adapters.postgres.pool import RenewedUrl, open_pool
from smart_redirect.adapters.postgres.timed import TimedReads
from smart_redirect.domain.phone import normalise
from smart_redirect.settings import Settings
from smart_redirect.usecases.admission import Admission
from smart_redirect.usecases.facts_cache import FactsCache
from smart_redirect.usecases.ports import DecisionLog
from smart_redirect.usecases.route_call import RouteCall
from smart_redirect.usecases.snapshots import Lifetimes, Snapshots
from smart_redirect.web.address import is_within
from smart_redirect.web.getcustomerdata import GetCustomerData, Limits


@dataclass(frozen=True, slots=True)
class CallPath:
    """The endpoint and the parts of it that others watch or refresh."""

    endpoint: GetCustomerData
    route_call: RouteCall
    snapshots: Snapshots
    reads: TimedReads
    pool: "asyncpg.Pool[Any]"


@asynccontextmanager
async def open_call_path(
    settings: Settings,
    log: DecisionLog,
    *,
    loopback_only: frozenset[bytes] = frozenset(),
    renewed: RenewedUrl | None = None,
) -> AsyncIterator[CallPath]:
    """Yield the call path on the running loop.

    `loopback_only` are token hashes that count from this machine only; `renewed` see `open_pool`.
    """
    statements = settings.statement_cache
    pool = await open_pool(settings.database_url, size=settings.pool_size, statement_cache=statements, renewed=renewed)
    try:
        yield _assemble(settings, log, pool, loopback_only)
    finally:
        pool.terminate()


def _assemble(
    settings: Settings, log: DecisionLog, pool: "asyncpg.Pool[Any]", loopback_only: frozenset[bytes]
) -> CallPath:
    reads = TimedReads(pool)
    # The time base of every event loop, but uvloop's own is rounded to milliseconds and stands still in a turn.
    clock = time.monotonic
    lifetimes = Lifetimes(settings.snapshot_seconds, settings.stale_seconds)
    snapshots = Snapshots(PostgresSettings(reads), clock, lifetimes)
    admission = Admission(settings.key_bytes, snapshots, is_within, settings.failed_attempts_per_minute, loopback_only)
    cache = FactsCache(clock, settings.names_seconds, settings.routes_seconds)
    callers = PostgresCallers(reads, settings.routes_seconds)
    route_call = RouteCall(snapshots, callers, cache, log, normalise)
    limits = Limits(settings.budget_ms / 1000, settings.listed(settings.trusted_proxies))
    return CallPath(GetCustomerData(admission, route_call, limits, log), route_call, snapshots, reads, pool)
