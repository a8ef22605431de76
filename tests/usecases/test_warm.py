"""The schedule: everything that is due is synced, and no connection waits for another one's trouble."""

import asyncio
from collections import Counter

from smart_redirect.adapters.memory_crm import MemoryCrm
from smart_redirect.adapters.postgres.mirror import PostgresMirror
from smart_redirect.domain.crm import Manager
from smart_redirect.errors import CrmRefused
from smart_redirect.local.mirrors import sync_on
from smart_redirect.usecases.ports_mirror import Account, Key
from smart_redirect.usecases.sync_crm import Outcome, Rhythm
from smart_redirect.usecases.warm import Warm
from tests.usecases.mirrored import KEY, Mirrored, people


class HangingCrm(MemoryCrm):
    """Answers nothing until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.asked, self.let_go = asyncio.Event(), asyncio.Event()

    async def managers(self) -> tuple[Manager, ...]:
        self.asked.set()
        await self.let_go.wait()
        return ()


def warming(mirrored: Mirrored, rhythm: Rhythm | None = None) -> Warm:
    return Warm(PostgresMirror(mirrored.pool), mirrored.syncing(rhythm or Rhythm()))


async def test_everything_that_is_due_is_synced_once(mirrored: Mirrored) -> None:
    other = await mirrored.connect(Key(2, 1))
    for crm in (mirrored.crms[KEY], other):
        crm.fill(people(5))
    assert await warming(mirrored)() == Counter({Outcome.DONE: 2})
    assert await warming(mirrored)() == Counter()
    assert (len(await mirrored.rows()), len(await mirrored.rows(Key(2, 1)))) == (5, 5)


async def test_a_connection_that_fails_does_not_stop_the_others(mirrored: Mirrored) -> None:
    mirrored.crms[KEY].failure = CrmRefused("wrong key")
    for number in (2, 3):
        (await mirrored.connect(Key(number, 1))).fill(people(1))
    assert await warming(mirrored)() == Counter({Outcome.DONE: 2, Outcome.FAILED: 1})


async def test_credentials_that_do_not_open_are_one_connection_s_trouble(mirrored: Mirrored) -> None:
    await mirrored.connect(Key(2, 1))
    del mirrored.crms[KEY]
    assert await warming(mirrored)() == Counter({Outcome.DONE: 1, Outcome.FAILED: 1})
    assert (await mirrored.state())["error"] == "KeyError"


async def test_a_connection_that_hangs_does_not_delay_the_others(mirrored: Mirrored) -> None:
    hanging = mirrored.crms[KEY] = HangingCrm()
    (await mirrored.connect(Key(2, 1))).fill(people(5))
    turn = asyncio.create_task(warming(mirrored)())
    await asyncio.wait_for(hanging.asked.wait(), 10)
    async with asyncio.timeout(10):
        while len(await mirrored.rows(Key(2, 1))) < 5:
            await asyncio.sleep(0.01)
    assert not turn.done()
    hanging.let_go.set()
    assert await turn == Counter({Outcome.DONE: 2})


async def test_a_turn_whose_time_is_over_begins_nothing(mirrored: Mirrored) -> None:
    assert await warming(mirrored)(lambda: False) == Counter({Outcome.PAUSED: 1})
    assert mirrored.crms[KEY].calls == 0


async def test_two_turns_at_once_share_the_work(mirrored: Mirrored) -> None:
    mirrored.crms[KEY].fill(people(5))
    first, second = await asyncio.gather(warming(mirrored)(), warming(mirrored)())
    assert (first + Counter(second))[Outcome.DONE] == 1
    assert mirrored.crms[KEY].calls == 4


async def test_a_local_turn_that_hangs_does_not_keep_the_next_from_beginning(mirrored: Mirrored) -> None:
    hanging = mirrored.crms[KEY] = HangingCrm()
    schedule = asyncio.create_task(sync_on(warming(mirrored), every=0.05))
    await asyncio.wait_for(hanging.asked.wait(), 10)
    (await mirrored.connect(Key(2, 1))).fill(people(5))
    async with asyncio.timeout(10):
        while len(await mirrored.rows(Key(2, 1))) < 5:
            await asyncio.sleep(0.01)
    schedule.cancel()
    await asyncio.wait({schedule})
    assert schedule.cancelled()


async def test_each_connection_has_the_rhythm_of_its_settings(mirrored: Mirrored) -> None:
    await mirrored.connect(Key(1, 2), sync_seconds=0.001)
    await warming(mirrored)()
    await asyncio.sleep(0.05)
    assert await PostgresMirror(mirrored.pool).due(10) == [Key(1, 2)]


def test_an_account_shows_no_credentials_in_a_text() -> None:
    assert "s3cret" not in repr(Account(KEY, "x", "BY", {}, b"s3cret", 1))
