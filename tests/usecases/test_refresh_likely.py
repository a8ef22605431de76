"""Names and responsibles of callers who are likely to call are refreshed before they are forgotten, and within the budget."""

import asyncio
import json
from dataclasses import replace
from time import monotonic

import pytest

from smart_redirect.adapters.memory_crm import MemoryCrm
from smart_redirect.adapters.postgres.budgets import PostgresBudgets
from smart_redirect.adapters.postgres.live import PostgresLive
from smart_redirect.adapters.postgres.mirror import PostgresMirror
from smart_redirect.adapters.postgres.queries import load
from smart_redirect.adapters.postgres.warm import PostgresEnding
from smart_redirect.domain.crm import Person
from smart_redirect.domain.crm_budget import Rate
from smart_redirect.domain.crm_mirror import owner
from smart_redirect.errors import CrmLimited, CrmRefused, CrmUnavailable
from smart_redirect.usecases.ports_mirror import Key
from smart_redirect.usecases.ports_warm import CLAIMED_SECONDS, FOUND_SOON_SECONDS, SOON_SECONDS
from smart_redirect.usecases.refresh_likely import BELIEVED, Refreshed, RefreshLikely
from tests.usecases.mirrored import Mirrored

KEY, NEIGHBOUR = Key(1, 5), Key(2, 5)
OLGA = Person("1", "Петрова Ольга", ("8 (029) 111-22-33",), "17")
CALLER = "+375291112233"
SLOW = Rate(0.001, 4, 1)
LEFT = """SELECT round(extract(epoch FROM expires_at - now()))::int FROM crm_contacts
    WHERE enterprise_id = $1 AND phone = $2"""


@pytest.fixture
async def crm(mirrored: Mirrored) -> MemoryCrm:
    """A live connection that does not know of the change that its CRM has had since: another manager."""
    crm = await mirrored.connect(KEY, live=True)
    crm.fill([replace(OLGA, responsible_id="18")])
    return crm


def refreshing(mirrored: Mirrored) -> RefreshLikely:
    pool = mirrored.pool
    return RefreshLikely(PostgresEnding(pool), PostgresLive(pool), mirrored.open, PostgresBudgets(pool), monotonic)


async def know(mirrored: Mirrored, person: Person = OLGA, left: float = 60.0, key: Key = KEY) -> None:
    """A look-up found him, which is believed for so many seconds yet."""
    await PostgresLive(mirrored.pool).found(key, [owner(person, "BY")], {}, left)


async def ask(mirrored: Mirrored, enterprise_id: int = 1) -> None:
    """Somebody, whoever it was, has just called the enterprise: it is open."""
    await mirrored.pool.execute(
        "INSERT INTO decisions (decided_at, enterprise_id, mode, reason, trace, sources, timings)"
        " VALUES (now(), $1, 'off', 'x', '[]', '[]', '{}')",
        enterprise_id,
    )


async def call(mirrored: Mirrored, phone: str = CALLER, *days: float, enterprise_id: int = 1) -> None:
    await ask(mirrored, enterprise_id)
    for number, ago in enumerate(days or (0.5,)):
        await mirrored.pool.execute(
            "INSERT INTO calls (enterprise_id, unique_id, started_at, caller)"
            " VALUES ($1, $2, now() - $3 * interval '1 day', $4)",
            enterprise_id,
            f"{phone}.{number}",
            ago,
            phone,
        )


async def test_a_likely_caller_s_responsible_is_right_before_he_calls(mirrored: Mirrored, crm: MemoryCrm) -> None:
    await know(mirrored)
    await call(mirrored)
    assert await refreshing(mirrored)() == Refreshed(1, 0)
    assert await mirrored.rows(KEY) == mirrored.expected(KEY)
    assert await mirrored.pool.fetchval(LEFT, 1, CALLER) == pytest.approx(BELIEVED.found, abs=5)


