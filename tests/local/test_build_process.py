"""A large dialplan is built beside the calls: the loop that answers them goes on turning."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable
from pathlib import Path

import asyncpg
import pytest

from smart_redirect.bootstrap.dialplan import open_dialplan
from smart_redirect.errors import DatabaseUnavailable
from smart_redirect.local.build_process import BuildFailed, BuildProcess
from smart_redirect.settings import Settings
from smart_redirect.usecases.regenerate import Outcome
from tests.load.releases import _FILL, _SCHEME
from tests.usecases.office import KEY

# Has built once, says which process did it, and waits to be killed.
PARENT = """
import asyncio, sys
from smart_redirect.local.build_process import BuildProcess
from smart_redirect.settings import Settings

async def main():
    builds = BuildProcess(Settings(database_url=sys.argv[1], key="k" * 32))
    await builds(77)
    print(builds.pid, flush=True)
    await asyncio.sleep(60)

asyncio.run(main())
"""


@pytest.fixture
def settings(database_url: str) -> Settings:
    return Settings(database_url=database_url, key=KEY.decode())


@pytest.fixture
async def builds(settings: Settings) -> AsyncIterator[BuildProcess]:
    builds = BuildProcess(settings)
    yield builds
    await builds.close()


async def fill(url: str, *, lines: int, extensions: int) -> None:
    connection = await asyncpg.connect(url)
    span = "generate_series(1, 1) AS n"
    statements = _FILL.format(span=span, scheme=_SCHEME, lines=lines, extensions=extensions)
    await connection.execute(statements, timeout=120)
    await connection.close()


async def longest_gap(work: Awaitable[object]) -> float:
    """Return the longest time, in seconds, between two turns of the loop while the work goes on."""
    loop = asyncio.get_running_loop()
    task = asyncio.ensure_future(work)
    longest, before = 0.0, loop.time()
    while not task.done():
        await asyncio.sleep(0.001)
        now = loop.time()
        longest, before = max(longest, now - before), now
    await task
    return longest


async def test_callers_do_not_wait_for_a_build_of_a_hundred_thousand_contexts(
    settings: Settings, builds: BuildProcess
) -> None:
    await fill(settings.database_url, lines=50, extensions=1334)
    async with open_dialplan(settings) as here, open_dialplan(settings, elsewhere=builds) as beside:
        in_one_piece = await longest_gap(here.regenerate(1))
        await here.ledger.mark(1, "again")
        gaps = [await longest_gap(beside.regenerate(1)) for _ in range(3)]
    assert (in_one_piece > 0.1, min(gaps) < in_one_piece / 4) == (True, True), (in_one_piece, gaps)


async def test_what_became_of_a_build_comes_back_without_its_text(settings: Settings, builds: BuildProcess) -> None:
    await fill(settings.database_url, lines=2, extensions=3)
    built = await builds(1)
    (result,) = built.results
    assert (built.outcome, result.error, result.host.name) == (Outcome.DONE, None, "h")
    assert result.release is not None
    assert (result.release.text, result.release.contexts > 6) == ("", True)
    assert (await builds(1)).results[0].release is None


async def test_an_enterprise_that_is_gone_is_told(builds: BuildProcess) -> None:
    assert (await builds(77)).outcome is Outcome.GONE


async def test_a_process_that_is_killed_costs_one_build(settings: Settings, builds: BuildProcess) -> None:
    await builds(77)
    assert builds.pid is not None
    os.kill(builds.pid, signal.SIGKILL)
    with pytest.raises(BuildFailed):
        await builds(77)
    assert (await builds(77)).outcome is Outcome.GONE


def test_it_ends_with_the_server_however_that_ends(settings: Settings) -> None:
    program = [sys.executable, "-c", PARENT, settings.database_url]
    with subprocess.Popen(program, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = Path("/proc", parent.stdout.readline().strip(), "cmdline")
        assert b"build_worker" in child.read_bytes()
        parent.kill()
    for _ in range(100):
        if not child.exists() or b"build_worker" not in child.read_bytes():
            return
        time.sleep(0.05)
    raise AssertionError("it is still there")


async def test_a_process_with_nothing_to_do_ends(settings: Settings) -> None:
    builds = BuildProcess(settings, idle_seconds=0.05)
    await builds(77)
    for _ in range(100):
        if builds.pid is None:
            break
        await asyncio.sleep(0.05)
    assert builds.pid is None


async def test_a_database_that_is_away_is_what_the_build_raises(tmp_path: object) -> None:
    builds = BuildProcess(Settings(database_url=f"postgresql://nobody@/nothing?host={tmp_path}", key=KEY.decode()))
    with pytest.raises(DatabaseUnavailable):
        await builds(1)
    await builds.close()
