"""Who watches a sync sees how far it is, whatever its vendor counts; who does not is not written to."""

import asyncio
import io
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest

from smart_redirect.adapters.postgres.pool import open_pool
from smart_redirect.cli.crm_show import progress
from smart_redirect.cli.crm_watch import watched
from tests.usecases.mirrored import KEY, Mirrored

EMPTY, HALF, FULL = "." * 30, "#" * 15 + "." * 15, "#" * 30


class Screen(io.StringIO):
    """A terminal, or a file."""

    def __init__(self, is_terminal: bool = True) -> None:
        super().__init__()
        self._is_terminal = is_terminal

    def isatty(self) -> bool:
        return self._is_terminal


def row(done: int | None, total: int | None, *, walked: bool = False, sweeping: bool = False) -> dict[str, Any]:
    walked_at = datetime(2026, 1, 2, tzinfo=UTC) if walked else None
    return {"walk_done": done, "walk_total": total, "walked_at": walked_at, "is_sweeping": sweeping}


@pytest.mark.parametrize(
    ("state", "shown"),
    [
        (row(0, 200), f"[{EMPTY}] 0 of 200, 70 people, 1:05"),
        (row(100, 200), f"[{HALF}] 100 of 200, 70 people, 1:05"),
        (row(200, 200), f"[{FULL}] 200 of 200, goes on, 70 people, 1:05"),
        (row(210, 200), f"[{FULL}] 210 of 200, goes on, 70 people, 1:05"),
        (row(0, None), "reads everybody, 70 people, 1:05"),
        (row(None, None), "reads everybody, 70 people, 1:05"),
        (row(200, 200, walked=True), "reads changes, 70 people, 1:05"),
        (row(200, 200, walked=True, sweeping=True), "compares ids, 70 people, 1:05"),
    ],
)
def test_the_progress_of_a_run_is_a_bar_where_the_crm_counts_and_people_and_time_always(
    state: dict[str, Any], shown: str
) -> None:
    assert progress(state, 70, 65.9) == shown


@pytest.fixture
async def mirrored(database_url: str) -> AsyncIterator[Mirrored]:
    pool = await open_pool(database_url, size=2)
    mirrored = Mirrored(pool)
    await mirrored.connect(KEY)
    yield mirrored
    pool.terminate()
    await asyncio.sleep(0.01)


async def watching(mirrored: Mirrored, screen: Screen, *statements: str) -> list[str]:
    """What is shown while these things happen, line by line."""
    async with mirrored.pool.acquire() as connection:
        watch = asyncio.create_task(watched(connection, KEY, screen, every=0.01))
        for statement in statements:
            await mirrored.pool.execute(statement)
            await asyncio.sleep(0.1)
        watch.cancel()
        await asyncio.wait({watch})
    shown = [line.split(", 0:")[0] for line in screen.getvalue().split("\r\x1b[K")]
    return list(dict.fromkeys(filter(None, shown)))


STEPS = (
    "INSERT INTO crm_sync (enterprise_id, connection_id, walk_done, walk_total, sweep) VALUES (1, 1, 0, NULL, 1)",
    "INSERT INTO crm_people VALUES (1, 1, '1', 1), (1, 1, '2', 1), (1, 1, 'of the walk before', 0)",
    "UPDATE crm_sync SET walk_done = 2, walk_total = 4",
    "UPDATE crm_sync SET walked_at = now()",
)


async def test_a_terminal_shows_whom_the_run_has_met_until_it_ends(mirrored: Mirrored) -> None:
    screen = Screen()
    assert await watching(mirrored, screen, *STEPS) == [
        "reads everybody, 0 people",
        "reads everybody, 2 people",
        f"[{HALF}] 2 of 4, 2 people",
        "reads changes, 2 people",
    ]
    assert screen.getvalue().endswith("\r\x1b[K")


async def test_nothing_is_written_into_a_file(mirrored: Mirrored) -> None:
    assert await watching(mirrored, Screen(is_terminal=False), STEPS[0]) == []
