"""The real local server (uvloop, sockets, its own process) under the same faults, and under a slow or rude client."""

import asyncio
import contextlib
import os
import secrets
import signal
import socket
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import httpx
import pytest

from smart_redirect.domain.reply import NOTHING
from smart_redirect.local.application import CALL_PATH
from smart_redirect.local.demo import DEMO_QUESTION, DEMO_TOKEN
from tests.fakes.tcp_proxy import TcpProxy, Weather
from tests.faults.conftest import BUDGET, KNOWN
from tests.local.served import Served, served

LATEST = 3 * BUDGET
HEAD = f"POST {CALL_PATH} HTTP/1.1\r\nHost: x\r\nToken: {DEMO_TOKEN}\r\n"


@dataclass
class Rig:
    """A server in a process of its own, and the proxy in front of its database."""

    server: Served
    proxy: TcpProxy
    dsn: str
    stderr: Path = Path(os.devnull)

    async def ask(self, times: int = 1) -> tuple[set[bytes], float]:
        """Ask so many times at once, each on a new connection as hosts do; return the answers and the longest time."""
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
        async with httpx.AsyncClient(base_url=self.server.address, timeout=10, limits=limits) as client:
            answers = await asyncio.gather(*(self._ask(client) for _ in range(times)))
        return {body for body, _ in answers}, max(seconds for _, seconds in answers)

    async def _ask(self, client: httpx.AsyncClient) -> tuple[bytes, float]:
        began = time.monotonic()
        response = await client.post(CALL_PATH, content=DEMO_QUESTION.encode(), headers={"Token": DEMO_TOKEN})
        return response.content, time.monotonic() - began

    async def backends(self) -> int:
        """Count the connections to the database."""
        connection = await asyncpg.connect(self.dsn)
        query = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        found = await connection.fetchval(query)
        await connection.close()
        return int(found)

    async def end_backends(self) -> None:
        """Make the database close every other connection."""
        connection = await asyncpg.connect(self.dsn)
        await connection.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        await connection.close()


@pytest.fixture
async def rig(database_url: str, database_tcp_url: str, memory_dir: Path) -> AsyncIterator[Rig]:
    folder = memory_dir / secrets.token_hex(4)
    folder.mkdir(mode=0o755)
    parts = urlsplit(database_tcp_url)
    async with TcpProxy((parts.hostname or "", parts.port or 0)) as proxy:
        netloc = parts.netloc.rpartition(":")[0] + f":{proxy.port}"
        url = urlunsplit(parts._replace(netloc=netloc, query="sslmode=disable"))
        with contextlib.ExitStack() as stack:
            stderr = stack.enter_context((folder / "stderr.txt").open("w"))
            started = served(folder, stderr=stderr, DATABASE_URL=url)
            server = await asyncio.to_thread(stack.enter_context, started)
            yield Rig(server, proxy, database_url, folder / "stderr.txt")
            proxy.set(Weather.FAIR)
            await asyncio.to_thread(stack.close)


async def test_a_hanging_database_and_the_call_after(rig: Rig) -> None:
    await rig.ask()
    rig.proxy.set(Weather.STALLED)
    bodies, longest = await rig.ask(40)
    assert (bodies, longest < LATEST) == ({KNOWN}, True)
    rig.proxy.set(Weather.FAIR)
    bodies, longest = await rig.ask()
    assert (bodies, longest < LATEST) == ({KNOWN}, True)


async def test_connections_closed_while_the_process_was_frozen(rig: Rig) -> None:
    await rig.ask(30)
    assert await rig.backends() >= 8
    rig.server.process.send_signal(signal.SIGSTOP)
    await rig.end_backends()
    rig.server.process.send_signal(signal.SIGCONT)
    bodies, longest = await rig.ask(30)
    assert (bodies, longest < LATEST) == ({KNOWN}, True)


async def test_calls_that_came_while_the_process_was_frozen_are_answered_in_full(rig: Rig) -> None:
    await rig.ask(30)
    rig.server.process.send_signal(signal.SIGSTOP)
    asked = asyncio.create_task(rig.ask(30))
    await asyncio.sleep(2 * BUDGET)
    rig.server.process.send_signal(signal.SIGCONT)
    bodies, longest = await asked
    assert (bodies, longest < 2 * BUDGET + LATEST) == ({KNOWN}, True)


async def test_half_open_connections(rig: Rig) -> None:
    await rig.ask(30)
    rig.proxy.drop_server_side()
    bodies, longest = await rig.ask()
    assert (bodies, longest < LATEST) == ({KNOWN}, True)


