"""Callers whom the mirror lacks are looked up in the CRMs, within the call's time, and whatever a CRM does."""

import asyncio
from dataclasses import replace
from time import monotonic

import pytest

from smart_redirect.adapters.memory_crm import MemoryCrm
from smart_redirect.adapters.postgres.budgets import PostgresBudgets
from smart_redirect.adapters.postgres.live import PostgresLive
from smart_redirect.adapters.postgres.mirror import PostgresMirror
from smart_redirect.domain.crm import Manager, Person
from smart_redirect.domain.enterprise import Enterprise
from smart_redirect.domain.facts import Contact
from smart_redirect.errors import CrmLimited, CrmMalformed, CrmRefused, CrmUnavailable
from smart_redirect.usecases.live_asking import Patience
from smart_redirect.usecases.live_lookup import LiveLookup
from smart_redirect.usecases.ports import Missed
from smart_redirect.usecases.ports_mirror import Key
from tests.usecases.mirrored import Mirrored

CALLER = "+375291112233"
OLGA = Person("1", "Петрова Ольга", ("8 (029) 111-22-33",), "17")
LIVE, SECOND = Key(1, 5), Key(1, 6)
ENTERPRISE = Enterprise(1, "0001", version=1)
PATIENT = Patience(look_up=5.0, whole=2.0)


def missed(caller: str = CALLER, enterprise: Enterprise = ENTERPRISE, epoch: int = 0) -> Missed:
    """A call whose caller no mirror knows."""
    return Missed(enterprise, caller, epoch, frozenset({1, LIVE.connection_id, SECOND.connection_id}))


class Caller:
    """Asks as a call does."""

    def __init__(self, mirrored: Mirrored, patience: Patience = PATIENT) -> None:
        budgets = PostgresBudgets(mirrored.pool)
        self.now = 0.0
        self.look_up = LiveLookup(PostgresLive(mirrored.pool), mirrored.open, budgets, self.clock, patience)

    def clock(self) -> float:
        return monotonic() + self.now

    async def ask(
        self, caller: str = CALLER, left: float = 10.0, enterprise: Enterprise = ENTERPRISE, epoch: int = 0
    ) -> tuple[Contact, ...]:
        contacts = await self.look_up(missed(caller, enterprise, epoch), self.clock() + left)
        await self.look_up.close()
        return contacts


@pytest.fixture
async def crm(mirrored: Mirrored) -> MemoryCrm:
    crm = await mirrored.connect(LIVE, MemoryCrm(tells_extensions=True), live=True)
    crm.users = (Manager("17", "Анна", "150"),)
    crm.fill([OLGA, Person("2", "Чужой", ("+48 29 111 22 33",))])
    return crm


async def test_a_caller_is_found_with_name_responsible_and_extension(mirrored: Mirrored, crm: MemoryCrm) -> None:
    assert await Caller(mirrored).ask() == (Contact(5, "Петрова Ольга", "17", "150", 0.0),)


async def test_what_a_crm_finds_loosely_is_compared_once_more(mirrored: Mirrored, crm: MemoryCrm) -> None:
    assert await Caller(mirrored).ask("+74951112233") == ()
    assert {row[1] for row in await mirrored.rows(LIVE)} == set()


async def test_the_result_is_in_the_mirror_and_the_next_sync_confirms_it(mirrored: Mirrored, crm: MemoryCrm) -> None:
    await Caller(mirrored).ask()
    expires = (
        "SELECT expires_at IS NOT NULL FROM crm_contacts WHERE external_id = '1' AND responsible_extension = '150'"
    )
    assert await mirrored.pool.fetchval(expires) is True
    await mirrored.sync(LIVE)
    assert await mirrored.pool.fetchval(expires) is False
    assert await mirrored.rows(LIVE) == mirrored.expected(LIVE)


