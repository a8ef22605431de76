"""The demo enterprise on a real database, with what builds its dialplan and what hosts ask and say."""

import gzip
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from time import monotonic
from typing import Any

import asyncpg

from smart_redirect.adapters.memory import MemoryContents
from smart_redirect.adapters.postgres.callers import PostgresSettings
from smart_redirect.adapters.postgres.dialplan import PostgresDialplan
from smart_redirect.adapters.postgres.hosts import PostgresHosts
from smart_redirect.adapters.postgres.timed import TimedReads
from smart_redirect.domain.closure import is_loaded
from smart_redirect.domain.dialplan.loaded import names_hash
from smart_redirect.domain.token import token_hash
from smart_redirect.usecases.host_agent import Asked, TakeReport
from smart_redirect.usecases.ports_dialplan import Agent, Report
from smart_redirect.usecases.regenerate import Built, Regenerate

KEY = b"k" * 32
AGENT_KEY = "agent-key"
TOKEN = "demo-0367"


@dataclass
class Office:
    """Enterprise 0367 (id 1) with the host `demo` (id 1), whose agent has a key."""

    pool: Any
    connection: asyncpg.Connection
    contents: MemoryContents = field(default_factory=MemoryContents)

    def __post_init__(self) -> None:
        self.ledger = PostgresDialplan(self.pool)
        self.hosts = PostgresHosts(self.pool)
        self.regenerate = Regenerate(self.ledger, self.contents)
        self.reports = TakeReport(self.hosts)
        self.settings = PostgresSettings(TimedReads(self.pool))

    async def add_agent(self, host_id: int = 1, key: str = AGENT_KEY) -> None:
        query = "INSERT INTO agent_keys (key_hash, key_id, enterprise_id, host_id) VALUES ($1, 1, 1, $2)"
        await self.connection.execute(query, token_hash(KEY, key), host_id)

    async def change(self, *statements: str) -> None:
        for statement in statements:
            await self.connection.execute(statement)

    async def build(self) -> Built:
        return await self.regenerate(1)

    async def releases(self) -> list[Any]:
        return list(await self.connection.fetch("SELECT * FROM dialplan_releases ORDER BY id"))

    async def changes(self) -> list[str]:
        return [row[0] for row in await self.connection.fetch("SELECT reason FROM dialplan_outbox ORDER BY id")]

    async def agent(self, key: str = AGENT_KEY) -> Agent:
        agent = await self.hosts.agent(token_hash(KEY, key))
        assert agent is not None
        return agent

    async def text(self) -> str:
        """Return the text that the host is to have."""
        return gzip.decompress(self.contents.texts[(await self.agent()).sha256]).decode()

    async def contexts(self) -> list[str]:
        return re.findall(r"^\[(mngr[^\]]*)\]$", await self.text(), re.MULTILINE)

    async def announce(self) -> None:
        agent = await self.agent()
        await self.reports.announce(agent, agent.release or "")

    async def report(self, contexts: Sequence[str], *, listed: bool = False, release: str | None = None) -> Asked:
        """Say that the host runs a release (by default the wanted one) and has these contexts."""
        agent = await self.agent()
        count, digest = names_hash(contexts)
        return await self.reports(
            agent,
            Report(
                release=release or agent.release,
                wanted=agent.release,
                contexts=count,
                sha256=digest,
                names=tuple(contexts) if listed else None,
                asterisk="16.28.0",
                agent="1.0",
                mode="whole-file",
                step=None,
                error=None,
                pool_busy=False,
                files_sha256=None,
                at=datetime(2026, 11, 23, tzinfo=UTC),
            ),
        )

    async def answers(self, extension: str, line: str = "0001363") -> bool:
        """Tell whether the call path may send a call of this line to this extension."""
        enterprise = await self.settings.reload(1, monotonic() + 5)
        assert enterprise is not None
        owner = next((each for each in enterprise.extensions if each.number == extension), None)
        return owner is not None and is_loaded(enterprise, enterprise.hosts[1], owner, enterprise.lines[line])
