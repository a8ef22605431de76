"""What is written late, or with a time of its own, is not lost in amoCRM; and deletions are known from its events."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from time import time

import pytest

from smart_redirect.adapters.crm import amocrm
from smart_redirect.adapters.crm.outbound import Outbound
from smart_redirect.adapters.memory_tokens import MemoryTokens
from smart_redirect.domain.crm import Person
from smart_redirect.usecases.ports_crm import Access, Crm
from tests.adapters.crm.reading import all_changes, no_wait
from tests.adapters.crm.test_adapters import all_ids
from tests.fakes.crm.amocrm import AmoCrm
from tests.fakes.crm.server import serving
from tests.fakes.crm.vendor import Customer

OLGA = Customer("Петрова", "Ольга", ("80291112233",), "17")
PAVEL = Customer("Белов", "Павел", ("+375291112255",), "18")
YEAR = 365 * 86_400


@dataclass
class Sub:
    """An account and the adapter on it, with a clock of our own."""

    vendor: AmoCrm
    http: Outbound
    port: int
    ahead: float = 0.0

    def open(self) -> Crm:
        access = Access(self.vendor.settings(self.port), "BY", no_wait, MemoryTokens())
        return amocrm.make(self.http, access, lambda: time() + self.ahead)

    async def fed(self, cursor: str | None = None) -> tuple[dict[str, Person | None], str]:
        return await all_changes(self.open, cursor)

    def date(self, external_id: str, second: float) -> None:
        self.vendor.fake.rows["contacts"][int(external_id.partition(":")[2])]["updated_at"] = int(second)

    def requests(self, path: str) -> int:
        return self.vendor.fake.seen.count(f"GET /api/v4/{path}")


@pytest.fixture
async def sub(outbound: Outbound) -> AsyncIterator[Sub]:
    vendor = AmoCrm()
    async with serving(vendor.fake) as port:
        yield Sub(vendor, outbound, port)
    assert vendor.fake.refusals == []


@pytest.mark.parametrize("count", [1, 100, 250])
async def test_rows_of_times_to_come_hide_no_changes(sub: Sub, count: int) -> None:
    given = [sub.vendor.add(OLGA) for _ in range(count + 120)]
    for each in given[:count]:
        sub.date(each, time() + YEAR)
    told, cursor = await sub.fed()
    assert set(told) == set(given)
    for _ in range(2):
        sub.vendor.edit(given[-1], PAVEL)
        told, cursor = await sub.fed(cursor)
        person = told[given[-1]]
        assert person is not None
        assert person.name == "Белов Павел"


async def test_a_sweep_meets_everybody_whatever_time_he_has(sub: Sub) -> None:
    given = [sub.vendor.add(OLGA) for _ in range(220)]
    for each in given[:150]:
        sub.date(each, time() + YEAR)
    assert set(await all_ids(sub.open())) == set(given)


async def test_a_cursor_that_is_ahead_of_the_time_begins_anew(sub: Sub) -> None:
    olga = sub.vendor.add(OLGA)
    before = f'{{"since": [{int(time()) + YEAR}, 0], "page": 1, "kind": 0, "walked": true}}'
    assert olga in (await sub.fed(before))[0]


async def test_one_who_is_seen_a_minute_after_his_time_is_met(sub: Sub) -> None:
    olga, pavel = sub.vendor.add(OLGA), sub.vendor.add(PAVEL)
    _, cursor = await sub.fed()
    sub.vendor.fake.commits_late = True
    sub.vendor.edit(olga, PAVEL)
    sub.vendor.fake.commits_late = False
    sub.vendor.edit(pavel, OLGA)
    _, cursor = await sub.fed(cursor)
    sub.vendor.fake.catch_up()
    person = (await sub.fed(cursor))[0][olga]
    assert person is not None
    assert person.name == "Белов Павел"


async def test_one_who_is_deleted_is_gone_with_the_next_changes(sub: Sub) -> None:
    olga, pavel = sub.vendor.add(OLGA), sub.vendor.add(PAVEL)
    _, cursor = await sub.fed()
    sub.vendor.delete(olga)
    told, _ = await sub.fed(cursor)
    assert (told[olga], told.get(pavel) is None) == (None, pavel not in told)


async def test_many_deletions_are_read_page_by_page_and_not_again_with_every_run(sub: Sub) -> None:
    given = [sub.vendor.add(OLGA) for _ in range(230)]
    _, cursor = await sub.fed()
    for each in given:
        sub.vendor.delete(each)
    told, cursor = await sub.fed(cursor)
    assert {each for each, person in told.items() if person is None} == set(given)
    sub.vendor.fake.seen.clear()
    sub.ahead = 600.0
    assert (await sub.fed(cursor))[0] == {}
    assert sub.requests("events") == 1


async def test_one_who_was_deleted_and_restored_is_there(sub: Sub) -> None:
    olga = sub.vendor.add(OLGA)
    _, cursor = await sub.fed()
    sub.vendor.delete(olga)
    sub.vendor.edit(olga, OLGA)
    assert (await sub.fed(cursor))[0][olga] is not None


async def test_a_plan_without_events_is_asked_once_a_day_and_has_the_sweep(sub: Sub) -> None:
    sub.vendor.fake.has_events = False
    olga, pavel = sub.vendor.add(OLGA), sub.vendor.add(PAVEL)
    _, cursor = await sub.fed()
    sub.vendor.delete(olga)
    told, cursor = await sub.fed(cursor)
    assert (olga in told, sub.requests("events")) == (told.get(olga) is not None, 1)
    assert await all_ids(sub.open()) == (pavel,)
    sub.ahead = 86_500.0
    await sub.fed(cursor)
    assert sub.requests("events") == 2


async def test_a_phone_with_something_between_its_digits_is_the_mirror_s_to_find(sub: Sub) -> None:
    olga = sub.vendor.add(Customer("Петрова", "Ольга", ("8 (029) 111-22-33",)))
    assert (await sub.open().lookup("+375291112233", 5.0)).people == ()
    assert olga in (await sub.fed())[0]