async def test_an_extension_that_no_database_keeps_as_it_is_costs_the_caller_nothing(
    mirrored: Mirrored, crm: MemoryCrm
) -> None:
    crm.users = (Manager("17", "Анна", "150\x00\ud800"),)
    assert await Caller(mirrored).ask() == (Contact(5, "Петрова Ольга", "17", "150", 0.0),)
    kept = "SELECT responsible_extension FROM crm_contacts WHERE external_id = '1'"
    assert await mirrored.pool.fetchval(kept) == "150"


async def test_what_was_found_long_ago_is_forgotten(mirrored: Mirrored, crm: MemoryCrm) -> None:
    await Caller(mirrored, Patience(5.0, found=0.0)).ask()
    await PostgresMirror(mirrored.pool).tidy()
    assert await mirrored.rows(LIVE) == set()


async def test_a_look_up_never_writes_over_the_mirror(mirrored: Mirrored, crm: MemoryCrm) -> None:
    await mirrored.sync(LIVE)
    crm.people_now["1"] = replace(OLGA, name="Старое имя")
    await Caller(mirrored).ask()
    assert (CALLER, "1", "Петрова Ольга", "17") in await mirrored.rows(LIVE)
    assert await mirrored.pool.fetchval("SELECT external_id FROM crm_dirty") == "1"


async def test_a_miss_is_believed_for_a_while_by_every_process(mirrored: Mirrored, crm: MemoryCrm) -> None:
    for _ in range(3):
        assert await Caller(mirrored).ask("+375290000000") == ()
    assert crm.calls == 1
    await mirrored.pool.execute("UPDATE crm_misses SET until = now()")
    await Caller(mirrored).ask("+375290000000")
    assert crm.calls == 2


async def test_many_calls_of_one_caller_are_one_flight(mirrored: Mirrored, crm: MemoryCrm) -> None:
    crm.takes = 0.05
    caller = Caller(mirrored)
    answers = await asyncio.gather(*(caller.look_up(missed(), caller.clock() + 10) for _ in range(20)))
    await caller.look_up.close()
    assert (crm.calls, len(set(answers)), len(answers[0])) == (1, 1, 1)


async def test_connections_are_asked_at_once(mirrored: Mirrored, crm: MemoryCrm) -> None:
    class Meeting(MemoryCrm):
        async def lookup(self, phone: str, seconds: float) -> object:
            await asyncio.wait_for(barrier.wait(), 5)
            return await super().lookup(phone, seconds)

    barrier = asyncio.Barrier(2)
    for key in (LIVE, SECOND):
        if key == SECOND:
            await mirrored.connect(key, live=True)
        mirrored.crms[key] = Meeting()
        mirrored.crms[key].fill([OLGA])
    assert {each.connection_id for each in await Caller(mirrored).ask()} == {5, 6}


