"""Puts the mirrors of CRMs together, for the local server, the function and the command line."""

import importlib
import json
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any, Protocol

import asyncpg
from starlette.routing import Route

from smart_redirect.adapters.postgres.about import PostgresAbout
from smart_redirect.adapters.postgres.budgets import PostgresBudgets
from smart_redirect.adapters.postgres.hooks import PostgresHooks
from smart_redirect.adapters.postgres.live import PostgresLive
from smart_redirect.adapters.postgres.mirror import PostgresMirror
from smart_redirect.adapters.postgres.pool import RenewedUrl, open_pool
from smart_redirect.adapters.postgres.tokens import PostgresTokens, Renewals
from smart_redirect.adapters.postgres.warm import PostgresEnding
from smart_redirect.adapters.sealed import Seal
from smart_redirect.settings import Settings
from smart_redirect.usecases.ask_about import AskAbout
from smart_redirect.usecases.ask_crms import AskCrms
from smart_redirect.usecases.check_crm import CheckCrm
from smart_redirect.usecases.live_asking import Patience
from smart_redirect.usecases.live_cache import Lasting
from smart_redirect.usecases.live_lookup import LiveLookup
from smart_redirect.usecases.pace import Pace
from smart_redirect.usecases.ports_crm import Access, Crm
from smart_redirect.usecases.ports_mirror import Account, OpenCrm, Turn
from smart_redirect.usecases.refresh_likely import RefreshLikely
from smart_redirect.usecases.sync_crm import SyncCrm
from smart_redirect.usecases.take_hint import TakeHint
from smart_redirect.usecases.warm import Warm
from smart_redirect.web.crm import CrmEndpoints
from smart_redirect.web.crm_about import AboutEndpoints
from smart_redirect.web.dialplan import Guard

# Connections: for syncs and the operator, and for webhooks and look-ups of calls, which wait for nobody's page.
_AT_ONCE = 3
_QUICK = 2
# For look-ups that run on when a command has what it asked for.
_SETTLING = 0.5


class MakeCrm(Protocol):
    """What makes a vendor's adapter: adapters/crm/vendors.py, or a CRM in memory in tests."""

    def __call__(self, vendor: str, access: Access) -> Crm:
        """Return the CRM of a vendor; CrmRefused when settings or credentials lack something."""


@dataclass(frozen=True, slots=True)
class CrmParts:
    """What keeps the mirrors and what answers about them, on two small pools; `pool` is that of the syncs."""

    warm: Warm
    sync: SyncCrm
    mirror: PostgresMirror
    endpoints: Sequence[Route]
    about: AskAbout
    source: PostgresAbout
    check: CheckCrm
    live: LiveLookup
    refresh: RefreshLikely
    pool: "asyncpg.Pool[Any]"
    prepare: Callable[[], None] = lambda: None
    """For processes that answer calls, before the first one."""


@asynccontextmanager
async def open_crm(
    settings: Settings, make: MakeCrm | None = None, renewed: RenewedUrl | None = None
) -> AsyncIterator[CrmParts]:
    """Yield the parts; the pools connect when they are first needed."""
    statements, url = settings.statement_cache, settings.database_url
    vendors, renewals = LazyVendors(settings), Renewals()
    async with AsyncExitStack() as stack:
        pool, quick = [
            await open_pool(url, size=size, statement_cache=statements, renewed=renewed) for size in (_AT_ONCE, _QUICK)
        ]
        stack.callback(quick.terminate)
        stack.callback(pool.terminate)
        stack.push_async_callback(vendors.close)
        stack.push_async_callback(renewals.finish)
        seal = Seal(settings.key_bytes, settings.key_id)
        # Tokens are read before each request: those of a look-up may not wait for a page that is being written.
        opened, at_once = [unsealing(seal, make or vendors, each, renewals) for each in (pool, quick)]
        parts = _assemble(settings, _Pools(pool, quick), opened, at_once)
        stack.push_async_callback(parts.live.settle, _SETTLING)
        yield replace(parts, prepare=vendors.prepare)


@dataclass(frozen=True, slots=True)
class _Pools:
    """Connections for what takes its time, and for what somebody waits for."""

    slow: "asyncpg.Pool[Any]"
    quick: "asyncpg.Pool[Any]"


def _assemble(settings: Settings, pools: _Pools, open_account: OpenCrm, open_at_once: OpenCrm) -> CrmParts:
    pool, quick = pools.slow, pools.quick
    mirror, hooks, budgets = PostgresMirror(pool), PostgresHooks(quick), PostgresBudgets(pool)
    sync = SyncCrm(mirror, open_account, Pace(budgets, time.monotonic))
    patience = Patience(in_process=Lasting(settings.names_seconds, settings.routes_seconds))
    live = LiveLookup(PostgresLive(quick), open_at_once, PostgresBudgets(quick), time.monotonic, patience)
    refresh = RefreshLikely(PostgresEnding(pool), PostgresLive(pool), open_account, budgets, time.monotonic)
    guard = Guard(settings.listed(settings.trusted_proxies), settings.operator_key)
    source, check = PostgresAbout(pool, settings.routes_seconds), CheckCrm(open_account, budgets, time.monotonic)
    about = AskAbout(source, AskCrms(open_account, budgets, PostgresLive(pool), time.monotonic), live)
    crm = CrmEndpoints(TakeHint(hooks, settings.key_bytes), hooks, guard)
    routes = [*crm.routes(), *AboutEndpoints(about, guard).routes()]
    return CrmParts(Warm(mirror, sync), sync, mirror, routes, about, source, check, live, refresh, pool)


def unsealing(seal: Seal, make: MakeCrm, pool: "asyncpg.Pool[Any]", renewals: Renewals) -> OpenCrm:
    """Return what opens a connection's credentials and makes its CRM by them; they win over the settings."""

    def open_account(account: Account, turn: Turn) -> Crm:
        key = account.key
        text = seal.open(account.sealed, account.key_id, key.enterprise_id, key.connection_id)
        settings = {**account.settings, **json.loads(text)}
        tokens = PostgresTokens(pool, seal, account, renewals)
        return make(account.vendor, Access(settings, account.country, turn, tokens))

    return open_account


class LazyVendors:
    """The vendors' adapters; they, and httpx with them, are imported when the first connection needs one."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._vendors: Any = None

    def __call__(self, vendor: str, access: Access) -> Crm:
        """Return the CRM of a vendor."""
        crm: Crm = self._opened()(vendor, access)
        return crm

    def prepare(self) -> None:
        """Import all that is needed now: the first call would wait half a second for it, and all others with it."""
        self._opened().prepare()

    def _opened(self) -> Any:
        if self._vendors is None:
            module = importlib.import_module("smart_redirect.adapters.crm.vendors")
            networks = self._settings.listed(self._settings.crm_private_networks)
            self._vendors = module.Vendors(networks, self._settings.crm_ca_file)
        return self._vendors

    async def close(self) -> None:
        """Close what was opened."""
        if self._vendors is not None:
            await self._vendors.close()
