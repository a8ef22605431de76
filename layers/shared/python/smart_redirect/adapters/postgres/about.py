"""What is known of callers, for the operator's questions, in PostgreSQL."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import asyncpg

from smart_redirect.adapters.postgres.callers import read_answer
from smart_redirect.adapters.postgres.dialplan import borrowed
from smart_redirect.adapters.postgres.mirror import read_account
from smart_redirect.adapters.postgres.queries import load
from smart_redirect.adapters.postgres.snapshot import read_snapshot
from smart_redirect.domain.crm import Manager
from smart_redirect.domain.enterprise import Enterprise
from smart_redirect.domain.facts import LOOKED_UP_SECONDS, NO_FACTS, ROUTES_SECONDS
from smart_redirect.usecases.ask_about import Known, Origin
from smart_redirect.usecases.ports_mirror import Account, Key

_BELIEVED = timedelta(seconds=LOOKED_UP_SECONDS)


class PostgresAbout:
    """The CallerSource on the pool of the mirrors; a call's own query tells what a call would know."""

    def __init__(self, pool: "asyncpg.Pool[Any]", routes_for: float = ROUTES_SECONDS) -> None:
        self._pool = pool
        self._routes_for = routes_for
        self._queries = load("about")

    async def enterprise(self, number: str) -> Enterprise | None:
        """Return the enterprise of a number."""
        async with borrowed(self._pool) as connection:
            row = await connection.fetchrow(self._queries["enterprise"], number)
        return None if row is None else read_snapshot(row["snapshot"], row["version"])

    async def known(self, enterprise_id: int, phone: str) -> Known:
        """Return the facts of a caller and where they are from."""
        async with borrowed(self._pool) as connection:
            rows = await connection.fetch(load("facts")["caller_facts"], enterprise_id, phone, 0)
            origins = await connection.fetch(self._queries["origins"], enterprise_id, phone, _BELIEVED)
        found = {row["connection_id"]: Origin("live" if row["is_live"] else "mirror", row["age"]) for row in origins}
        if not rows:
            return Known(NO_FACTS)
        answer = read_answer(rows, self._routes_for)
        return Known(answer.facts, found, answer.cache_epoch)

    async def accounts(
        self, enterprise_id: int, vendor: str | None = None, *, with_closed: bool = False
    ) -> Sequence[Account]:
        """Return the connections that may be asked; with those whose breaker is open, if a person says so."""
        async with borrowed(self._pool) as connection:
            rows = await connection.fetch(self._queries["accounts"], enterprise_id, vendor, with_closed)
            return [read_account(Key(enterprise_id, row["id"]), row) for row in rows]

    async def managers(self, enterprise_id: int) -> Mapping[int, Sequence[Manager]]:
        """Return managers by connection."""
        async with borrowed(self._pool) as connection:
            rows = await connection.fetch(self._queries["managers"], enterprise_id)
        found: dict[int, list[Manager]] = {}
        for connection_id, manager_id, extension, is_active in rows:
            found.setdefault(connection_id, []).append(Manager(manager_id, "", extension, is_active))
        return found
