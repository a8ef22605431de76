"""The ledger of the dialplan in PostgreSQL: what changed, who builds, what came out."""

import json
import os
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import asyncpg

from smart_redirect.adapters.postgres.dialplan_rows import finding_rows, read_host_row, read_retired
from smart_redirect.adapters.postgres.kept import none_left
from smart_redirect.adapters.postgres.losses import type_of_loss
from smart_redirect.adapters.postgres.queries import load
from smart_redirect.adapters.postgres.timed import lent
from smart_redirect.domain.dialplan.outline_json import to_json
from smart_redirect.domain.dialplan.read import read_model
from smart_redirect.domain.dialplan.release import Release
from smart_redirect.domain.dialplan.tombstones import KEPT
from smart_redirect.errors import DatabaseUnavailable
from smart_redirect.usecases.ports_dialplan import Claim, Host, Result, Work

_SECONDS = 30.0


@asynccontextmanager
async def borrowed(pool: "asyncpg.Pool[Any]", seconds: float = _SECONDS) -> AsyncIterator[Any]:
    """Lend a connection for so long; a lost one, or none that the server has left, is DatabaseUnavailable."""
    try:
        async with lent(pool, seconds) as connection:
            yield connection
    except (*type_of_loss, *none_left) as error:
        raise DatabaseUnavailable(type(error).__name__) from error


class PostgresDialplan:
    """The DialplanLedger on a pool of its own, so that a build takes no connection from the call path."""

    def __init__(self, pool: "asyncpg.Pool[Any]") -> None:
        self._pool = pool
        self._queries = load("dialplan")
        self._owner = f"{os.getpid()}-{secrets.token_hex(4)}"

    async def dirty(self, limit: int) -> Sequence[int]:
        """Return enterprises with changes or with tombstones that have had their time."""
        async with borrowed(self._pool) as connection:
            await connection.execute(self._queries["outlive"], KEPT)
            return [row[0] for row in await connection.fetch(self._queries["dirty"], limit)]

    async def mark(self, enterprise_id: int, reason: str) -> int:
        """Note a change; the number is that of the outbox row."""
        async with borrowed(self._pool) as connection:
            return int(await connection.fetchval(self._queries["mark"], enterprise_id, reason))

    async def enterprise_id(self, number: str) -> int | None:
        """Return the id of an enterprise, None if there is none of this number."""
        async with borrowed(self._pool) as connection:
            found: int | None = await connection.fetchval(self._queries["enterprise_of"], number)
            return found

    async def exists(self, enterprise_id: int) -> bool:
        """Tell whether there is such an enterprise."""
        async with borrowed(self._pool) as connection:
            return bool(await connection.fetchval(self._queries["exists"], enterprise_id))

    async def claim(self, enterprise_id: int, seconds: float) -> Claim | None:
        """Take the lease; its fence rises each time."""
        async with borrowed(self._pool) as connection:
            lasting = timedelta(seconds=seconds)
            fence = await connection.fetchval(self._queries["claim"], enterprise_id, self._owner, lasting)
            return None if fence is None else Claim(enterprise_id, fence)

    async def give_up(self, claim: Claim) -> None:
        """End the lease."""
        async with borrowed(self._pool) as connection:
            await connection.execute(self._queries["give_up"], claim.enterprise_id, claim.fence)

    async def read(self, claim: Claim) -> Work | None:
        """Read changes and settings as one snapshot: a change that is not in it keeps its outbox row."""
        async with (
            borrowed(self._pool) as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            return await read_work(connection, claim.enterprise_id)

    async def publish(self, claim: Claim, work: Work, results: Sequence[Result]) -> bool:
        """Store everything in one transaction, under the fence."""
        async with borrowed(self._pool) as connection, connection.transaction():
            if not await connection.fetchval(self._queries["hold"], claim.enterprise_id, claim.fence):
                return False
            for result in results:
                await _store(connection, claim.enterprise_id, work, result)
            await connection.execute(self._queries["forget"], claim.enterprise_id, list(work.changes))
            return True


async def read_work(connection: Any, enterprise_id: int) -> Work | None:
    """Return what there is to do for an enterprise, None if it is gone; the caller's transaction is the snapshot."""
    queries = load("dialplan")
    document = await connection.fetchval(queries["model"], enterprise_id)
    if document is None:
        return None
    changes = await connection.fetchrow(queries["changes"], enterprise_id)
    retired = read_retired(await connection.fetch(queries["retired"], enterprise_id, KEPT))
    rows = await connection.fetch(queries["hosts"], enterprise_id)
    hosts = tuple(read_host_row(row, retired.get(row["id"], ())) for row in rows)
    return Work(read_model(json.loads(document)), hosts, tuple(changes["ids"]), changes["now"])


async def _store(connection: Any, enterprise_id: int, work: Work, result: Result) -> None:
    queries, host = load("dialplan"), result.host
    release_id = None if result.release is None else await _add(connection, enterprise_id, host, result.release)
    findings = json.dumps(finding_rows(result.findings), ensure_ascii=False)
    await connection.execute(queries["want"], enterprise_id, host.id, release_id, result.error, findings)
    if result.error is not None:
        return
    if result.retired:
        rows = sorted(result.retired, key=lambda row: row.context)
        columns = [[getattr(row, name) for row in rows] for name in ("context", "shelter", "line", "priorities")]
        await connection.execute(queries["retire"], enterprise_id, host.id, columns[0], work.now, *columns[1:])
    await connection.execute(queries["drop_retired"], enterprise_id, host.id, list(result.kept))


async def _add(connection: Any, enterprise_id: int, host: Host, release: Release) -> int:
    return int(
        await connection.fetchval(
            load("dialplan")["add_release"],
            enterprise_id,
            host.id,
            release.name,
            release.sha256,
            host.install,
            host.style.dialect,
            host.style.shape,
            len(release.text),
            release.contexts,
            release.contexts_sha256,
            json.dumps(release.pool),
            json.dumps(to_json(release.outline), ensure_ascii=False),
            list(release.changes),
            json.dumps(finding_rows(release.findings), ensure_ascii=False),
        )
    )
