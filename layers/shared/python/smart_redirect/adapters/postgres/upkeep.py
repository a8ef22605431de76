"""The upkeep of the partitioned tables: partitions ahead of time, and each enterprise's retention."""

import datetime

import asyncpg

from smart_redirect.adapters.postgres.queries import load

_MONTHS_AHEAD = 2


async def make_partitions(connection: asyncpg.Connection) -> None:
    """Have the partitions of last month, this month and the next two."""
    today = datetime.datetime.now(datetime.UTC).date()
    last_month = today.replace(day=1) - datetime.timedelta(days=1)
    await connection.execute(load("upkeep")["ensure_partitions"], last_month, _MONTHS_AHEAD + 1)


async def delete_expired(connection: asyncpg.Connection) -> dict[str, int]:
    """Delete what is older than its enterprise keeps, and old releases; return the rows deleted per table."""
    queries = load("upkeep")
    tables = ("decisions", "calls", "call_participants", "dialplan_releases", "dialplan_contents")
    return {table: await connection.fetchval(queries[f"expired_{table}"]) for table in tables}
