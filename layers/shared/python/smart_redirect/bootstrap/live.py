"""Puts live look-ups together for the function that answers calls; imported only where the deployment wants them."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from smart_redirect.adapters.postgres.budgets import PostgresBudgets
from smart_redirect.adapters.postgres.live import PostgresLive
from smart_redirect.adapters.postgres.pool import RenewedUrl, open_pool
from smart_redirect.adapters.postgres.tokens import Renewals
from smart_redirect.adapters.sealed import Seal
from smart_redirect.bootstrap.crm import LazyVendors, unsealing
from smart_redirect.settings import Settings
from smart_redirect.usecases.live_asking import Patience
from smart_redirect.usecases.live_cache import Lasting
from smart_redirect.usecases.live_lookup import LiveLookup


@asynccontextmanager
async def open_live(settings: Settings, renewed: RenewedUrl | None = None) -> AsyncIterator[LiveLookup]:
    """Yield look-ups on one connection of their own, because the call path keeps its own for the facts."""
    vendors = LazyVendors(settings)
    # In Lambda's init phase: a first call would wait half a second for it.
    vendors.prepare()
    statements = settings.statement_cache
    pool = await open_pool(settings.database_url, size=1, statement_cache=statements, renewed=renewed)
    budgets, seal = PostgresBudgets(pool), Seal(settings.key_bytes, settings.key_id)
    patience = Patience(in_process=Lasting(settings.names_seconds, settings.routes_seconds))
    renewals = Renewals()
    opened = unsealing(seal, vendors, pool, renewals)
    try:
        yield LiveLookup(PostgresLive(pool), opened, budgets, time.monotonic, patience)
    finally:
        await renewals.finish()
        await vendors.close()
        pool.terminate()
