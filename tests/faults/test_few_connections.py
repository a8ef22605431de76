"""A server that has fewer connections left for us than we would like: those that there are go round."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from time import monotonic
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from smart_redirect.adapters.postgres.live import PostgresLive
from smart_redirect.adapters.postgres.pool import Pool, open_pool
from smart_redirect.adapters.postgres.timed import TimedReads
from smart_redirect.errors import DatabaseUnavailable

SLOW = "SELECT pg_backend_pid() FROM pg_sleep(0.005)"
QUICK = "SELECT pg_backend_pid()"
SLOW_ON = "SELECT pg_backend_pid() FROM (SELECT CASE WHEN pg_backend_pid() = $1 THEN pg_sleep(1) END) AS slept"


class Counted(Pool):
    """A pool that counts how often it was asked for a connection."""

    asked = 0

    def acquire(self, **options: object) -> object:
        self.asked += 1
        return super().acquire(**options)


@dataclass
class Scarce:
    """A role of its own, and how many connections it may have."""

    admin: asyncpg.Connection
    name: str
    pool: Pool
    reads: TimedReads
    url: str

    async def allow(self, count: int) -> None:
        await self.admin.execute(f"ALTER ROLE {self.name} CONNECTION LIMIT {count}")

    async def fill(self, count: int) -> list[asyncpg.Connection]:
        """Take connections that are not ours."""
        return [await asyncpg.connect(self.url) for _ in range(count)]

    async def read(self, times: int, query: str = SLOW, *values: object) -> list[int | str]:
        answers = await asyncio.gather(*(self._one(query, *values) for _ in range(times)))
        return list(answers)

    async def _one(self, query: str, *values: object) -> int | str:
        try:
            return int((await self.reads.row(query, *values, deadline=monotonic() + 0.285))[0])
        except DatabaseUnavailable as error:
            return str(error)


@pytest.fixture
async def scarce(database_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Scarce]:
    admin = await asyncpg.connect(database_url)
    name = "few_" + urlsplit(database_url).path.strip("/")
    await admin.execute(f"CREATE ROLE {name} LOGIN CONNECTION LIMIT 2")
    parts = urlsplit(database_url)
    url = urlunsplit(parts._replace(netloc=f"{name}@{parts.netloc.rpartition('@')[2]}"))
    monkeypatch.setattr("smart_redirect.adapters.postgres.pool.Pool", Counted)
    pool = await open_pool(url, size=8)
    yield Scarce(admin, name, pool, TimedReads(pool), url)
    pool.terminate()
    await asyncio.sleep(0.05)
    await admin.execute(f"DROP ROLE {name}")
    await admin.close()


async def test_all_calls_are_answered_by_the_few_and_the_server_is_not_asked_for_more_each_time(scarce: Scarce) -> None:
    first = await scarce.read(16)
    assert len(set(first)) == 2
    asked = scarce.pool.asked
    for _ in range(5):
        assert set(await scarce.read(16)) == set(first)
    assert (scarce.pool.asked - asked, scarce.reads.healthy) == (0, True)


async def test_who_is_refused_while_all_others_are_answered_takes_what_is_free(scarce: Scarce) -> None:
    await scarce.allow(1)
    await scarce.read(1)
    for times in (2, 4, 8):
        assert {type(each) for each in await scarce.read(times, QUICK)} == {int}
        await asyncio.sleep(1.1)


@pytest.mark.parametrize("were_refused", [False, True])
async def test_a_slow_query_is_asked_a_second_time_though_there_are_no_more(scarce: Scarce, were_refused: bool) -> None:
    await scarce.read(4 if were_refused else 2)
    last = scarce.reads._kept.free[-1].get_server_pid()
    (answer,) = await scarce.read(1, SLOW_ON, last)
    assert (type(answer), answer == last) == (int, False)


async def test_when_there_are_more_again_they_are_used(scarce: Scarce) -> None:
    await scarce.read(16)
    await scarce.allow(20)
    await asyncio.sleep(1.1)
    answers = await scarce.read(16)
    assert (len(set(answers)), {type(each) for each in answers}) == (8, {int})


async def test_with_none_at_all_each_call_is_told_so_at_once(scarce: Scarce) -> None:
    await scarce.allow(0)
    assert set(await scarce.read(16)) == {"TooManyConnectionsError"}
    await scarce.allow(2)
    assert {type(each) for each in await scarce.read(16, QUICK)} == {int}


async def test_those_that_are_all_refused_because_they_came_together_are_answered(scarce: Scarce) -> None:
    others = await scarce.fill(2)
    reading = asyncio.create_task(scarce.read(16))
    while scarce.pool.asked < 9:
        await asyncio.sleep(0.001)
    await asyncio.gather(*(each.close() for each in others))
    assert {type(each) for each in await reading} == {int}


async def test_the_last_of_them_that_dies_leaves_its_place_to_who_waits(scarce: Scarce) -> None:
    (first, second) = sorted({each for each in await scarce.read(16) if isinstance(each, int)})
    reading = asyncio.create_task(scarce.read(16))
    await asyncio.sleep(0.002)
    await scarce.admin.execute("SELECT pg_terminate_backend(pid) FROM unnest($1::int[]) AS pid", [first, second])
    assert {type(each) for each in await reading} == {int}
    assert not {first, second} & set(await scarce.read(4))


async def test_a_ledger_without_a_connection_is_unavailable_and_no_error_of_ours(scarce: Scarce) -> None:
    await scarce.allow(0)
    with pytest.raises(DatabaseUnavailable, match="TooManyConnectionsError"):
        await PostgresLive(scarce.pool).accounts(1, 1.0)
