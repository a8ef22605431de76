"""The ports of the mirrors on PostgreSQL and in memory, set up alike and with a clock that can be put forward."""

import json
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from smart_redirect.adapters.memory_live import MemoryBudgets, MemoryHooks, MemoryLive
from smart_redirect.adapters.memory_mirror import MemoryMirror
from smart_redirect.adapters.memory_mirror_rows import ConnectionRows, MirrorRows
from smart_redirect.adapters.memory_warm import MemoryCalls
from smart_redirect.adapters.postgres.budgets import PostgresBudgets
from smart_redirect.adapters.postgres.hooks import PostgresHooks
from smart_redirect.adapters.postgres.live import PostgresLive
from smart_redirect.adapters.postgres.mirror import PostgresMirror
from smart_redirect.adapters.postgres.warm import PostgresEnding, PostgresRecent
from smart_redirect.usecases.ports_mirror import Account, Budgets, Hooks, Key, LiveLedger, Mirror
from smart_redirect.usecases.ports_warm import EndingLedger, RecentCallers

# phone, person, name, responsible, extension that a look-up brought, whether it is the mirror's own
Contact = tuple[str, str, str, str | None, str | None, bool]
TIMES = {
    "crm_leases": ("until",),
    "crm_sync": ("next_at", "open_until", "look_ups_open_until", "swept_at", "managers_at"),
    "crm_contacts": ("expires_at",),
    "crm_misses": ("until",),
    "crm_budgets": ("filled_at",),
    "calls": ("started_at",),
    "decisions": ("decided_at",),
}


@dataclass(frozen=True, slots=True)
class Given:
    """A connection as a test wants it."""

    key: Key
    settings: dict[str, object] = field(default_factory=dict)
    enabled: bool = True
    sealed: bytes = b"sealed"
    hook: UUID | None = None
    secret_hash: bytes | None = None
    position: int = 1


@dataclass(slots=True)
class PostgresStore:
    """The real thing; time is put forward by taking all that is stored back."""

    pool: Any
    mirror: Mirror
    hooks: Hooks
    budgets: Budgets
    live: LiveLedger
    ending: EndingLedger
    recent: RecentCallers

    @classmethod
    def on(cls, pool: Any) -> "PostgresStore":
        parts = PostgresMirror, PostgresHooks, PostgresBudgets, PostgresLive, PostgresEnding, PostgresRecent
        return cls(pool, *(part(pool) for part in parts))

    async def connect(self, given: Given) -> None:
        key = given.key
        enterprise = "INSERT INTO enterprises (id, number, name) OVERRIDING SYSTEM VALUE VALUES ($1, $2, 'x')"
        await self.pool.execute(enterprise + " ON CONFLICT DO NOTHING", key.enterprise_id, f"{key.enterprise_id:04}")
        columns = "enterprise_id, id, vendor, name, settings, enabled, sealed, key_id, hook, hook_hash, position"
        row = json.dumps(given.settings), given.enabled, given.sealed or None, 1 if given.sealed else None
        await self.pool.execute(
            f"INSERT INTO crm_connections ({columns})"
            " VALUES ($1, $2, 'memory', 'CRM', $3, $4, $5, $6, coalesce($7, gen_random_uuid()), $8, $9)",
            key.enterprise_id,
            key.connection_id,
            *row,
            given.hook,
            given.secret_hash,
            given.position,
        )

    async def call(self, enterprise_id: int, phone: str, ago: float) -> None:
        at = timedelta(seconds=ago)
        await self.pool.execute(
            "INSERT INTO calls (enterprise_id, unique_id, started_at, caller) VALUES ($1, gen_random_uuid(), now() - $2::interval, $3)",
            enterprise_id,
            at,
            phone,
        )
        await self.pool.execute(
            "INSERT INTO decisions (decided_at, enterprise_id, mode, reason, trace, sources, timings)"
            " VALUES (now() - $2::interval, $1, 'off', 'x', '[]', '[]', '{}')",
            enterprise_id,
            at,
        )

    async def advance(self, seconds: float) -> None:
        for table, columns in TIMES.items():
            changes = ", ".join(f"{column} = {column} - $1::interval" for column in columns)
            await self.pool.execute(f"UPDATE {table} SET {changes}", timedelta(seconds=seconds))

    async def contacts(self, key: Key) -> set[Contact]:
        query = """SELECT phone, external_id, name, responsible_id, responsible_extension, expires_at IS NULL
            FROM crm_contacts WHERE enterprise_id = $1 AND connection_id = $2"""
        return {tuple(row) for row in await self.pool.fetch(query, key.enterprise_id, key.connection_id)}

    async def leads(self, key: Key) -> set[str]:
        query = "SELECT external_id FROM crm_contacts WHERE enterprise_id = $1 AND connection_id = $2 AND is_lead"
        return {row["external_id"] for row in await self.pool.fetch(query, key.enterprise_id, key.connection_id)}

    async def told(self, key: Key) -> tuple[set[str], str | None]:
        """The ids of managers, and what a person should know."""
        where = "WHERE enterprise_id = $1 AND connection_id = $2"
        place = key.enterprise_id, key.connection_id
        managers = await self.pool.fetch(f"SELECT id FROM crm_managers {where}", *place)
        return {row["id"] for row in managers}, await self.pool.fetchval(f"SELECT error FROM crm_sync {where}", *place)

    async def misses(self, key: Key) -> set[str]:
        query = "SELECT phone FROM crm_misses WHERE enterprise_id = $1 AND connection_id = $2"
        return {row["phone"] for row in await self.pool.fetch(query, key.enterprise_id, key.connection_id)}


@dataclass(slots=True)
class MemoryStore:
    """The same in memory."""

    rows: MirrorRows
    mirror: Mirror
    hooks: Hooks
    budgets: Budgets
    live: LiveLedger
    calls: MemoryCalls
    now: float = 1e9

    @classmethod
    def make(cls) -> "MemoryStore":
        rows = MirrorRows(lambda: store.now)
        store = cls(
            rows, MemoryMirror(rows), MemoryHooks(rows), MemoryBudgets(rows), MemoryLive(rows), MemoryCalls(rows)
        )
        return store

    @property
    def ending(self) -> EndingLedger:
        return self.calls

    @property
    def recent(self) -> RecentCallers:
        return self.calls

    async def connect(self, given: Given) -> None:
        account = Account(given.key, "memory", "BY", given.settings, given.sealed, 1)
        hook = str(given.hook or "")
        rows = ConnectionRows(account, given.position, given.enabled, hook, given.secret_hash)
        self.rows.connect(rows)

    async def call(self, enterprise_id: int, phone: str, ago: float) -> None:
        self.calls.call(enterprise_id, phone, self.now - ago)

    async def advance(self, seconds: float) -> None:
        self.now += seconds

    async def contacts(self, key: Key) -> set[Contact]:
        rows = self.rows.connections[key].contacts.items()
        return {(*at, r.name, r.responsible_id, r.extension, r.expires_at is None) for at, r in rows}

    async def leads(self, key: Key) -> set[str]:
        return {each for (_, each), row in self.rows.connections[key].contacts.items() if row.is_lead}

    async def told(self, key: Key) -> tuple[set[str], str | None]:
        rows = self.rows.connections[key]
        return {each.id for each in rows.managers}, rows.sync.error if rows.sync else None

    async def misses(self, key: Key) -> set[str]:
        return set(self.rows.connections[key].misses)


Store = PostgresStore | MemoryStore
