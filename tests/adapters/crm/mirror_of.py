"""The mirror of one connection in a real database, for the tests that sync an adapter over its fake."""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from time import monotonic

from smart_redirect.adapters.memory_tokens import MemoryTokens
from smart_redirect.adapters.postgres.budgets import PostgresBudgets
from smart_redirect.adapters.postgres.mirror import PostgresMirror
from smart_redirect.adapters.postgres.pool import open_pool
from smart_redirect.domain.phone import normalise
from smart_redirect.usecases.pace import Pace
from smart_redirect.usecases.ports_crm import Access, Crm
from smart_redirect.usecases.ports_mirror import Account, Turn
from smart_redirect.usecases.sync_crm import Outcome, SyncCrm
from tests.usecases.mirrored import EVERY_TIME, KEY, Mirrored, Row


@dataclass
class MirrorOf:
    """Syncs a CRM that `make` opens, with these settings."""

    kept: Mirrored
    make: Callable[[Access], Crm]
    settings: Mapping[str, object]

    async def sync(self, may_go_on: Callable[[], bool] = lambda: True) -> Outcome:
        pace = Pace(PostgresBudgets(self.kept.pool), monotonic)
        return await SyncCrm(PostgresMirror(self.kept.pool), self.open, pace, EVERY_TIME)(KEY, may_go_on)

    def open(self, account: Account, turn: Turn) -> Crm:
        return self.make(Access(self.settings, account.country, turn, MemoryTokens()))

    async def rows(self) -> set[Row]:
        return await self.kept.rows()


@asynccontextmanager
async def mirror_of(url: str, make: Callable[[Access], Crm], settings: Mapping[str, object]) -> AsyncIterator[MirrorOf]:
    """Open a database with one connection in it."""
    pool = await open_pool(url, size=4)
    kept = Mirrored(pool)
    await kept.connect(KEY)
    yield MirrorOf(kept, make, settings)
    pool.terminate()


def rows_of(external_id: str, name: str, phones: Iterable[str], manager: str | None) -> set[Row]:
    """Return what a mirror has to have of one customer."""
    return {(phone, external_id, name, manager) for each in phones if (phone := normalise(each, "BY"))}