async def test_what_does_not_end_soon_is_left_alone(mirrored: Mirrored, crm: MemoryCrm) -> None:
    await call(mirrored)
    for left in (CLAIMED_SECONDS - 1, FOUND_SOON_SECONDS + 10):
        await know(mirrored, left=left)
        assert await refreshing(mirrored)() == Refreshed(0, 0)


async def test_a_likely_caller_is_routed_in_nearly_every_moment(mirrored: Mirrored, crm: MemoryCrm) -> None:
    await know(mirrored, left=BELIEVED.found)
    await call(mirrored)
    refresh, refreshed = refreshing(mirrored), []
    for _ in range(4):
        await mirrored.pool.execute("UPDATE crm_contacts SET expires_at = expires_at - interval '59 seconds'")
        refreshed.append(await refresh())
    assert refreshed == [Refreshed(1, 0)] * 4


async def test_a_caller_with_no_call_or_none_lately_is_not_asked_about(mirrored: Mirrored, crm: MemoryCrm) -> None:
    await know(mirrored)
    await ask(mirrored)
    assert await refreshing(mirrored)() == Refreshed(0, 0)
    await call(mirrored, CALLER, 20.0)
    assert await refreshing(mirrored)() == Refreshed(0, 0)


async def test_the_likeliest_are_refreshed_when_the_budget_is_not_enough_for_all(mirrored: Mirrored) -> None:
    crm = await mirrored.connect(KEY, live=True, requests_per_second=SLOW.per_second, burst=SLOW.burst)
    phones = [f"+37529100000{number}" for number in range(5)]
    for number, phone in enumerate(phones):
        await know(mirrored, Person(phone, "x", (phone,)))
        await call(mirrored, phone, *(1.0 + day for day in range(1 + number)))
    assert await refreshing(mirrored)() == Refreshed(2, 0)
    asked = [phone for phone in phones if await mirrored.pool.fetchval(LEFT, 1, phone) <= CLAIMED_SECONDS]
    assert (asked, crm.calls) == (phones[3:], 2)
    assert (await PostgresBudgets(mirrored.pool).take(KEY, 9, SLOW, 0)).requests == 2


async def test_a_sync_that_has_just_emptied_the_bucket_is_waited_for(mirrored: Mirrored) -> None:
    await mirrored.connect(KEY, live=True, requests_per_second=10, burst=10)
    await PostgresBudgets(mirrored.pool).take(KEY, 10, Rate(10.0, 10, 1), 1)
    await know(mirrored)
    await call(mirrored)
    assert await refreshing(mirrored)() == Refreshed(1, 0)


@pytest.mark.parametrize(("setting", "refreshed"), [(0, 0), (3, 3), (True, 10), (-1, 10), ("9", 10), (101, 10)])
async def test_the_connection_says_how_many_a_round(mirrored: Mirrored, setting: object, refreshed: int) -> None:
    await mirrored.connect(KEY, live=True, refresh_callers=setting)
    for number in range(12):
        phone = f"+3752910000{number:02}"
        await know(mirrored, Person(phone, "x", (phone,)))
        await call(mirrored, phone)
    assert await refreshing(mirrored)() == Refreshed(refreshed, 0)


async def test_a_miss_that_ends_is_asked_again_and_a_new_customer_is_found(mirrored: Mirrored, crm: MemoryCrm) -> None:
    await call(mirrored)
    await call(mirrored, "+375290000000")
    for phone in (CALLER, "+375290000000"):
        await PostgresLive(mirrored.pool).missed(KEY, phone, 60)
    assert await refreshing(mirrored)() == Refreshed(2, 0)
    assert await mirrored.rows(KEY) == mirrored.expected(KEY)
    assert await refreshing(mirrored)() == Refreshed(0, 0)


async def test_who_has_gone_from_the_crm_is_soon_gone_here(mirrored: Mirrored, crm: MemoryCrm) -> None:
    crm.people_now.clear()
    await know(mirrored)
    await call(mirrored)
    await refreshing(mirrored)()
    assert await mirrored.pool.fetchval(LEFT, 1, CALLER) <= CLAIMED_SECONDS
    assert await mirrored.pool.fetchval("SELECT phone FROM crm_misses") == CALLER


