"""Enterprises with CRMs in memory and their mirrors in a real database, for the tests of the mirror."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from smart_redirect.adapters.memory_crm import MemoryCrm, PacedCrm
from smart_redirect.adapters.postgres.budgets import PostgresBudgets
from smart_redirect.adapters.postgres.mirror import PostgresMirror
from smart_redirect.domain.crm import Person
from smart_redirect.domain.phone import normalise
from smart_redirect.usecases.pace import Pace
from smart_redirect.usecases.ports_mirror import Account, Key, Turn
from smart_redirect.usecases.sync_crm import Outcome, Rhythm, SyncCrm

KEY = Key(1, 1)
EVERY_TIME = Rhythm(sync=0.0, managers=0.0, sweep=0.0)
FAST = {"requests_per_second": 9000, "burst": 9000}
Row = tuple[str, str, str, str | None]


@dataclass
class Mirrored:
    """One database with its enterprises; `crms` are what their connections reach."""

    pool: Any
    crms: dict[Key, MemoryCrm] = field(default_factory=dict)

    async def connect(self, key: Key, crm: MemoryCrm | None = None, **settings: object) -> MemoryCrm:
        enterprise = "INSERT INTO enterprises (id, number, name) OVERRIDING SYSTEM VALUE VALUES ($1, $2, 'x')"
        await self.pool.execute(enterprise + " ON CONFLICT DO NOTHING", key.enterprise_id, f"{key.enterprise_id:04}")
        row = key.enterprise_id, key.connection_id, json.dumps({**FAST, **settings})
        await self.pool.execute(
            "INSERT INTO crm_connections (enterprise_id, id, vendor, name, position, settings, sealed, key_id)"
            " VALUES ($1, $2::int, 'memory', 'CRM', $2::int, $3, 'sealed', 1)",
            *row,
        )
        self.crms[key] = crm or MemoryCrm()
        return self.crms[key]

    def open(self, account: Account, turn: Turn) -> PacedCrm:
        return PacedCrm(self.crms[account.key], turn)

    def syncing(self, rhythm: Rhythm = EVERY_TIME) -> SyncCrm:
        return SyncCrm(PostgresMirror(self.pool), self.open, Pace(PostgresBudgets(self.pool), monotonic), rhythm)

    async def sync(self, key: Key = KEY, may_go_on: Callable[[], bool] = lambda: True) -> Outcome:
        return await self.syncing()(key, may_go_on)

    async def rows(self, key: Key = KEY) -> set[Row]:
        query = """SELECT phone, external_id, name, responsible_id FROM crm_contacts
            WHERE enterprise_id = $1 AND connection_id = $2"""
        return {tuple(row) for row in await self.pool.fetch(query, key.enterprise_id, key.connection_id)}

    async def state(self, key: Key = KEY) -> Any:
        query = "SELECT * FROM crm_sync WHERE enterprise_id = $1 AND connection_id = $2"
        return await self.pool.fetchrow(query, key.enterprise_id, key.connection_id)

    def expected(self, key: Key = KEY) -> set[Row]:
        """What the mirror of a CRM has to be, told without any code of the mirror."""
        return {row for person in self.crms[key].people_now.values() for row in _rows(person)}


def _rows(person: Person) -> set[Row]:
    phones = {normalise(raw, "BY") for raw in person.phones} - {None}
    return {(str(phone), person.external_id, person.name, person.responsible_id) for phone in phones}


def people(count: int, first: int = 0) -> list[Person]:
    """So many people with a phone each."""
    numbers = range(first, first + count)
    return [Person(f"{number:04}", f"Клиент {number}", (f"8 029 {1000000 + number}",), "17") for number in numbers]


def stop_after(turns: int) -> Callable[[], bool]:
    """Say no when the run has been asked so often."""
    left = iter([True] * turns)
    return lambda: next(left, False)
