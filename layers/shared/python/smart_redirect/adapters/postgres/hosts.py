"""The ledger of the host agents in PostgreSQL: keys, announcements, reports and the hosts' own files."""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from smart_redirect.adapters.postgres.dialplan import borrowed
from smart_redirect.adapters.postgres.queries import load
from smart_redirect.adapters.postgres.snapshot import read_pool
from smart_redirect.domain.dialplan.dialects import Dialect, Shape
from smart_redirect.domain.dialplan.outline_json import from_json
from smart_redirect.domain.dialplan.release import Style
from smart_redirect.domain.enterprise import ContextPool
from smart_redirect.usecases.ports_dialplan import Agent, Install, Known, Report, State

_SECONDS = 10.0


class PostgresHosts:
    """The HostLedger on a pool that it shares with the builds."""

    def __init__(self, pool: "asyncpg.Pool[Any]") -> None:
        self._pool = pool
        self._queries = load("hosts")

    async def agent(self, key_hash: bytes) -> Agent | None:
        """Return whose agent's key this is, with the release that the host is to have."""
        async with borrowed(self._pool, _SECONDS) as connection:
            row = await connection.fetchrow(self._queries["host_of"], key_hash)
        if row is None:
            return None
        agent = Agent(row["enterprise_id"], row["host_id"], Install(row["install"]))
        if row["release"] is None:
            return agent
        style = Style(Dialect(row["dialect"]), Shape(row["shape"]))
        return Agent(agent.enterprise_id, agent.host_id, agent.install, row["release"], row["sha256"], style)

    async def announce(self, agent: Agent, release: str) -> bool:
        """Narrow what may be answered; False if the host has no such release."""
        async with borrowed(self._pool, _SECONDS) as connection:
            found = await connection.fetchval(self._queries["announce"], agent.enterprise_id, agent.host_id, release)
            return bool(found)

    @asynccontextmanager
    async def reporting(self, agent: Agent) -> AsyncIterator["PostgresReport"]:
        """Take one report in one transaction that holds the host's row."""
        async with borrowed(self._pool, _SECONDS) as connection, connection.transaction():
            row = await connection.fetchrow(self._queries["state"], agent.enterprise_id, agent.host_id)
            loaded = None if row["loaded_pool"] is None else read_pool(json.loads(row["loaded_pool"]))
            state = State(loaded, row["names_sha256"], row["host_files_sha256"], Install(row["install"]))
            yield PostgresReport(connection, agent, state)

    async def put_files(self, agent: Agent, sha256: str, files: Sequence[tuple[str, str]]) -> bool:
        """Keep a host's own files; the change is noted by a trigger."""
        document = json.dumps(list(files), ensure_ascii=False)
        async with borrowed(self._pool, _SECONDS) as connection:
            return bool(
                await connection.fetchval(
                    self._queries["put_files"], agent.enterprise_id, agent.host_id, sha256, document
                )
            )


class PostgresReport:
    """A report that is being taken."""

    def __init__(self, connection: Any, agent: Agent, state: State) -> None:
        self._connection = connection
        self._place = (agent.enterprise_id, agent.host_id)
        self._queries = load("hosts")
        self.state = state

    async def release(self, name: str) -> Known | None:
        """Return a release of this host by its name."""
        row = await self._connection.fetchrow(self._queries["release_named"], *self._place, name)
        if row is None:
            return None
        outline = from_json(json.loads(row["outline"]))
        steps = {route.internal_id: len(route.rings) for route in outline.pool.routes}
        return Known(row["contexts"], row["contexts_sha256"], read_pool(json.loads(row["pool"])), steps)

    async def store(self, report: Report, pool: ContextPool | None, names_sha256: str | None) -> None:
        """Keep the report and what is loaded; what was announced is over."""
        counts = pool if pool is not None else self.state.loaded
        document = None if counts is None else json.dumps(_pool_row(counts))
        await self._connection.execute(self._queries["loaded"], *self._place, document)
        await self._connection.execute(
            self._queries["report"],
            *self._place,
            report.release,
            report.wanted,
            report.contexts,
            report.sha256,
            names_sha256,
            report.asterisk,
            report.agent,
            report.mode,
            report.step,
            report.error,
            report.pool_busy,
            report.files_sha256,
            report.at,
        )


def _pool_row(pool: ContextPool) -> dict[str, list[int] | list[str]]:
    row: dict[str, list[int] | list[str]] = {"internal_ids": sorted(pool.internal_ids), "lines": sorted(pool.lines)}
    if pool.missing:
        row["missing"] = sorted(pool.missing)
    return row
