"""The places of OAuth tokens keep one contract: one renewal at a time, whose result the others get."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from typing import Any

import asyncpg
import pytest

from smart_redirect.adapters.memory_tokens import MemoryTokens
from smart_redirect.adapters.postgres.pool import open_pool
from smart_redirect.adapters.postgres.tokens import PostgresTokens, Renewals
from smart_redirect.adapters.sealed import Seal
from smart_redirect.errors import CrmRefused, DatabaseUnavailable
from smart_redirect.usecases.ports_crm import Tokens, TokenStore
from smart_redirect.usecases.ports_mirror import Account, Key

SEAL = Seal(b"k" * 32, 1)
ACCOUNT = Account(Key(1, 1), "amocrm", "BY", {}, b"sealed credentials", 1)
CONNECTION = """
    INSERT INTO enterprises (id, number, name) OVERRIDING SYSTEM VALUE VALUES (1, '0001', 'x');
    INSERT INTO crm_connections (enterprise_id, id, vendor, name, position) VALUES (1, 1, 'amocrm', 'a', 1)"""


@dataclass
class Vendor:
    """Gives numbered tokens, slowly, and says how often it was asked."""

    asked: int = 0

    async def refresh(self, newest: Tokens | None) -> Tokens:
        self.asked += 1
        number = self.asked
        await asyncio.sleep(0.05)
        return Tokens(f"access-{number}", f"refresh-{number}", 1000.0 + number)


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Any]:
    pool = await open_pool(database_url, size=6)
    await pool.execute(CONNECTION)
    yield pool
    pool.terminate()


@pytest.fixture(params=["memory", "postgres"])
def process(request: pytest.FixtureRequest) -> Callable[[], TokenStore]:
    """Make the place as each process has it."""
    if request.param == "memory":
        shared = MemoryTokens()
        return lambda: shared
    pool = request.getfixturevalue("pool")
    return lambda: PostgresTokens(pool, SEAL, ACCOUNT)


async def test_before_the_first_renewal_there_are_none(process: Callable[[], TokenStore]) -> None:
    assert await process().current() is None


async def test_what_was_renewed_is_there_for_every_process(process: Callable[[], TokenStore]) -> None:
    fresh = await process().renew(None, Vendor().refresh)
    assert await process().current() == fresh == Tokens("access-1", "refresh-1", 1001.0)


async def test_processes_that_renew_at_once_ask_once_and_all_get_the_same(process: Callable[[], TokenStore]) -> None:
    vendor = Vendor()
    found = await asyncio.gather(*(process().renew(None, vendor.refresh) for _ in range(4)))
    assert (vendor.asked, len(set(found))) == (1, 1)


async def test_who_comes_with_stale_ones_gets_the_newest_without_asking(process: Callable[[], TokenStore]) -> None:
    vendor = Vendor()
    first = await process().renew(None, vendor.refresh)
    second = await process().renew(first, vendor.refresh)
    assert await process().renew(first, vendor.refresh) == second
    assert vendor.asked == 2


async def test_the_newest_are_what_the_next_renewal_is_asked_with(process: Callable[[], TokenStore]) -> None:
    given: list[Tokens | None] = []

    async def refresh(newest: Tokens | None) -> Tokens:
        given.append(newest)
        return Tokens(f"a{len(given)}", "r", 1.0)

    first = await process().renew(None, refresh)
    await process().renew(first, refresh)
    assert given == [None, first]


async def test_a_renewal_that_fails_leaves_all_as_it_was(process: Callable[[], TokenStore]) -> None:
    first = await process().renew(None, Vendor().refresh)

    async def refuse(_: Tokens | None) -> Tokens:
        raise CrmRefused("no")

    with pytest.raises(CrmRefused):
        await process().renew(first, refuse)
    assert await process().current() == first
    assert await process().renew(first, Vendor().refresh) == Tokens("access-1", "refresh-1", 1001.0)


async def test_in_the_database_they_are_sealed(pool: Any) -> None:
    await PostgresTokens(pool, SEAL, ACCOUNT).renew(None, Vendor().refresh)
    row = await pool.fetchrow("SELECT t::text AS text FROM crm_tokens t")
    assert "access-1" not in row["text"]
    assert "refresh-1" not in row["text"]


async def test_new_credentials_void_the_tokens_of_the_old(pool: Any) -> None:
    await PostgresTokens(pool, SEAL, ACCOUNT).renew(None, Vendor().refresh)
    anew = PostgresTokens(pool, SEAL, replace(ACCOUNT, sealed=b"other credentials"))
    assert await anew.current() is None


async def test_of_a_connection_that_is_gone_nothing_is_kept(pool: Any) -> None:
    vendor = Vendor()
    await pool.execute("DELETE FROM crm_connections")
    with pytest.raises(DatabaseUnavailable):
        await PostgresTokens(pool, SEAL, ACCOUNT).renew(None, vendor.refresh)
    assert vendor.asked == 0


async def test_more_renewals_at_once_than_connections_do_not_wait_for_each_other(pool: Any, database_url: str) -> None:
    for number in range(2, 7):
        row = "INSERT INTO crm_connections (enterprise_id, id, vendor, name, position) VALUES (1, $1::int, 'x', $1::text, $1::int)"
        await pool.execute(row.replace("$1::text", "'c' || $1::text"), number)
    small = await open_pool(database_url, size=2)

    async def refresh(_: Tokens | None) -> Tokens:
        # A turn among the requests, which the budget in the same database gives.
        await asyncio.wait_for(small.fetchval("SELECT pg_sleep(0.01)"), 5)
        return Tokens("a", "r", 1.0)

    stores = [PostgresTokens(small, SEAL, replace(ACCOUNT, key=Key(1, number))) for number in range(1, 7)]
    assert len(await asyncio.gather(*(each.renew(None, refresh) for each in stores))) == 6
    small.terminate()


async def test_a_renewal_that_nobody_waits_for_any_more_is_kept(pool: Any) -> None:
    vendor, renewals = Vendor(), Renewals()
    waiting = asyncio.create_task(PostgresTokens(pool, SEAL, ACCOUNT, renewals).renew(None, vendor.refresh))
    while not vendor.asked:
        await asyncio.sleep(0.001)
    waiting.cancel()
    await renewals.finish()
    assert await PostgresTokens(pool, SEAL, ACCOUNT).current() == Tokens("access-1", "refresh-1", 1001.0)


async def test_tokens_are_kept_by_another_connection_when_one_is_lost(pool: Any, database_url: str) -> None:
    killer = await asyncpg.connect(database_url)
    others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"

    async def refresh(_: Tokens | None) -> Tokens:
        await killer.execute(others)
        return Tokens("a", "r", 1.0)

    store = PostgresTokens(pool, SEAL, ACCOUNT)
    assert await store.renew(None, refresh) == await store.current() == Tokens("a", "r", 1.0)
    await killer.close()


async def test_a_process_that_died_while_it_renewed_is_not_waited_for_for_ever(pool: Any) -> None:
    store, vendor = PostgresTokens(pool, SEAL, ACCOUNT), Vendor()
    first = await store.renew(None, vendor.refresh)
    await pool.execute("UPDATE crm_tokens SET renewing_until = now() + interval '0.3 s'")
    assert (await store.renew(first, vendor.refresh), vendor.asked) != (first, 1)
    assert vendor.asked == 2


async def test_what_was_renewed_meanwhile_is_not_overwritten_by_what_is_older(pool: Any) -> None:
    store, other = PostgresTokens(pool, SEAL, ACCOUNT), PostgresTokens(pool, SEAL, ACCOUNT)

    async def slowly(_: Tokens | None) -> Tokens:
        await pool.execute("UPDATE crm_tokens SET renewing_until = now()")
        await other.renew(None, Vendor().refresh)
        return Tokens("late", "late", 1.0)

    await store.renew(None, slowly)
    assert await store.current() == Tokens("access-1", "refresh-1", 1001.0)
