"""The mirror of every vendor, on a real database: after a sync it is what the CRM is, whatever happened there."""

from dataclasses import replace
from time import monotonic
from typing import Any, cast

import pytest

from smart_redirect.adapters.postgres.budgets import PostgresBudgets
from smart_redirect.adapters.postgres.mirror import PostgresMirror
from smart_redirect.domain.crm import Ids, Page, Person
from smart_redirect.domain.phone import normalise
from smart_redirect.usecases.pace import Pace
from smart_redirect.usecases.ports_crm import Crm
from smart_redirect.usecases.ports_mirror import Account as Connection
from smart_redirect.usecases.ports_mirror import Turn
from smart_redirect.usecases.sync_crm import Outcome, Rhythm, SyncCrm
from tests.adapters.crm.account import Account
from tests.fakes.crm.vendor import Customer
from tests.usecases.mirrored import EVERY_TIME, KEY, Mirrored, stop_after


class Both:
    """What was said to the CRM, told once more, beside the mirror of what it answers."""

    def __init__(self, account: Account, mirrored: Mirrored) -> None:
        self.account, self.mirrored = account, mirrored
        self.customers: dict[str, Customer] = {}
        self.moves = 0

    def add(self, customer: Customer) -> str:
        external_id = self.account.vendor.add(customer)
        self.customers[external_id] = customer
        return external_id

    def edit(self, external_id: str, customer: Customer) -> None:
        self.account.vendor.edit(external_id, customer)
        self.customers[external_id] = customer

    def delete(self, external_id: str) -> None:
        self.account.vendor.delete(external_id)
        del self.customers[external_id]

    async def sync(self, turns: int = 10_000, rhythm: Rhythm = EVERY_TIME) -> Outcome:
        pace = Pace(PostgresBudgets(self.mirrored.pool), monotonic)
        sync = SyncCrm(PostgresMirror(self.mirrored.pool), self.open, pace, rhythm)
        return await sync(KEY, stop_after(turns))

    def open(self, connection: Connection, turn: Turn) -> Crm:
        crm = self.account.open_connection(connection, turn)
        return cast(Crm, Moving(crm, self)) if self.moves else crm

    def expected(self) -> set[tuple[str, str, str, str | None]]:
        return {
            (str(normalise(phone, "BY")), external_id, f"{each.last} {each.first}", each.manager)
            for external_id, each in self.customers.items()
            for phone in each.phones
        }


@pytest.fixture
def both(account: Account, mirrored: Mirrored) -> Both:
    both = Both(account, mirrored)
    for number in range(130):
        both.add(Customer(f"Клиент{number}", "Иван", (f"8 029 {2000000 + number}",), "17"))
    return both


async def test_the_mirror_is_what_the_crm_is(both: Both) -> None:
    assert await both.sync() is Outcome.DONE
    assert await both.mirrored.rows() == both.expected()


async def test_edits_deletions_and_phones_that_move_are_followed(both: Both) -> None:
    await both.sync()
    first, second, third, fourth, *_ = both.customers
    both.edit(first, Customer("Новый", "Олег", ("+375 44 765-43-21", "8 029 2000000"), "18"))
    both.edit(second, Customer("Пустой", "Яков", (), None))
    both.edit(third, Customer("Клиент2", "Иван", ("8 029 2000001",), "17"))
    both.delete(fourth)
    both.add(Customer("Поздний", "Глеб", ("+375 33 111-11-11",), None))
    assert await both.sync() is Outcome.DONE
    assert await both.mirrored.rows() == both.expected()


class Moving:
    """A CRM in which, after each of the first pages that is read, one of its people is deleted and another edited."""

    def __init__(self, crm: Crm, both: Both) -> None:
        self._crm, self._both = crm, both

    def __getattr__(self, name: str) -> Any:
        return getattr(self._crm, name)

    async def changes(self, cursor: str | None) -> Page:
        page = await self._crm.changes(cursor)
        self._move([each.external_id for each in page.changes if isinstance(each, Person)])
        return page

    async def ids(self, cursor: str | None) -> Ids:
        page = await self._crm.ids(cursor)
        self._move(list(page.external_ids))
        return page

    def _move(self, told: list[str]) -> None:
        there = [each for each in told if each in self._both.customers]
        if self._both.moves and len(there) > 2:
            self._both.moves -= 1
            self._both.delete(there[0])
            self._both.edit(there[-1], replace(self._both.customers[there[-1]], first="Переписан"))


async def test_nobody_is_lost_when_the_lists_move_while_they_are_read(both: Both) -> None:
    both.moves = 4
    await both.sync()
    assert both.moves < 4
    both.moves = 0
    both.add(Customer("Поздний", "Глеб", ("+375 33 111-11-11",), None))
    assert await both.sync() is Outcome.DONE
    assert await both.mirrored.rows() == both.expected()


async def test_a_sync_that_is_stopped_again_and_again_comes_to_its_end(both: Both) -> None:
    outcomes = [await both.sync(6, Rhythm(sync=0.0)) for _ in range(30)]
    assert Outcome.DONE in outcomes
    assert await both.mirrored.rows() == both.expected()


async def test_a_crm_that_fails_in_between_leaves_what_was_mirrored(both: Both) -> None:
    await both.sync()
    before = await both.mirrored.rows()
    both.account.vendor.revoke()
    assert await both.sync() is Outcome.FAILED
    assert await both.mirrored.rows() == before
    state = await both.mirrored.state()
    assert "CrmRefused" in state["error"]
    assert not any(secret in state["error"] for secret in both.account.vendor.secrets)


async def test_managers_are_mirrored(both: Both) -> None:
    await both.sync()
    rows = await both.mirrored.pool.fetch("SELECT id, extension FROM crm_managers WHERE id IN ('17', '18') ORDER BY id")
    told = "150" if both.account.vendor.tells_extensions else None
    assert [tuple(row) for row in rows] == [("17", told), ("18", None)]
