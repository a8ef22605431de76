"""Puts the mirrors of CRMs together, for the local server, the function and the command line."""

import importlib
import json
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Protocol

import asyncpg

from smart_redirect.adapters.postgres.budgets import PostgresBudgets
from smart_redirect.adapters.postgres.hooks import PostgresHooks
from smart_redirect.adapters.postgres.live import PostgresLive
from smart_redirect.adapters.postgres.mirror import PostgresMirror
from smart_redirect.adapters.postgres.pool import RenewedUrl, open_pool
from smart_redirect.adapters.postgres.warm import PostgresEnding
from smart_redirect.adapters.sealed import Seal
from smart_redirect.errors import CrmRefused
from smart_redirect.settings import Settings
from smart_redirect.usecases.live_lookup import LiveLookup
from smart_redirect.usecases.pace import Pace
from smart_redirect.usecases.ports_crm import Crm
from smart_redirect.usecases.ports_mirror import Account, OpenCrm
from smart_redirect.usecases.refresh_likely import RefreshLikely
from smart_redirect.usecases.sync_crm import SyncCrm
from smart_redirect.usecases.take_hint import TakeHint
from smart_redirect.usecases.warm import Warm
from smart_redirect.web.crm import CrmEndpoints
from smart_redirect.web.dialplan import Guard

_AT_ONCE = 4


class MakeCrm(Protocol):
    """What makes a vendor's adapter: adapters/crm/vendors.py, or a CRM in memory in tests."""

    def __call__(self, vendor: str, settings: Mapping[str, object]) -> Crm:
        """Return the CRM of a vendor by the connection's settings, credentials among them."""


@dataclass(frozen=True, slots=True)
class CrmParts:
    """What keeps the mirrors and what answers about them, on one small pool."""

    warm: Warm
    sync: SyncCrm
    mirror: PostgresMirror
    endpoints: CrmEndpoints
    live: LiveLookup
    refresh: RefreshLikely
    pool: "asyncpg.Pool[Any]"


@asynccontextmanager
async def open_crm(
    settings: Settings, make: MakeCrm | None = None, renewed: RenewedUrl | None = None
) -> AsyncIterator[CrmParts]:
    """Yield the parts; the pool connects when it is first needed."""
    statements = settings.statement_cache
    pool = await open_pool(settings.database_url, size=_AT_ONCE, statement_cache=statements, renewed=renewed)
    try:
        yield _assemble(settings, pool, make or _make)
    finally:
        pool.terminate()


def _assemble(settings: Settings, pool: "asyncpg.Pool[Any]", make: MakeCrm) -> CrmParts:
    mirror, hooks = PostgresMirror(pool), PostgresHooks(pool)
    budgets, open_account = PostgresBudgets(pool), unsealing(Seal(settings.key_bytes, settings.key_id), make)
    sync = SyncCrm(mirror, open_account, Pace(budgets, time.monotonic))
    live = LiveLookup(PostgresLive(pool), open_account, budgets, time.monotonic)
    refresh = RefreshLikely(PostgresEnding(pool), PostgresLive(pool), open_account, budgets, time.monotonic)
    guard = Guard(settings.listed(settings.trusted_proxies), settings.operator_key)
    endpoints = CrmEndpoints(TakeHint(hooks, settings.key_bytes), hooks, guard)
    return CrmParts(Warm(mirror, sync), sync, mirror, endpoints, live, refresh, pool)


def unsealing(seal: Seal, make: MakeCrm) -> OpenCrm:
    """Return what opens a connection's credentials and makes its CRM by them; they win over the settings."""

    def open_account(account: Account) -> Crm:
        key = account.key
        text = seal.open(account.sealed, account.key_id, key.enterprise_id, key.connection_id)
        return make(account.vendor, {**account.settings, **json.loads(text)})

    return open_account


def _make(vendor: str, settings: Mapping[str, object]) -> Crm:
    """Make a vendor's adapter; its module, and httpx with it, is imported when the first connection needs it."""
    try:
        vendors = importlib.import_module("smart_redirect.adapters.crm.vendors")
    except ModuleNotFoundError as error:
        raise CrmRefused(f"there is no adapter for {vendor}") from error
    crm: Crm = vendors.make(vendor, settings)
    return crm
