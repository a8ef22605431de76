"""What a live look-up brought serves the next calls of the process, whether or not the database took it."""

import asyncio
from dataclasses import replace

import pytest

from smart_redirect.adapters.memory_crm import MemoryCrm
from smart_redirect.domain.facts import Contact
from smart_redirect.errors import CrmUnavailable
from tests.usecases.mirrored import Mirrored
from tests.usecases.test_live_lookup import ENTERPRISE, LIVE, SECOND, Caller, crm, missed

__all__ = ["crm"]
STRANGER = "+375290000000"
BROKEN = "ALTER TABLE crm_contacts RENAME TO gone"
OLGA = Contact(5, "Петрова Ольга", "17", "150", 0.0)
NAME_ALONE = Contact(5, "Петрова Ольга", "", "", 0.0)


async def test_the_next_call_is_served_although_the_database_took_nothing(mirrored: Mirrored, crm: MemoryCrm) -> None:
    caller = Caller(mirrored)
    await mirrored.pool.execute(BROKEN)
    assert await caller.ask() == await caller.ask() == (OLGA,)
    assert crm.calls == 1


async def test_one_whom_nobody_knows_is_not_asked_about_again(mirrored: Mirrored, crm: MemoryCrm) -> None:
    caller = Caller(mirrored)
    await mirrored.pool.execute("CREATE RULE lost AS ON INSERT TO crm_misses DO INSTEAD NOTHING")
    assert await caller.ask(STRANGER) == await caller.ask(STRANGER) == ()
    assert crm.calls == 1


async def test_a_cleared_cache_asks_again(mirrored: Mirrored, crm: MemoryCrm) -> None:
    caller = Caller(mirrored)
    for epoch in (0, 0, 1, 1):
        await caller.ask(epoch=epoch)
    assert crm.calls == 2


async def test_a_responsible_is_asked_for_again_after_a_minute(mirrored: Mirrored, crm: MemoryCrm) -> None:
    caller = Caller(mirrored)
    await caller.ask()
    caller.now += 61
    crm.people_now["1"] = replace(crm.people_now["1"], responsible_id="18")
    assert [each.responsible_id for each in await caller.ask()] == ["18"]


@pytest.mark.parametrize("takes", [0.0, 3600.0], ids=["failing", "hanging"])
async def test_a_crm_that_does_not_answer_leaves_the_name(mirrored: Mirrored, crm: MemoryCrm, takes: float) -> None:
    caller = Caller(mirrored)
    await caller.ask()
    caller.now += 61
    crm.takes, crm.failure = takes, None if takes else CrmUnavailable("HTTP 502")
    assert await caller.ask(left=0.3) == (NAME_ALONE,)


async def test_only_the_connection_that_failed_is_asked_again(mirrored: Mirrored, crm: MemoryCrm) -> None:
    second = await mirrored.connect(SECOND, live=True)
    second.failure = CrmUnavailable("HTTP 502")
    caller = Caller(mirrored)
    await caller.ask()
    await caller.ask()
    assert (crm.calls, second.calls) == (1, 2)


async def test_one_that_hangs_does_not_take_the_answer_of_another(mirrored: Mirrored, crm: MemoryCrm) -> None:
    (await mirrored.connect(SECOND, live=True)).takes = 3600.0
    caller = Caller(mirrored)
    assert await caller.look_up(missed(), caller.clock() + 1.0) == (OLGA,)
    await caller.look_up.close()


async def test_another_call_while_the_first_waits_is_the_same_flight(mirrored: Mirrored, crm: MemoryCrm) -> None:
    crm.takes, caller = 0.05, Caller(mirrored)
    first = asyncio.create_task(caller.look_up(missed(), caller.clock() + 10))
    await asyncio.sleep(0.01)
    assert await caller.look_up(missed(), caller.clock() + 10) == await first == (OLGA,)
    assert crm.calls == 1


async def test_it_is_known_who_has_nobody_to_ask_until_the_settings_change(mirrored: Mirrored) -> None:
    caller = Caller(mirrored)
    assert caller.look_up.may_know(ENTERPRISE)
    await caller.ask()
    assert not caller.look_up.may_know(ENTERPRISE)
    await mirrored.connect(LIVE, live=True)
    changed = replace(ENTERPRISE, version=2)
    assert caller.look_up.may_know(changed)
    await caller.ask(enterprise=changed)
    assert caller.look_up.may_know(changed)


async def test_a_database_that_failed_is_not_asked_again_by_every_call(
    mirrored: Mirrored, crm: MemoryCrm, caplog: pytest.LogCaptureFixture
) -> None:
    caller, away = Caller(mirrored), "ALTER TABLE crm_connections RENAME TO gone"
    await mirrored.pool.execute(away)
    for number in range(5):
        assert await caller.ask(f"+37529111220{number}") == ()
    assert (len(caplog.messages), caller.look_up.may_know(ENTERPRISE)) == (1, False)
    assert caller.look_up.may_know(replace(ENTERPRISE, id=2))
    await mirrored.pool.execute("ALTER TABLE gone RENAME TO crm_connections")
    caller.now += 1.1
    assert (await caller.ask())[0].name == "Петрова Ольга"


async def test_what_was_found_before_counts_while_the_database_fails(mirrored: Mirrored, crm: MemoryCrm) -> None:
    caller = Caller(mirrored)
    found = await caller.ask()
    await mirrored.pool.execute(BROKEN)
    assert await caller.ask(STRANGER) == ()
    assert await caller.ask() == found != ()
