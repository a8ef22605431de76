"""A shop in RetailCRM for the tests of what is RetailCRM's own: the strict fake, the adapter on it, and its mirror."""

from dataclasses import dataclass

from smart_redirect.adapters.crm import retailcrm
from smart_redirect.adapters.crm.outbound import Outbound
from smart_redirect.adapters.memory_tokens import MemoryTokens
from smart_redirect.adapters.postgres.budgets import PostgresBudgets
from smart_redirect.adapters.postgres.mirror import PostgresMirror
from smart_redirect.domain.crm import Person
from smart_redirect.usecases.pace import Pace
from smart_redirect.usecases.ports_crm import Access, Crm
from smart_redirect.usecases.ports_mirror import Account, Turn
from smart_redirect.usecases.sync_crm import Outcome, SyncCrm
from tests.adapters.crm.reading import all_changes, no_wait
from tests.fakes.crm.retailcrm import RetailCrm
from tests.fakes.crm.vendor import Customer
from tests.usecases.mirrored import EVERY_TIME, KEY, Mirrored

OLGA = Customer("Петрова", "Ольга", ("8 (029) 111-22-33",), "17")
PAVEL = Customer("Белов", "Павел", ("+375291112255",))
LONG = 300.0
"""Seconds after which a history is told in full, whatever came late."""


@dataclass
class Shop:
    """An account and the adapter on it."""

    vendor: RetailCrm
    http: Outbound
    port: int

    def open(self, **settings: object) -> Crm:
        given = {**self.vendor.settings(self.port), **settings}
        return retailcrm.make(self.http, Access(given, "BY", no_wait, MemoryTokens()))

    def open_account(self, account: Account, turn: Turn) -> Crm:
        return retailcrm.make(self.http, Access(self.vendor.settings(self.port), account.country, turn, MemoryTokens()))

    async def fed(self, cursor: str | None = None) -> tuple[dict[str, Person | None], str]:
        return await all_changes(self.open, cursor)

    async def sync(self, mirrored: Mirrored) -> Outcome:
        pace = Pace(PostgresBudgets(mirrored.pool), lambda: 0.0)
        return await SyncCrm(PostgresMirror(mirrored.pool), self.open_account, pace, EVERY_TIME)(KEY)

    def expected(self) -> set[tuple[str, str | None]]:
        """Name and responsible of everybody, told without the adapter's code."""
        rows = self.vendor.fake.customers.values()
        return {(f"{row['lastName']} {row['firstName']}", row.get("managerId")) for row in rows if row["phones"]}
