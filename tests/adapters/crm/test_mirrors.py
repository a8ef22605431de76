"""The mirror of every vendor, on a real database: after a sync it is what the CRM is, whatever happened there."""

from time import monotonic

import pytest

from smart_redirect.adapters.postgres.budgets import PostgresBudgets
from smart_redirect.adapters.postgres.mirror import PostgresMirror
from smart_redirect.domain.phone import normalise
from smart_redirect.usecases.pace import Pace
from smart_redirect.usecases.sync_crm import Outcome, Rhythm, SyncCrm
from tests.adapters.crm.account import Account
from tests.fakes.crm.vendor import Customer
from tests.usecases.mirrored import EVERY_TIME, KEY, Mirrored, stop_after


class Both:
    """What was said to the CRM, told once more, beside the mirror of what it answers."""

    def __init__(self, account: Account, mirrored: Mirrored) -> None:
        self.account, self.mirrored = account, mirrored
        self.customers: dict[str, Customer] = {}

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
        sync = SyncCrm(PostgresMirror(self.mirrored.pool), self.account.open_connection, pace, rhythm)
        return await sync(KEY, stop_after(turns))

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
