"""Snapshots in memory: shared loads, time to live, refresh in the background, bounded."""

import asyncio
from dataclasses import replace

from smart_redirect.domain.enterprise import Enterprise
from smart_redirect.domain.token import token_hash
from smart_redirect.usecases.snapshots import Snapshots
from tests.usecases.desk import KEY, TOKEN, Desk, enterprise

HASH = token_hash(KEY, TOKEN)


async def test_calls_that_need_the_same_snapshot_share_one_load() -> None:
    desk = Desk()
    await asyncio.gather(*(desk.snapshots.find(HASH, desk.now + 1) for _ in range(20)))
    assert desk.database.reads == 1


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


async def test_memory_is_bounded() -> None:
    desk = Desk()
    snapshots = Snapshots(desk.database, desk.clock, capacity=3)
    for number in range(10):
        snapshots.put(numbered(number))
    assert [number for number in range(10) if snapshots.known(str(number).encode())] == [7, 8, 9]


def numbered(number: int) -> Enterprise:
    return replace(enterprise(), id=number, tokens={str(number).encode(): None})