async def test_a_server_that_starts_without_its_database_serves_once_it_is_there(rig: Rig, memory_dir: Path) -> None:
    rig.proxy.set(Weather.REFUSING)
    folder = memory_dir / secrets.token_hex(4)
    folder.mkdir(mode=0o755)
    parts = urlsplit(rig.dsn)
    url = f"postgresql://postgres:x@127.0.0.1:{rig.proxy.port}{parts.path}?sslmode=disable"
    with contextlib.ExitStack() as stack:
        server = await asyncio.to_thread(stack.enter_context, served(folder, DATABASE_URL=url))
        assert (await Rig(server, rig.proxy, rig.dsn).ask())[0] == {NOTHING}
        assert httpx.get(f"{server.address}/healthz").status_code == 200
        await asyncio.to_thread(stack.close)


@pytest.mark.parametrize("weather", [Weather.STALLED, Weather.REFUSING])
async def test_the_server_stops_in_time_while_the_database_hangs(rig: Rig, weather: Weather) -> None:
    event = {"UniqueId": "1795417798.1", "Phone": "80291112233", "Trunk": "0001363", "CallType": "0"}
    await rig.ask(10)
    rig.proxy.set(weather)
    rig.proxy.drop_server_side()
    async with httpx.AsyncClient(base_url=rig.server.address) as client:
        accepted = await client.post("/api/callevent/start", json=event, headers={"Token": DEMO_TOKEN})
    assert accepted.status_code == 202
    await asyncio.sleep(0.3)
    rig.server.process.terminate()
    assert await asyncio.to_thread(rig.server.process.wait, 20) == 0


def talk(address: str, *parts: bytes, pause: float = 0.0) -> tuple[bytes, float]:
    """Send raw bytes piece by piece; return all that comes back, and how long after the first byte."""
    host, port = address.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        began = time.monotonic()
        with contextlib.suppress(OSError):
            for part in parts:
                connection.sendall(part)
                time.sleep(pause)
        received = b""
        with contextlib.suppress(TimeoutError, ConnectionResetError):
            while NOTHING not in received and (data := connection.recv(65536)):
                received += data
        return received, time.monotonic() - began


async def test_a_body_that_never_ends_is_answered_by_the_deadline(rig: Rig) -> None:
    await rig.ask()
    head = f"{HEAD}Content-Length: 93\r\n\r\n{{".encode()
    received, seconds = await asyncio.to_thread(talk, rig.server.address, head)
    assert received.startswith(b"HTTP/1.1 408 ")
    assert received.endswith(NOTHING)
    assert seconds < LATEST


async def test_a_request_is_timed_from_its_first_byte(rig: Rig) -> None:
    await rig.ask()
    pieces = [HEAD[i : i + 20].encode() for i in range(0, len(HEAD), 20)]
    head_took = 0.1 * len(pieces)
    received, seconds = await asyncio.to_thread(
        talk, rig.server.address, *pieces, b"Content-Length: 93\r\n\r\n{", pause=0.1
    )
    assert b" 408 " in received
    assert head_took > BUDGET
    assert seconds < head_took + 0.1 + BUDGET


@pytest.mark.parametrize(
    "garbage", [b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"GET\r\n\r\n", b"POST / HTTP/9\r\n\r\n"]
)
async def test_bytes_that_are_not_http_get_the_safe_body(rig: Rig, garbage: bytes) -> None:
    received, _ = await asyncio.to_thread(talk, rig.server.address, garbage + b"\r\n\r\n")
    assert received.startswith(b"HTTP/1.1 400 ")
    assert received.endswith(NOTHING)


SECRETS = (DEMO_TOKEN, "not-a-token-77", "291112233", "447654321", "Petrov")


async def test_tokens_phones_and_names_are_in_no_log(rig: Rig) -> None:
    await rig.ask()
    phones = ("80447654321", "+375 44 765-43-21", 'Petrov "80447654321"', 'Petrov","TrunkId":" 80447654321', "Petrov\\")
    async with httpx.AsyncClient(base_url=rig.server.address) as client:
        for weather in (Weather.FAIR, Weather.REFUSING):
            rig.proxy.set(weather)
            rig.proxy.cut()
            for phone in phones:
                body = DEMO_QUESTION.replace("80291112233", phone).encode()
                await client.post(CALL_PATH, content=body, headers={"Token": DEMO_TOKEN})
                await client.post(CALL_PATH, content=body, headers={"Token": "not-a-token-77"})
    # Long enough for a batch of records to meet the outage, and to be written after it.
    await asyncio.sleep(1)
    rig.proxy.set(Weather.FAIR)
    await asyncio.sleep(0.5)
    written = "".join(path.read_text(errors="replace") for path in rig.server.log_dir.rglob("*") if path.is_file())
    written += rig.stderr.read_text()
    assert '"reason":"routed"' in written
    assert "decision records wait for the database" in written
    assert [secret for secret in SECRETS if secret in written] == []
    assert os.environ.get("SMART_REDIRECT_FULL_PHONES") is None
