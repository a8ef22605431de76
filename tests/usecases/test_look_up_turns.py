"""A look-up gets all requests that it needs beside a walk, and no window has more than the vendor allows."""

import asyncio
import random
from dataclasses import dataclass, field

import pytest

from smart_redirect.adapters.memory_live import MemoryBudgets
from smart_redirect.adapters.memory_mirror_rows import ConnectionRows, MirrorRows
from smart_redirect.domain.crm_budget import rate_of
from smart_redirect.usecases.look_up_turns import LookUpTurns
from smart_redirect.usecases.pace import OutOfTime, Pace
from smart_redirect.usecases.ports_mirror import Account, Grant, Key
from tests.domain.test_crm_budget import LIMITS
from tests.fakes.virtual_time import run_virtually

KEY = Key(1, 1)
TWO_REQUESTS = ["retailcrm", "amocrm", "moysklad", "bitrix24"]


@dataclass
class Traffic:
    """The requests of one connection by their times, and how long each look-up was kept waiting for its turns."""

    account: Account
    sent: list[float] = field(default_factory=list)
    waited: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.now = asyncio.get_running_loop().time
        rows = MirrorRows(self.now)
        rows.connect(ConnectionRows(self.account))
        self.budgets = MemoryBudgets(rows)

    async def walk(self) -> None:
        """Sync without an end."""
        pace = Pace(self.budgets, self.now, lambda seconds: asyncio.sleep(max(seconds, 0.001)))
        while True:
            await pace.turn(self.account)
            self.sent.append(self.now())
            await asyncio.sleep(0.001)

    async def look_up(self, takes: float) -> None:
        """Send two requests, the second when the first is answered."""
        turns, waited = LookUpTurns(self.account, self.budgets, self.now, self.now() + 3.0), 0.0
        for _ in range(2):
            began = self.now()
            try:
                await turns()
            except OutOfTime:
                return
            waited += self.now() - began
            self.sent.append(self.now())
            await asyncio.sleep(takes)
        self.waited.append(waited)

    async def look_up_at(self, begins: float, takes: float) -> None:
        await asyncio.sleep(begins)
        await self.look_up(takes)

    def most(self, seconds: float) -> int:
        """Return the most requests that a window of so many seconds has."""
        return max(sum(begins <= at < begins + seconds for at in self.sent) for begins in self.sent)


async def beside_a_walk(vendor: str, every: float, takes: list[float]) -> Traffic:
    """Have look-ups begin beside a walk, one after another and never in step with it."""
    chance = random.Random(7)
    traffic = Traffic(Account(KEY, vendor, "BY"))
    walking = asyncio.create_task(traffic.walk())
    await asyncio.sleep(20)
    looking_up = []
    for each in takes:
        await asyncio.sleep(every * chance.uniform(0.8, 1.2))
        looking_up.append(asyncio.create_task(traffic.look_up(each)))
    await asyncio.gather(*looking_up)
    walking.cancel()
    return traffic


@pytest.mark.parametrize("vendor", TWO_REQUESTS)
def test_each_look_up_gets_both_requests_at_once_beside_a_walk(vendor: str) -> None:
    assert run_virtually(beside_a_walk(vendor, 1.0, [0.1] * 12)).waited == [0.0] * 12


@pytest.mark.parametrize("vendor", TWO_REQUESTS)
def test_a_slow_crm_is_asked_to_the_end(vendor: str) -> None:
    waited = run_virtually(beside_a_walk(vendor, 1.5, [0.7] * 12)).waited
    assert (len(waited), max(waited) < 0.5) == (12, True)


@pytest.mark.parametrize(("vendor", "requests", "seconds"), LIMITS)
@pytest.mark.parametrize("seed", range(3))
def test_no_window_has_more_than_the_vendor_allows_however_look_ups_come(
    vendor: str, requests: int, seconds: float, seed: int
) -> None:
    chance = random.Random(seed)
    takes = [chance.choice([0.01, 0.1, 0.14, 0.2, 0.37, 1.0, 2.5]) for _ in range(300)]
    assert run_virtually(beside_a_walk(vendor, chance.choice([0.02, 0.1, 0.3]), takes)).most(seconds) <= requests


async def all_at_last(vendor: str) -> Traffic:
    """Have many look-ups send what they have not sent yet at the moment at which many others begin."""
    traffic = Traffic(Account(KEY, vendor, "BY"))
    slow = [asyncio.create_task(traffic.look_up_at(0.5 * number, 2.5 - 0.5 * number)) for number in range(5)]
    quick = [asyncio.create_task(traffic.look_up_at(2.5 + number / 100, 0.001)) for number in range(500)]
    await asyncio.gather(*slow, *quick)
    return traffic


@pytest.mark.parametrize(("vendor", "requests", "seconds"), LIMITS)
def test_what_look_ups_have_taken_and_not_sent_adds_nothing_to_a_window(
    vendor: str, requests: int, seconds: float
) -> None:
    assert run_virtually(all_at_last(vendor)).most(seconds) <= requests


def test_a_look_up_that_gets_less_than_it_may_need_goes_on_with_that() -> None:
    async def ask() -> list[float]:
        traffic = Traffic(Account(KEY, "amocrm", "BY"))
        await traffic.budgets.take(KEY, 2, rate_of("amocrm", {}), 0)
        await traffic.look_up(0.01)
        return traffic.waited

    assert run_virtually(ask()) == [pytest.approx(0.24, abs=0.02)]


def test_without_any_request_left_it_does_not_begin() -> None:
    async def ask() -> tuple[Grant, list[float]]:
        traffic = Traffic(Account(KEY, "amocrm", "BY"))
        await traffic.budgets.take(KEY, 3, rate_of("amocrm", {}), 0)
        await traffic.look_up(0.01)
        return await traffic.budgets.take(KEY, 1, rate_of("amocrm", {}), 0), traffic.sent

    grant, sent = run_virtually(ask())
    assert (grant.requests, sent) == (0, [])