async def test_two_runs_at_once_ask_about_nobody_twice(mirrored: Mirrored, crm: MemoryCrm) -> None:
    for number in range(8):
        shared = f"8 029 100000{number}"
        crm.fill(Person(f"{number}-{each}", "x", (shared,)) for each in range(3))
        for each in range(3):
            await know(mirrored, Person(f"{number}-{each}", "x", (shared,)))
        await call(mirrored, f"+37529100000{number}")
    rounds = await asyncio.gather(*(refreshing(mirrored)() for _ in range(4)))
    assert (sum(each.callers for each in rounds), sum(each.failures for each in rounds), crm.calls) == (8, 0, 8)


async def test_a_caller_is_claimed_once_also_after_his_refresh(mirrored: Mirrored, crm: MemoryCrm) -> None:
    await know(mirrored)
    await PostgresLive(mirrored.pool).missed(KEY, "+375290000000", 60)
    ledger = PostgresEnding(mirrored.pool)
    for phone in (CALLER, "+375290000000"):
        assert await ledger.claim(KEY, phone)
        assert not await ledger.claim(KEY, phone)
    await know(mirrored, left=BELIEVED.found)
    await PostgresLive(mirrored.pool).missed(KEY, "+375290000000", BELIEVED.missed)
    assert not await ledger.claim(KEY, CALLER)
    assert not await ledger.claim(KEY, "+375290000000")


