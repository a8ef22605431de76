"""Snapshots in memory: shared loads, time to live, refresh in the background, bounded."""

import asyncio
from dataclasses import replace

import pytest

from smart_redirect.domain.enterprise import Enterprise
from smart_redirect.domain.token import token_hash
from smart_redirect.errors import DatabaseUnavailable, TokenUnknown
from smart_redirect.usecases.snapshots import Held, Snapshots
from tests.fakes.virtual_time import run_virtually
from tests.usecases.desk import KEY, TOKEN, Desk, enterprise

HASH = token_hash(KEY, TOKEN)


async def test_calls_that_need_the_same_snapshot_share_one_load() -> None:
    desk = Desk()
    await asyncio.gather(*(desk.snapshots.find(HASH, desk.now + 1) for _ in range(20)))
    assert desk.database.reads == 1


class SlowSource(Desk):
    """A desk on the loop's clock whose first load hangs until its deadline, and whose next ones take 10 ms."""

    def __init__(self) -> None:
        super().__init__()
        self.loads = 0
        fast = self.database.load

        async def load(token: bytes, deadline: float) -> Enterprise | None:
            self.loads += 1
            await asyncio.sleep(deadline - self.clock() if self.loads == 1 else 0.01)
            if self.loads == 1:
                raise DatabaseUnavailable("late")
            return await fast(token, deadline)

        self.database.load = load  # type: ignore[method-assign]

    def clock(self) -> float:
        """Return the loop's time."""
        return asyncio.get_running_loop().time()

    async def find(self, within: float) -> float:
        """Return how long it took to be told that the database is away."""
        began = self.clock()
        with pytest.raises(DatabaseUnavailable):
            await self.snapshots.find(HASH, began + within)
        return self.clock() - began


def test_who_shares_a_load_waits_no_longer_than_his_own_deadline() -> None:
    async def share() -> list[float]:
        desk = SlowSource()
        return await asyncio.gather(desk.find(0.285), desk.find(0.02))

    assert run_virtually(share()) == pytest.approx([0.285, 0.02], abs=1e-6)


def test_who_shares_the_load_of_a_late_call_tries_again_with_his_own_time() -> None:
    async def share() -> Held:
        desk = SlowSource()
        _, held = await asyncio.gather(desk.find(0.02), desk.snapshots.find(HASH, desk.clock() + 0.285))
        return held

    assert run_virtually(share()).enterprise.number == "0367"


async def test_a_cancelled_call_does_not_take_the_load_from_the_others() -> None:
    desk = Desk()
    first = asyncio.create_task(desk.snapshots.find(HASH, desk.now + 1))
    second = asyncio.create_task(desk.snapshots.find(HASH, desk.now + 1))
    await asyncio.sleep(0)
    first.cancel()
    assert (await second).enterprise.number == "0367"


async def test_a_load_that_failed_is_not_remembered() -> None:
    desk = Desk()
    desk.database.down = True
    with pytest.raises(DatabaseUnavailable):
        await desk.snapshots.find(HASH, desk.now + 1)
    desk.database.down = False
    assert (await desk.snapshots.find(HASH, desk.now + 1)).enterprise.number == "0367"


async def test_past_its_time_to_live_a_snapshot_is_asked_for_whole() -> None:
    desk = Desk()
    held = await desk.snapshots.find(HASH, desk.now + 1)
    assert desk.snapshots.wanted_version(held) == 1
    desk.now += 61
    assert desk.snapshots.wanted_version(held) == 0


async def test_what_is_in_use_is_refreshed_half_way_and_what_is_not_is_left() -> None:
    desk = Desk()
    await desk.snapshots.find(HASH, desk.now + 1)
    desk.now += 29
    assert await desk.snapshots.refresh(desk.now + 1) == 0
    desk.now += 2
    assert await desk.snapshots.refresh(desk.now + 1) == 1
    desk.now += 700
    assert await desk.snapshots.refresh(desk.now + 1) == 0


async def test_a_refresh_takes_new_settings_and_drops_an_enterprise_that_is_gone() -> None:
    desk = Desk()
    await desk.snapshots.find(HASH, desk.now + 1)
    desk.database.save(enterprise(full_phones=True))
    desk.now += 40
    await desk.snapshots.refresh(desk.now + 1)
    held = desk.snapshots.known(HASH)
    assert held is not None
    assert held.enterprise.full_phones
    desk.database.enterprises.clear()
    desk.now += 40
    await desk.snapshots.refresh(desk.now + 1)
    assert desk.snapshots.known(HASH) is None


async def test_a_refresh_without_the_database_leaves_what_is_held() -> None:
    desk = Desk()
    held = await desk.snapshots.find(HASH, desk.now + 1)
    desk.database.down = True
    desk.now += 40
    assert await desk.snapshots.refresh(desk.now + 1) == 0
    assert desk.snapshots.known(HASH) is held


async def test_a_refresh_keeps_the_switch_for_all() -> None:
    desk = Desk()
    desk.database.all_switched_off = True
    await desk.ask()
    desk.now += 40
    await desk.snapshots.refresh(desk.now + 1)
    held = desk.snapshots.known(HASH)
    assert held is not None
    assert held.all_switched_off


async def test_a_new_token_counts_at_once_and_a_withdrawn_one_no_longer() -> None:
    desk = Desk()
    await desk.ask()
    desk.database.save(enterprise(tokens={token_hash(KEY, "new"): None}))
    assert (await desk.ask(token="new")).context is not None
    with pytest.raises(TokenUnknown):
        await desk.ask()


async def test_unknown_tokens_are_remembered_within_bounds() -> None:
    desk = Desk()
    snapshots = Snapshots(desk.database, desk.clock, capacity=3)
    for number in (1, 2, 3, 4, 4, 1):
        with pytest.raises(TokenUnknown):
            await snapshots.find(str(number).encode(), desk.now + 1)
    assert desk.database.reads == 5


async def test_memory_is_bounded() -> None:
    desk = Desk()
    snapshots = Snapshots(desk.database, desk.clock, capacity=3)
    for number in range(10):
        snapshots.put(numbered(number))
    assert [number for number in range(10) if snapshots.known(str(number).encode())] == [7, 8, 9]


def numbered(number: int) -> Enterprise:
    return replace(enterprise(), id=number, tokens={str(number).encode(): None})


async def test_a_warm_up_loads_what_memory_has_not_or_half_way_to_its_time_to_live() -> None:
    desk = Desk()
    reads = []
    for seconds in (0.0, 29.0, 2.0, 1.0):
        desk.now += seconds
        assert await desk.snapshots.warm([1], desk.now + 1) == 1
        reads.append(desk.database.reads)
    assert reads == [1, 1, 2, 2]


async def test_a_warm_up_forgets_an_enterprise_that_is_gone() -> None:
    desk = Desk()
    await desk.snapshots.warm([1], desk.now + 1)
    del desk.database.enterprises[1]
    desk.now += 31
    assert await desk.snapshots.warm([1, 999], desk.now + 1) == 0
    assert desk.snapshots.known(HASH) is None
