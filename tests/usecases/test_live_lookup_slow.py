"""A CRM that takes longer than a call waits fills the mirror all the same, joined by later calls and within bounds."""

import asyncio

from smart_redirect.adapters.memory_crm import MemoryCrm
from smart_redirect.domain.facts import Contact
from smart_redirect.usecases.live_asking import Patience
from tests.usecases.mirrored import Mirrored
from tests.usecases.test_live_lookup import CALLER, LIVE, SECOND, Caller, crm, missed

__all__ = ["crm"]
OLGA = Contact(5, "Петрова Ольга", "17", "150", 0.0)
SHORT = Patience(look_up=0.1, whole=1.0)
STRANGERS = [f"+3752900000{number:02}" for number in range(10)]


async def ask(caller: Caller, phone: str = CALLER) -> tuple[Contact, ...]:
    """Ask as a call does, which waits for nothing that runs on behind it."""
    return await caller.look_up(missed(phone), caller.clock() + 0.3)


async def test_what_comes_too_late_for_a_call_is_there_for_the_next_one(mirrored: Mirrored, crm: MemoryCrm) -> None:
    crm.takes, caller = 0.4, Caller(mirrored, SHORT)
    assert await ask(caller) == ()
    await caller.look_up.close()
    assert await ask(caller) == (OLGA,)
    assert {row[1] for row in await mirrored.rows(LIVE)} == {"1"}
    assert crm.calls == 1


async def test_the_next_call_of_the_caller_joins_the_look_up_that_runs(mirrored: Mirrored, crm: MemoryCrm) -> None:
    crm.takes, caller = 0.15, Caller(mirrored, SHORT)
    assert await ask(caller) == ()
    assert await ask(caller) == (OLGA,)
    assert crm.calls == 1


async def test_it_joins_also_when_another_connection_has_answered_meanwhile(mirrored: Mirrored, crm: MemoryCrm) -> None:
    second = await mirrored.connect(SECOND, live=True)
    crm.takes, caller = 0.4, Caller(mirrored, SHORT)
    await ask(caller)
    only = missed()._replace(connections=frozenset({LIVE.connection_id}))
    await caller.look_up(only, caller.clock() + 0.3)
    await caller.look_up.close()
    assert (crm.calls, second.calls) == (1, 1)


async def test_slowness_is_no_failure(mirrored: Mirrored, crm: MemoryCrm) -> None:
    crm.takes, caller = 0.2, Caller(mirrored, SHORT)
    for phone in STRANGERS[:5]:
        assert await ask(caller, phone) == ()
        await caller.look_up.close()
    assert crm.calls == 5


async def test_no_answer_at_all_is_one(mirrored: Mirrored, crm: MemoryCrm) -> None:
    crm.takes, caller = 3600.0, Caller(mirrored, Patience(look_up=0.05, whole=0.1))
    for phone in STRANGERS[:5]:
        await ask(caller, phone)
        await caller.look_up.close()
    assert crm.calls == 3


async def test_a_crm_that_hangs_has_few_look_ups_and_takes_none_from_another(
    mirrored: Mirrored, crm: MemoryCrm
) -> None:
    second = await mirrored.connect(SECOND, live=True)
    crm.takes, caller = 3600.0, Caller(mirrored, SHORT)
    began = asyncio.get_running_loop().time()
    await asyncio.gather(*(ask(caller, phone) for phone in STRANGERS))
    assert asyncio.get_running_loop().time() - began < 0.6
    assert (crm.calls, second.calls) == (4, 10)
    await caller.look_up.close()


async def test_calls_do_not_wait_where_nothing_has_moved_for_as_long_as_a_call_waits(
    mirrored: Mirrored, crm: MemoryCrm
) -> None:
    crm.takes, caller = 3600.0, Caller(mirrored, Patience(look_up=0.2, whole=2.0))
    await asyncio.gather(*(ask(caller, phone) for phone in STRANGERS[:4]))
    await asyncio.sleep(0.1)
    began = asyncio.get_running_loop().time()
    for phone in STRANGERS[4:]:
        assert await ask(caller, phone) == ()
    assert asyncio.get_running_loop().time() - began < 3 * 0.2
    await caller.look_up.close()


async def test_look_ups_that_run_are_bounded_in_all(mirrored: Mirrored, crm: MemoryCrm) -> None:
    caller = Caller(mirrored, SHORT)
    calls = asyncio.gather(*(ask(caller, f"+37529000{number:04}") for number in range(150)))
    await asyncio.sleep(0)
    running = [each for each in asyncio.all_tasks() if "_safely" in getattr(each.get_coro(), "__qualname__", "")]
    assert len(running) == 100
    await calls
    await caller.look_up.close()


async def test_where_nothing_may_run_on_a_crm_that_is_late_is_soon_left_alone(
    mirrored: Mirrored, crm: MemoryCrm
) -> None:
    crm.takes, caller = 3600.0, Caller(mirrored, SHORT)
    for phone in STRANGERS[:5]:
        await ask(caller, phone)
        await caller.look_up.settle(0.01)
    assert crm.calls == 3
