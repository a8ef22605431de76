"""The server starts into whatever it would survive while it runs: calls are served, and what is missing is tried again."""

import asyncio
import configparser
import contextlib
import secrets
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import httpx
import pytest

from smart_redirect.local.demo import DEMO_TOKEN
from smart_redirect.local.embedded import free_port
from smart_redirect.local.server import greeting
from tests.local.served import ROOT, Served, served
from tests.local.test_server import KNOWN

EVENT = {"UniqueId": "1795417798.1", "Phone": "80291112233", "Trunk": "0001363", "CallType": "0"}
# What makes a database refuse, and what mends it.
REFUSALS = {
    "it is not there yet": ("ALTER DATABASE {0} RENAME TO {0}_away", "ALTER DATABASE {0}_away RENAME TO {0}"),
    "read-only": (
        "ALTER DATABASE {0} SET default_transaction_read_only = on",
        "ALTER DATABASE {0} RESET default_transaction_read_only",
    ),
    "no connections": ("ALTER DATABASE {0} ALLOW_CONNECTIONS false", "ALTER DATABASE {0} ALLOW_CONNECTIONS true"),
}


@pytest.fixture
def folder(memory_dir: Path) -> Path:
    folder = memory_dir / secrets.token_hex(4)
    folder.mkdir(mode=0o755)
    return folder


@contextlib.asynccontextmanager
async def started(folder: Path, url: str) -> AsyncIterator[Served]:
    with contextlib.ExitStack() as stack, (folder / "stderr.txt").open("w") as stderr:
        yield await asyncio.to_thread(stack.enter_context, served(folder, stderr=stderr, DATABASE_URL=url))
        await asyncio.to_thread(stack.close)


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    for _ in range(150):
        if await condition():
            return
        await asyncio.sleep(0.1)
    raise AssertionError("not in fifteen seconds")


async def execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(urlunsplit(urlsplit(url)._replace(path="/postgres")))
    await connection.execute(statement.format(urlsplit(url).path.removeprefix("/")))
    await connection.close()


@pytest.mark.parametrize("refusal", list(REFUSALS))
async def test_a_database_that_refuses_is_waited_for_and_told(folder: Path, database_url: str, refusal: str) -> None:
    spoiled, mended = REFUSALS[refusal]
    await execute(database_url, spoiled)
    async with started(folder, database_url) as server:
        assert (await asyncio.to_thread(server.ask)).status_code in {401, 503}
        await execute(database_url, mended)
        await until(lambda: is_known(server))
    assert "the database cannot be used yet (" in (folder / "stderr.txt").read_text()


async def is_known(server: Served) -> bool:
    return (await asyncio.to_thread(server.ask)).text == KNOWN


def test_an_address_that_can_be_none_of_a_database_is_named(folder: Path) -> None:
    environment = {"DATABASE_URL": "http://localhost/x", "SMART_REDIRECT_DATA_DIR": str(folder)}
    program = [sys.executable, str(ROOT / "local_server.py")]
    done = subprocess.run(program, env=environment, capture_output=True, text=True, check=False, timeout=30)
    assert (done.returncode, "smart-redirect: DATABASE_URL: " in done.stderr) == (1, True)


async def test_a_spool_that_cannot_be_opened_costs_no_call(folder: Path, database_url: str) -> None:
    (folder / "data").mkdir()
    (folder / "data" / "spool").touch()
    async with started(folder, database_url) as server:
        assert await is_known(server)
        assert await events_of(server) == (503, "down")
        (folder / "data" / "spool").unlink()
        await until(lambda: takes_events(server))
    assert "the event spool cannot be opened" in (folder / "stderr.txt").read_text()


async def events_of(server: Served) -> tuple[int, str]:
    """Return what an event is answered, and what /readyz says of events."""
    async with httpx.AsyncClient(base_url=server.address) as client:
        posted = await client.post("/api/callevent/start", json=EVENT, headers={"Token": DEMO_TOKEN})
        return posted.status_code, (await client.get("/readyz")).json()["events"]


async def takes_events(server: Served) -> bool:
    return await events_of(server) == (202, "ok")


async def test_a_broken_spool_is_replaced_at_the_start(folder: Path, database_url: str) -> None:
    (folder / "data" / "spool").mkdir(parents=True)
    (folder / "data" / "spool" / "events.sqlite").write_bytes(b"garbage" * 1000)
    async with started(folder, database_url) as server:
        assert await takes_events(server)
    assert "the event spool is broken" in (folder / "stderr.txt").read_text()


@pytest.mark.parametrize(("host", "shown"), [("::1", "http://[::1]:{}"), ("127.0.0.1", "http://127.0.0.1:{}")])
async def test_the_greeting_ends_no_server(host: str, shown: str) -> None:
    port = free_port()
    text = await greeting(host, port)
    assert text.startswith(f"Smart Redirect serves {shown.format(port)} ")
    assert "could not be tried from here: ConnectError" in text


def test_the_unit_starts_the_server_again_however_often_it_ended() -> None:
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.read(ROOT / "infra" / "systemd" / "smart-redirect.service")
    assert (unit["Unit"]["StartLimitIntervalSec"], unit["Service"]["Restart"]) == ("0", "always")