@pytest.mark.parametrize("failure", [CrmUnavailable("x"), CrmLimited(60), ValueError("s3cret")])
async def test_a_connection_that_fails_costs_only_itself(
    mirrored: Mirrored, crm: MemoryCrm, failure: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    neighbour = await mirrored.connect(NEIGHBOUR, live=True)
    neighbour.fill([OLGA])
    crm.failure = failure
    for key in (KEY, NEIGHBOUR):
        await know(mirrored, key=key)
        await call(mirrored, enterprise_id=key.enterprise_id)
    assert await refreshing(mirrored)() == Refreshed(1, 1)
    assert (crm.calls, neighbour.calls, "s3cret" in caplog.text) == (1, 1, False)


async def test_a_connection_that_hangs_delays_no_other(mirrored: Mirrored, crm: MemoryCrm) -> None:
    class Hanging(MemoryCrm):
        async def lookup(self, phone: str, seconds: float) -> object:
            await asyncio.Event().wait()

    mirrored.crms[KEY] = Hanging()
    (await mirrored.connect(NEIGHBOUR, live=True)).fill([OLGA])
    for key in (KEY, NEIGHBOUR):
        await know(mirrored, key=key)
        await call(mirrored, enterprise_id=key.enterprise_id)
    round_ = asyncio.create_task(refreshing(mirrored)())
    async with asyncio.timeout(10):
        while await mirrored.pool.fetchval(LEFT, 2, CALLER) < SOON_SECONDS:
            await asyncio.sleep(0.01)
    assert not round_.done()
    assert await round_ == Refreshed(1, 1)


async def test_a_crm_that_asks_to_wait_is_not_asked_in_the_next_round(mirrored: Mirrored, crm: MemoryCrm) -> None:
    refresh, crm.failure = refreshing(mirrored), CrmLimited(60)
    await call(mirrored)
    for _ in range(3):
        await know(mirrored)
        await refresh()
    assert crm.calls == 1


@pytest.mark.parametrize(("failure", "is_synced"), [(CrmLimited(60), False), (CrmRefused("x"), True)])
async def test_a_crm_that_asks_to_wait_is_left_alone_by_other_processes(
    mirrored: Mirrored, crm: MemoryCrm, failure: Exception, is_synced: bool
) -> None:
    crm.failures = [failure]
    await call(mirrored)
    for _ in range(2):
        await know(mirrored)
        await refreshing(mirrored)()
    assert crm.calls == 1
    assert (KEY in await PostgresMirror(mirrored.pool).due(9)) == is_synced


async def test_connections_that_may_not_be_asked_are_not(mirrored: Mirrored, crm: MemoryCrm) -> None:
    await know(mirrored)
    await call(mirrored)
    await mirrored.pool.execute(
        "INSERT INTO crm_sync (enterprise_id, connection_id, open_until) VALUES (1, 5, now() + interval '1 h')"
    )
    assert await refreshing(mirrored)() == Refreshed(0, 0)
    await mirrored.pool.execute("DELETE FROM crm_sync; UPDATE crm_connections SET settings = '{}'")
    assert await refreshing(mirrored)() == Refreshed(0, 0)


async def test_while_an_enterprise_is_closed_nobody_is_asked_about(mirrored: Mirrored, crm: MemoryCrm) -> None:
    await know(mirrored)
    await call(mirrored)
    await mirrored.pool.execute("UPDATE decisions SET decided_at = decided_at - interval '31 minutes'")
    assert await refreshing(mirrored)() == Refreshed(0, 0)


async def test_a_round_whose_time_is_over_asks_nobody(mirrored: Mirrored, crm: MemoryCrm) -> None:
    await know(mirrored)
    await call(mirrored)
    assert await refreshing(mirrored)(lambda: False) == Refreshed(0, 0)


async def test_an_imported_history_tells_who_is_likely_too(mirrored: Mirrored, crm: MemoryCrm) -> None:
    history = """INSERT INTO caller_history (enterprise_id, phone, first_call, first_answered_at, first_extension,
        last_call, last_answered_at, last_extension)
        VALUES (1, $1, 'a', now() - interval '2 days', '150', 'b', now() - interval '1 hour', '150')"""
    await mirrored.pool.execute(history, CALLER)
    await know(mirrored)
    await ask(mirrored)
    [ending] = await PostgresEnding(mirrored.pool).ending(10)
    assert ending.ages == pytest.approx((3600, 172_800), abs=60)
    assert await refreshing(mirrored)() == Refreshed(1, 0)


async def test_the_ranking_reads_few_pages_however_long_the_history_is(mirrored: Mirrored, crm: MemoryCrm) -> None:
    await ask(mirrored)
    pages = []
    for first, last in ((1, 2_000), (2_001, 40_000)):
        await mirrored.pool.execute(FILL.format(first=first, last=last))
        await mirrored.pool.execute("ANALYZE calls, crm_contacts, caller_history, crm_misses")
        query = load("warm")["ending"].replace("$1", "50").replace("$2", "'20 s'").replace("$3", "'90 s'")
        query = query.replace("$4", "'30 min'").replace("$5", "'270 s'")
        plan = json.loads(await mirrored.pool.fetchval(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {query}"))[0]["Plan"]
        assert "calls" not in scanned(plan)
        assert plan["Actual Rows"] == 50
        pages.append(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])
    assert pages[1] <= 1.5 * pages[0]
    assert pages[1] < 50 * 40


FILL = """
INSERT INTO calls (enterprise_id, unique_id, started_at, caller)
    SELECT 1, n::text, now() - n * interval '1 minute', '+375' || (290000000 + n % 1000)
    FROM generate_series({first}, {last}) AS n;
INSERT INTO caller_history (enterprise_id, phone, first_call, first_answered_at, first_extension, last_call,
        last_answered_at, last_extension)
    SELECT 1, '+375' || (290000000 + n), 'a', now(), '1', 'a', now(), '1' FROM generate_series({first}, {last}) AS n;
INSERT INTO crm_contacts (enterprise_id, phone, connection_id, external_id, expires_at)
    SELECT 1, '+375' || (290000000 + n), 5, n::text,
        CASE WHEN n % 4 = 0 THEN now() + (30 + n % 300) * interval '1 s' END
    FROM generate_series({first}, {last}) AS n;
"""


def scanned(plan: dict[str, object]) -> set[object]:
    """Tables that are read from end to end."""
    own = {str(plan["Relation Name"]).split("_")[0]} if plan["Node Type"] == "Seq Scan" else set()
    children = plan.get("Plans", [])
    assert isinstance(children, list)
    return own.union(*map(scanned, children))
