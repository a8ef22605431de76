"""Webhooks beside syncs: a hint waits for no page, and neither ends the other, whoever locks whose rows first."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from datetime import timedelta
from typing import Any

import pytest

from smart_redirect.adapters.postgres.hooks import PostgresHooks
from smart_redirect.adapters.postgres.mirror import PostgresMirror
from smart_redirect.adapters.postgres.pool import open_pool
from smart_redirect.adapters.postgres.queries import load
from smart_redirect.domain.crm_mirror import Fold
from smart_redirect.usecases.ports_mirror import Claim
from tests.usecases.mirrored import KEY, Mirrored

PLACE = (KEY.enterprise_id, KEY.connection_id)
WAITING = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"


@pytest.fixture
async def mirrored(database_url: str) -> AsyncIterator[Mirrored]:
    pool = await open_pool(database_url, size=5)
    mirrored = Mirrored(pool)
    await mirrored.connect(KEY)
    yield mirrored
    pool.terminate()
    await asyncio.sleep(0.01)


@pytest.fixture
async def alone(database_url: str) -> AsyncIterator[Any]:
    """A pool of one connection, which keeps what is set on it."""
    pool = await open_pool(database_url, size=1)
    yield pool
    pool.terminate()
    await asyncio.sleep(0.01)


async def claimed(mirrored: Mirrored) -> Claim:
    claim = await PostgresMirror(mirrored.pool).claim(KEY, 60)
    assert claim is not None
    return claim


async def marked(mirrored: Mirrored) -> set[str]:
    query = "SELECT external_id FROM crm_dirty WHERE enterprise_id = $1 AND connection_id = $2"
    return {row[0] for row in await mirrored.pool.fetch(query, *PLACE)}


async def until_waiting(mirrored: Mirrored, count: int) -> None:
    """Return when so many wait for locks of others."""
    async with asyncio.timeout(10):
        while await mirrored.pool.fetchval(WAITING) < count:
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("ids", [["9"], ["8", "9"], []])
@pytest.mark.parametrize("part", ["step", "sweep_on", "done"])
async def test_a_hint_waits_for_no_page_that_is_being_written(
    mirrored: Mirrored, alone: Any, ids: list[str], part: str
) -> None:
    await claimed(mirrored)
    await alone.execute("SET lock_timeout = 1")
    values = {"step": ("x", True, 0, None), "sweep_on": (), "done": (timedelta(60), None)}[part]
    async with mirrored.pool.acquire() as page, page.transaction():
        await page.fetch(load("mirror")[part], *PLACE, *values)
        await PostgresHooks(alone).hint(KEY, ids)
    assert await marked(mirrored) == set(ids)


@pytest.mark.parametrize("ids", [["9", "8"], []])
async def test_a_webhook_costs_one_statement_for_its_address_and_one_for_its_hints(alone: Any, ids: list[str]) -> None:
    said: list[str] = []
    async with alone.acquire() as connection:
        connection.add_query_logger(lambda record: said.append(record.query))
    hooks = PostgresHooks(alone)
    await hooks.hook("00000000-0000-0000-0000-000000000007")
    await hooks.hint(KEY, ids)
    # A connection that nobody used for half a second is tried first.
    assert len([each for each in said if each != "SELECT"]) == 2


async def test_a_hint_beside_a_sweep_that_marks_the_same_person_ends_neither(mirrored: Mirrored) -> None:
    await claimed(mirrored)
    async with mirrored.pool.acquire() as sweep, sweep.transaction():
        await sweep.fetchval(load("mirror")["sweep_on"], *PLACE)
        hint = asyncio.create_task(PostgresHooks(mirrored.pool).hint(KEY, ["9"]))
        await asyncio.sleep(0.1)
        await sweep.execute(load("mirror")["mark"], *PLACE, ["9"])
    await hint


async def crossing(mirrored: Mirrored, between: str, *works: Coroutine[Any, Any, None]) -> None:
    """Begin each while somebody holds a row that it comes to, then let go: they meet as badly as they can."""
    async with mirrored.pool.acquire() as other:
        transaction = other.transaction()
        await transaction.start()
        await other.execute(between)
        begun = []
        for count, work in enumerate(works, start=1):
            begun.append(asyncio.create_task(work))
            await until_waiting(mirrored, count)
        await transaction.rollback()
    await asyncio.gather(*begun)


async def test_a_sweep_and_a_hint_mark_the_same_people_in_the_same_order(mirrored: Mirrored) -> None:
    claim = await claimed(mirrored)
    hint = PostgresHooks(mirrored.pool).hint(KEY, ["a", "m", "z"])
    sweep = PostgresMirror(mirrored.pool).sweep(claim, ["z", "a"], None)
    await crossing(mirrored, "INSERT INTO crm_dirty VALUES (1, 1, 'm')", hint, sweep)
    assert await marked(mirrored) == {"a", "m", "z"}


async def test_marks_are_taken_back_in_the_order_in_which_hints_renew_them(mirrored: Mirrored, alone: Any) -> None:
    claim, hooks, mirror = await claimed(mirrored), PostgresHooks(mirrored.pool), PostgresMirror(alone)
    # As PostgreSQL reads a table while its statistics say that it is small.
    await alone.execute("SET enable_indexscan = off; SET enable_bitmapscan = off")
    for each in ("z", "a", "m"):
        await hooks.hint(KEY, [each])
    read = mirror.apply_marked(claim, Fold(), (await mirror.marks(claim, 9))[:2])
    held = "SELECT FROM crm_dirty WHERE external_id = 'm' FOR UPDATE"
    await crossing(mirrored, held, hooks.hint(KEY, ["a", "m", "z"]), read)
    assert await marked(mirrored) == {"a", "m", "z"}