@pytest.mark.parametrize(
    "failure", [CrmUnavailable("x"), CrmMalformed("x"), CrmRefused("x"), CrmLimited(5), ValueError("s3cret"), OSError()]
)
async def test_a_crm_that_fails_costs_its_own_answer_only(
    mirrored: Mirrored, crm: MemoryCrm, failure: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    (await mirrored.connect(SECOND, live=True)).failure = failure
    assert [each.connection_id for each in await Caller(mirrored).ask()] == [5]
    assert "s3cret" not in caplog.text


async def test_a_crm_that_hangs_costs_no_more_than_its_time(mirrored: Mirrored, crm: MemoryCrm) -> None:
    crm.takes = 3600.0
    caller = Caller(mirrored, Patience(look_up=0.15, whole=0.5))
    began = asyncio.get_running_loop().time()
    assert await caller.look_up(missed(), caller.clock() + 10) == ()
    assert 0.1 < asyncio.get_running_loop().time() - began < 5
    await caller.look_up.close()


async def test_the_breaker_keeps_later_calls_from_paying(mirrored: Mirrored, crm: MemoryCrm) -> None:
    crm.failure, caller = CrmUnavailable("HTTP 502"), Caller(mirrored)
    for number in range(6):
        await caller.ask(f"+37529000000{number}")
    assert crm.calls == 3
    caller.now += 61
    crm.failure = None
    assert len(await caller.ask()) == 1


async def test_a_crm_that_asks_to_wait_is_not_asked_by_look_ups_either(mirrored: Mirrored, crm: MemoryCrm) -> None:
    crm.failure = CrmLimited(60)
    await mirrored.sync(LIVE)
    crm.failure, calls = None, crm.calls
    assert await Caller(mirrored).ask() == ()
    assert crm.calls == calls


async def test_a_limit_that_a_look_up_meets_keeps_syncs_and_other_processes_away(
    mirrored: Mirrored, crm: MemoryCrm
) -> None:
    await mirrored.sync(LIVE)
    crm.failures, calls = [CrmLimited(600)], crm.calls
    await Caller(mirrored).ask()
    assert await Caller(mirrored).ask() == ()
    assert (crm.calls, LIVE in await PostgresMirror(mirrored.pool).due(9)) == (calls + 1, False)


async def test_a_refused_look_up_keeps_look_ups_of_other_processes_away_but_no_sync(
    mirrored: Mirrored, crm: MemoryCrm
) -> None:
    crm.failures = [CrmRefused("no right to search")]
    for _ in range(2):
        assert await Caller(mirrored).ask() == ()
    assert (crm.calls, LIVE in await PostgresMirror(mirrored.pool).due(9)) == (1, True)


async def test_an_empty_budget_is_not_overdrawn(mirrored: Mirrored) -> None:
    crm = await mirrored.connect(LIVE, live=True, requests_per_second=0.001, burst=2)
    caller = Caller(mirrored)
    for number in range(5):
        await caller.ask(f"+37529000000{number}")
    assert crm.calls == 2


async def test_without_time_nobody_is_asked(mirrored: Mirrored, crm: MemoryCrm) -> None:
    assert await Caller(mirrored).ask(left=0.02) == ()
    assert crm.calls == 0


async def test_only_live_connections_of_the_enterprise_are_asked(mirrored: Mirrored, crm: MemoryCrm) -> None:
    neighbour = await mirrored.connect(Key(2, 5), live=True)
    neighbour.fill([OLGA])
    assert [each.connection_id for each in await Caller(mirrored).ask()] == [5]
    assert (neighbour.calls, mirrored.crms[Key(1, 1)].calls, await mirrored.rows(Key(2, 5))) == (0, 0, set())


async def test_a_connection_that_becomes_live_counts_with_the_next_version(mirrored: Mirrored) -> None:
    caller = Caller(mirrored)
    assert await caller.ask() == ()
    (await mirrored.connect(LIVE, live=True)).fill([OLGA])
    assert await caller.ask() == ()
    assert len(await caller.ask(enterprise=replace(ENTERPRISE, version=2))) == 1


async def test_without_the_database_nothing_is_found_and_nothing_raised(mirrored: Mirrored, crm: MemoryCrm) -> None:
    await mirrored.pool.execute("ALTER TABLE crm_connections RENAME TO gone")
    assert await Caller(mirrored).ask() == ()


async def test_a_connection_whose_word_would_not_count_is_not_asked(mirrored: Mirrored, crm: MemoryCrm) -> None:
    second = await mirrored.connect(SECOND, live=True)
    second.fill([OLGA])
    caller = Caller(mirrored)
    only = missed()._replace(connections=frozenset({SECOND.connection_id}))
    assert [each.connection_id for each in await caller.look_up(only, caller.clock() + 10)] == [6]
    assert [each.connection_id for each in await caller.look_up(missed(), caller.clock() + 10)] == [5, 6]
    await caller.look_up.close()
    assert (crm.calls, second.calls) == (1, 1)


async def test_waiting_for_the_database_is_no_failure_of_the_crm(mirrored: Mirrored, crm: MemoryCrm) -> None:
    caller = Caller(mirrored, Patience(look_up=0.3, whole=0.3))
    async with mirrored.pool.acquire() as other, other.transaction():
        await other.execute("LOCK TABLE crm_budgets")
        assert [await caller.ask() for _ in range(4)] == [()] * 4
    assert len(await caller.ask()) == 1
