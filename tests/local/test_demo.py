"""The demo enterprise is plausible: what is told of callers follows from the calls that are there."""

import json
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from smart_redirect.local.demo import load_demo
from tests.usecases.office import KEY

HISTORY = """
SELECT *, extract(epoch FROM first_answered_at)::int AS first_at, extract(epoch FROM last_answered_at)::int AS last_at
FROM caller_history ORDER BY phone
"""
CALLS = "SELECT *, now() - started_at AS age, extract(epoch FROM started_at)::int AS epoch FROM calls"
PEOPLE = {"150": (31, 25), "151": (33, 25), "152": (32, 26), "153": (37, 27), "154": (34, 28)}


@pytest.fixture
async def demo(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(database_url)
    assert await load_demo(connection, KEY, 1)
    yield connection
    await connection.close()


async def talks_of(demo: asyncpg.Connection, caller: str) -> list[tuple[str, list[Any]]]:
    """Return the caller's talks in inbound calls with the names of their calls, in order."""
    rows = await demo.fetch("SELECT * FROM calls WHERE caller = $1 AND call_type = 0 ORDER BY started_at", caller)
    return [(f"{row['host_id']}/{row['unique_id']}", talk) for row in rows for talk in json.loads(row["talks"])]


async def test_the_history_of_callers_is_that_of_their_calls(demo: asyncpg.Connection) -> None:
    rows = await demo.fetch(HISTORY)
    assert [row["phone"] for row in rows] == ["+375172223344", "+375291112233", "+375336665544"]
    for row in rows:
        talks = await talks_of(demo, row["phone"])
        for end, (call, talk) in (("first", talks[0]), ("last", talks[-1])):
            told = [row[f"{end}_{name}"] for name in ("extension", "at", "internal_id", "user_id")]
            assert (row[f"{end}_call"], told) == (call, talk)


async def test_calls_and_those_who_took_part_fit_together(demo: asyncpg.Connection) -> None:
    calls = await demo.fetch(CALLS)
    assert {row["status"] for row in calls} == {"answered", "no_answer"}
    for row in calls:
        query = "SELECT * FROM call_participants WHERE unique_id = $1 AND started_at = $2 ORDER BY ring_order"
        people = await demo.fetch(query, row["unique_id"], row["started_at"])
        talked = [talk[0] for talk in json.loads(row["talks"])]
        assert sorted(talked) == sorted(each["extension"] for each in people if each["status"] == "answered")
        assert all((each["internal_id"], each["user_id"]) == PEOPLE[each["extension"]] for each in people)
        assert people
        assert row["unique_id"].startswith(f"{row['epoch']}.")
        assert 0 < row["age"].total_seconds() < 90 * 86_400
