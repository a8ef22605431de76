"""Puts the schedule's handler together: partitions and retention every day, what should be heard of every minute."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from typing import Any

import asyncpg
from aws_lambda_powertools import Metrics
from aws_lambda_powertools.metrics import MetricUnit

from smart_redirect.adapters.postgres.dialplan import borrowed
from smart_redirect.adapters.postgres.pool import open_pool
from smart_redirect.adapters.postgres.upkeep import delete_expired, make_partitions
from smart_redirect.adapters.postgres.watch import Watched, watch
from smart_redirect.adapters.stdout_log import NAMESPACE
from smart_redirect.bootstrap.checked_settings import checked_deployment
from smart_redirect.web.process import Process

# What is deleted at once may take minutes; below the 900 seconds that Lambda gives.
_SECONDS = 840.0


@asynccontextmanager
async def _open() -> AsyncIterator["asyncpg.Pool[Any]"]:
    deployment = checked_deployment()
    settings = await deployment.settings()
    statements = settings.statement_cache
    pool = await open_pool(settings.database_url, size=1, statement_cache=statements, renewed=deployment.renewed_url)
    try:
        yield pool
    finally:
        pool.terminate()


class UpkeepHandler:
    """Does what the schedule's event names in `run`; raises when that is nothing of ours or the database is away."""

    def __init__(self) -> None:
        self._process = Process(_open)

    def __call__(self, event: dict[str, Any], _context: Any) -> dict[str, float]:
        """Return rows deleted per table, or what was seen."""
        match event.get("run"):
            case "maintain":
                return dict(self._process.run(_maintain))
            case "watch":
                seen = self._process.run(_watch)
                _publish(seen)
                return asdict(seen)
            case other:
                raise ValueError(f"nothing is called {other!r}")

    def close(self) -> None:
        """Close what was opened: for tests."""
        self._process.close()


async def _maintain(pool: "asyncpg.Pool[Any]") -> dict[str, int]:
    async with borrowed(pool, _SECONDS) as connection:
        await make_partitions(connection)
        return await delete_expired(connection)


async def _watch(pool: "asyncpg.Pool[Any]") -> Watched:
    # A minute is long enough for a frozen connection to have died; a new one costs nobody anything.
    await pool.expire_connections()
    async with borrowed(pool) as connection:
        return await watch(connection)


def _publish(seen: Watched) -> None:
    metrics = Metrics(namespace=NAMESPACE, service="upkeep")
    metrics.add_metric("SilentHosts", MetricUnit.Count, seen.silent_hosts)
    metrics.add_metric("OldestChangeSeconds", MetricUnit.Seconds, seen.oldest_change)
    # In minutes, because the alarm compares with a parameter that people set in minutes.
    metrics.add_metric("OldestMirrorMinutes", MetricUnit.NoUnit, seen.oldest_mirror / 60)
    metrics.flush_metrics()
