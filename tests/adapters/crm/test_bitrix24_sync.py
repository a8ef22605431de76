"""A portal of Bitrix24 mirrored into a real database: after each sync the mirror is what the portal has."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from time import monotonic

import pytest

from smart_redirect.adapters.crm import bitrix24
from smart_redirect.adapters.crm.outbound import Outbound
from smart_redirect.adapters.memory_tokens import MemoryTokens
from smart_redirect.adapters.postgres.budgets import PostgresBudgets
from smart_redirect.adapters.postgres.mirror import PostgresMirror
from smart_redirect.adapters.postgres.pool import open_pool
from smart_redirect.domain.phone import normalise
from smart_redirect.usecases.pace import Pace
from smart_redirect.usecases.ports_crm import Access, Crm
from smart_redirect.usecases.ports_mirror import Account, Turn
from smart_redirect.usecases.sync_crm import Outcome, SyncCrm
from tests.fakes.crm.bitrix24 import Bitrix24
from tests.fakes.crm.server import serving
from tests.fakes.crm.vendor import Customer
from tests.usecases.mirrored import EVERY_TIME, KEY, Mirrored, Row, stop_after


@dataclass
class Synced:
    """A portal and its mirror."""

    vendor: Bitrix24
    mirrored: Mirrored
    http: Outbound
    port: int

    def open(self, account: Account, turn: Turn) -> Crm:
        given = {**account.settings, **self.vendor.settings(self.port)}
        return bitrix24.make(self.http, Access(given, "BY", turn, MemoryTokens()))

    async def sync(self, turns: int = 1000) -> Outcome:
        pool = self.mirrored.pool
        pace = Pace(PostgresBudgets(pool), monotonic)
        return await SyncCrm(PostgresMirror(pool), self.open, pace, EVERY_TIME)(KEY, stop_after(turns))

    def expected(self) -> set[Row]:
        """What the mirror has to be, told from the portal's rows without any code of the adapter."""
        companies = {str(key): row["TITLE"] for key, row in self.vendor.fake.rows["company"].items()}
        found: set[Row] = set()
        for kind, rows in self.vendor.fake.rows.items():
            for key, row in rows.items():
                own = companies[str(key)] if kind == "company" else f"{row['LAST_NAME']} {row['NAME']}"
                of = companies.get(row["COMPANY_ID"] or "", "") if kind == "contact" else ""
                phones = {normalise(each["VALUE"], "BY") for each in row["PHONE"] or ()}
                names = (f"{kind}:{key}", f"{of} {own}".strip(), row["ASSIGNED_BY_ID"])
                found |= {(str(phone), *names) for phone in phones}
        return found


@pytest.fixture
async def synced(outbound: Outbound, database_url: str) -> AsyncIterator[Synced]:
    pool = await open_pool(database_url, size=2)
    vendor, mirrored = Bitrix24(), Mirrored(pool)
    await mirrored.connect(KEY)
    vendor.add_manager("17", "Иванова", "Анна", "150")
    async with serving(vendor.fake) as port:
        yield Synced(vendor, mirrored, outbound, port)
    pool.terminate()
    assert vendor.fake.refusals == []


def fill(vendor: Bitrix24) -> list[str]:
    people = [Customer(f"Клиент{n}", "Иван", (f"8 029 {1000000 + n}",), "17", "Ф" * (n % 7 == 0)) for n in range(180)]
    return [
        *(vendor.add(each) for each in people),
        *(vendor.add(Customer("Лид", "Олег", (f"+37533{1000000 + n}",), "18"), "lead") for n in range(60)),
        vendor.add_company("Ромашка", ("+375172001122",)),
    ]


def upset(vendor: Bitrix24, contacts: list[str]) -> None:
    """Edit, delete, merge, move a phone, rename a company, delete a lead, and add somebody."""
    vendor.edit(contacts[0], Customer("Новый", "Имя", ("+375447654321",), "18"))
    vendor.delete(contacts[1])
    vendor.merge(contacts[2], contacts[3])
    vendor.change(contacts[4], PHONE=[*vendor.row(contacts[5])["PHONE"]])
    vendor.change(contacts[5], PHONE=None)
    vendor.change("company:102", TITLE="Василёк")
    vendor.delete(contacts[200])
    vendor.add(Customer("Поздний", "Пётр", ("+375297777777",), "17"))


async def test_a_mirror_follows_all_that_happens(synced: Synced) -> None:
    contacts = fill(synced.vendor)
    assert await synced.sync() is Outcome.DONE
    before = await synced.mirrored.rows()
    assert before == synced.expected()
    synced.vendor.fake.tick(600)
    upset(synced.vendor, contacts)
    assert await synced.sync() is Outcome.DONE
    assert await synced.mirrored.rows() == synced.expected() != before


async def test_a_walk_goes_on_with_few_requests_a_run(synced: Synced) -> None:
    fill(synced.vendor)
    outcomes = []
    while not outcomes or outcomes[-1] is not Outcome.DONE:
        outcomes.append(await synced.sync(turns=4))
        assert len(outcomes) < 30
    assert outcomes[0] is Outcome.PAUSED
    assert await synced.mirrored.rows() == synced.expected()


async def test_an_emptied_portal_empties_the_mirror(synced: Synced) -> None:
    fill(synced.vendor)
    await synced.sync()
    for rows in synced.vendor.fake.rows.values():
        rows.clear()
    assert await synced.sync() is Outcome.DONE
    assert await synced.mirrored.rows() == set()
