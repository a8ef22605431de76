"""What a person should hear of before callers do."""

import datetime
from dataclasses import dataclass

import asyncpg

from smart_redirect.adapters.postgres.queries import load

SILENCE = datetime.timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Watched:
    """Hosts that did not report for ten minutes; ages in seconds: the oldest change not built, the oldest mirror."""

    silent_hosts: int
    oldest_change: float
    oldest_mirror: float


async def watch(connection: asyncpg.Connection) -> Watched:
    """Ask the database."""
    row = await connection.fetchrow(load("watch")["watch"], SILENCE)
    return Watched(row["silent_hosts"], row["oldest_change"], row["oldest_mirror"])
