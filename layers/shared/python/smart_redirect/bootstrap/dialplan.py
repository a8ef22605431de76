"""Puts the building and handing out of releases together, for the local server, the functions and the command line."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg

from smart_redirect.adapters.postgres.contents import PostgresContents
from smart_redirect.adapters.postgres.dialplan import PostgresDialplan
from smart_redirect.adapters.postgres.hosts import PostgresHosts
from smart_redirect.adapters.postgres.pool import RenewedUrl, open_pool
from smart_redirect.adapters.release_folder import FolderContents
from smart_redirect.adapters.s3 import S3Contents
from smart_redirect.adapters.sqs_dialplan import SqsDialplanMessages
from smart_redirect.settings import Settings
from smart_redirect.usecases.give_release import GiveRelease
from smart_redirect.usecases.host_agent import AdmitAgent, TakeReport
from smart_redirect.usecases.ports_dialplan import ReleaseStore
from smart_redirect.usecases.regenerate import Build, Regenerate
from smart_redirect.usecases.regenerate_now import RegenerateNow
from smart_redirect.web.dialplan import DialplanEndpoints, Guard

_AT_ONCE = 3


@dataclass(frozen=True, slots=True)
class DialplanParts:
    """What builds releases and what serves them, on one small pool."""

    regenerate: Regenerate
    now: RegenerateNow
    endpoints: DialplanEndpoints
    ledger: PostgresDialplan


@asynccontextmanager
async def open_dialplan(
    settings: Settings, renewed: RenewedUrl | None = None, elsewhere: Build | None = None
) -> AsyncIterator[DialplanParts]:
    """Yield the parts; the pool connects when it is first needed. `elsewhere` builds in another process."""
    statements = settings.statement_cache
    pool = await open_pool(settings.database_url, size=_AT_ONCE, statement_cache=statements, renewed=renewed)
    try:
        yield _assemble(settings, pool, elsewhere)
    finally:
        pool.terminate()


def _assemble(settings: Settings, pool: "asyncpg.Pool[Any]", elsewhere: Build | None) -> DialplanParts:
    ledger, hosts, store = PostgresDialplan(pool), PostgresHosts(pool), release_store(settings, pool)
    regenerate = Regenerate(ledger, store, elsewhere)
    messages = SqsDialplanMessages(settings.dialplan_queue_url) if settings.dialplan_queue_url else None
    now = RegenerateNow(regenerate, ledger, messages)
    admit = AdmitAgent(hosts, settings.key_bytes, time.monotonic, settings.failed_attempts_per_minute)
    guard = Guard(settings.listed(settings.trusted_proxies), settings.operator_key)
    endpoints = DialplanEndpoints(admit, GiveRelease(store), TakeReport(hosts), now, guard)
    return DialplanParts(regenerate, now, endpoints, ledger)


def release_store(settings: Settings, pool: "asyncpg.Pool[Any]") -> ReleaseStore:
    """Return where the texts of releases are kept: a bucket, a folder, or the database."""
    if settings.releases_bucket:
        return S3Contents(settings.releases_bucket)
    if settings.releases_dir:
        return FolderContents(Path(settings.releases_dir))
    return PostgresContents(pool)
