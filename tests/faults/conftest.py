"""A call path whose database is behind a proxy that breaks the network on command."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from time import monotonic
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import httpx
import pytest

from smart_redirect.adapters.memory import MemoryLog
from smart_redirect.bootstrap.call_path import CallPath, open_call_path
from smart_redirect.domain.reply import NOTHING
from smart_redirect.local.application import CALL_PATH
from smart_redirect.local.background import running
from smart_redirect.local.demo import DEMO_QUESTION, DEMO_TOKEN, load_demo
from smart_redirect.local.embedded import EmbeddedPostgres
from smart_redirect.settings import Settings
from tests.fakes.tcp_proxy import TcpProxy

KEY = "k" * 32
BUDGET = 0.3
_TICK = 0.005
KNOWN = '{"Name":"Петрова Ольга | Салон на Немиге","DialPlan":"mngr31_0001363_1"}'.encode()
NAMES = '{"Name":"Салон на Немиге","DialPlan":null}'.encode()


class Lateness:
    """Counts the seconds by which the loop's turns came late: what a busy machine, and not the call path, adds to an answer."""

    total = 0.0

    async def run(self) -> None:
        """Count for as long as the task lives."""
        while True:
            began = monotonic()
            await asyncio.sleep(_TICK)
            self.total += monotonic() - began - _TICK


@dataclass
class Rig:
    """A call path, the proxy in front of its database, and what it logged."""

    call_path: CallPath
    proxy: TcpProxy
    dsn: str
    log: MemoryLog = field(default_factory=MemoryLog)
    lateness: Lateness = field(default_factory=Lateness)

    async def ask(self, body: str = DEMO_QUESTION) -> "Answer":
        """Ask once and time it."""
        transport = httpx.ASGITransport(self.call_path.endpoint, client=("127.0.0.1", 1))
        began, late = monotonic(), self.lateness.total
        async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
            response = await client.post(CALL_PATH, content=body.encode(), headers={"Token": DEMO_TOKEN})
        # The meter's turn comes, and with it what was late at the end.
        seconds = monotonic() - began
        await asyncio.sleep(2 * _TICK)
        return Answer(response.status_code, response.content, seconds, self.lateness.total - late)

    async def sql(self, statement: str) -> Any:
        """Run a statement on a connection that does not go through the proxy."""
        connection = await asyncpg.connect(self.dsn)
        try:
            return await connection.fetchval(statement)
        finally:
            await connection.close()


@dataclass(frozen=True)
class Answer:
    """What was answered, after how many seconds, and for how many of them the machine was busy with something else."""

    status: int
    body: bytes
    seconds: float
    late: float

    def in_time(self) -> bool:
        """Tell whether it came within the budget on a machine that is never busy; a tick either way is the meter's."""
        return self.seconds < BUDGET + self.late + 2 * _TICK

    def is_safe(self) -> bool:
        """Tell whether a host reads it as nothing, or as what is known to be right."""
        return self.body in {NOTHING, KNOWN, NAMES}


Through = Callable[..., contextlib.AbstractAsyncContextManager[Rig]]


@contextlib.asynccontextmanager
async def through_proxy(dsn: str, tcp_dsn: str, **changed: object) -> AsyncIterator[Rig]:
    """Yield a rig on the demo data of a database."""
    connection = await asyncpg.connect(dsn)
    await load_demo(connection, KEY.encode(), 1)
    await connection.close()
    parts = urlsplit(tcp_dsn)
    async with TcpProxy((parts.hostname or "", parts.port or 0)) as proxy:
        netloc = parts.netloc.rpartition(":")[0] + f":{proxy.port}"
        url = urlunsplit(parts._replace(netloc=netloc, query="sslmode=disable"))
        values: dict[str, Any] = {"database_url": url, "key": KEY, "budget_ms": int(BUDGET * 1000), **changed}
        log = MemoryLog()
        async with open_call_path(Settings(**values), log) as call_path:
            rig = Rig(call_path, proxy, dsn, log)
            async with running(rig.lateness.run()):
                yield rig
            await asyncio.sleep(0)


@pytest.fixture
async def rig(database_url: str, database_tcp_url: str) -> AsyncIterator[Rig]:
    async with through_proxy(database_url, database_tcp_url) as rig:
        yield rig


@pytest.fixture
async def own_rig(own_postgres: EmbeddedPostgres) -> AsyncIterator[Rig]:
    """A rig on a server that may be killed."""
    async with through_proxy(own_postgres.dsn, own_postgres.tcp_dsn_of("postgres")) as rig:
        yield rig
