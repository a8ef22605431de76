"""The mirrors of CRMs in PostgreSQL: pages under a fence, COPY into a staging table, no state in any session."""

import json
import os
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg

from smart_redirect.adapters.postgres.dialplan import borrowed
from smart_redirect.adapters.postgres.queries import load
from smart_redirect.domain.crm import Manager
from smart_redirect.domain.crm_mirror import Fold
from smart_redirect.usecases.ports_mirror import Account, Claim, Key, LeaseLost, Mark, State, Step

# Of a count that a CRM tells, no more than the column holds.
_MOST_COUNTED = 2**31 - 1
_LEASE = timedelta(seconds=180)
_STAGED = ("enterprise_id", "connection_id", "external_id", "phone", "name", "responsible_id", "updated_at", "is_lead")


class PostgresMirror:
    """The Mirror on a pool of their own, so that a sync takes no connection from the call path."""

    def __init__(self, pool: "asyncpg.Pool[Any]") -> None:
        self._pool = pool
        self._queries = load("mirror")
        self._owner = f"{os.getpid()}-{secrets.token_hex(4)}"

    async def due(self, limit: int) -> Sequence[Key]:
        """Return connections to sync."""
        async with borrowed(self._pool) as connection:
            return [Key(*row) for row in await connection.fetch(self._queries["due"], limit)]

    async def tidy(self) -> None:
        """Delete what has had its time."""
        async with borrowed(self._pool) as connection:
            await connection.execute(self._queries["tidy"])

    async def claim(self, key: Key, seconds: float) -> Claim | None:
        """Take the lease; its fence rises each time."""
        async with borrowed(self._pool) as connection, connection.transaction():
            place, lasting = (key.enterprise_id, key.connection_id), timedelta(seconds=seconds)
            fence = await connection.fetchval(self._queries["claim"], *place, self._owner, lasting)
            if fence is None:
                return None
            await connection.execute(self._queries["begin"], *place)
            row = await connection.fetchrow(self._queries["state"], *place)
            return Claim(read_account(key, row), _state(row), fence)

    async def apply(self, claim: Claim, page: Fold, step: Step) -> None:
        """Write a page and its cursor in one transaction."""
        async with self._held(claim) as connection:
            total = None if step.total is None else min(step.total, _MOST_COUNTED)
            values = step.cursor, step.walked, min(step.done, _MOST_COUNTED), total
            sweep = await connection.fetchval(self._queries["step"], *_place(claim), *values)
            await self._merge(connection, claim, page, sweep)
            if step.walked and not claim.state.walked:
                # A first walk finds nobody of a lower number; one that was begun anew has whom it did not meet read.
                await connection.execute(self._queries["mark_unmet"], *_place(claim), sweep, [])

    async def marks(self, claim: Claim, limit: int) -> Sequence[Mark]:
        """Return the oldest marks."""
        async with borrowed(self._pool) as connection:
            rows = await connection.fetch(self._queries["marks"], *_place(claim), limit)
            return [Mark(*row) for row in rows]

    async def apply_marked(self, claim: Claim, page: Fold, marks: Sequence[Mark]) -> None:
        """Write what was read again and delete these marks in one transaction."""
        async with self._held(claim) as connection:
            sweep = (await connection.fetchrow(self._queries["state"], *_place(claim)))["sweep"]
            await self._merge(connection, claim, page, sweep)
            columns = [mark.external_id for mark in marks], [mark.number for mark in marks]
            await connection.execute(self._queries["unmark"], *_place(claim), *columns)

    async def put_off(self, claim: Claim, mark: Mark, most: int) -> None:
        """Give the mark a new number, or delete it."""
        async with self._held(claim) as connection:
            values = *_place(claim), mark.external_id, mark.number, most
            await connection.execute(self._queries["forget_mark"], *values)
            await connection.execute(self._queries["put_off"], *values)

    async def sweep(self, claim: Claim, ids: Sequence[str] | None, cursor: str | None) -> None:
        """Compare one page of ids in one transaction."""
        place = _place(claim)
        async with self._held(claim) as connection:
            if ids is None:
                await connection.execute(self._queries["swept"], *place)
                return
            number = await connection.fetchval(self._queries["sweep_on"], *place)
            met = {row[0] for row in await connection.fetch(self._queries["met"], *place, number, ids)}
            missing = [each for each in ids if each not in met]
            if cursor is not None:
                await connection.execute(self._queries["sweep_cursor"], *place, cursor)
                await connection.execute(self._queries["mark"], *place, missing)
                return
            await connection.execute(self._queries["swept"], *place)
            await connection.execute(self._queries["mark_unmet"], *place, number, missing)

    async def managers(self, claim: Claim, managers: Sequence[Manager]) -> None:
        """Replace the users of the CRM; of two with the same id the last one counts."""
        given = list({manager.id: manager for manager in managers}.values())
        columns = [[getattr(each, name) for each in given] for name in ("id", "name", "extension", "is_active")]
        async with self._held(claim) as connection:
            await connection.execute(self._queries["managers"], *_place(claim), *columns)

    async def done(self, claim: Claim, next_in: float, note: str | None = None) -> None:
        """End the lease after a run that reached its end."""
        async with self._ending(claim) as connection:
            values = timedelta(seconds=next_in), note and note[:500]
            await connection.execute(self._queries["done"], *_place(claim), *values)

    async def failed(self, claim: Claim, text: str, next_in: float, pause: float) -> None:
        """End the lease after a failure."""
        async with self._ending(claim) as connection:
            values = text[:500], timedelta(seconds=next_in), timedelta(seconds=pause)
            await connection.execute(self._queries["failed"], *_place(claim), *values)

    async def give_up(self, claim: Claim) -> None:
        """End the lease with work left."""
        async with self._ending(claim) as connection:
            await connection.execute(self._queries["due_at_once"], *_place(claim))

    async def walk_anew(self, claim: Claim) -> None:
        """Begin with everything again at the next run, and end the lease; the mirror serves meanwhile."""
        async with self._ending(claim) as connection:
            await connection.execute(load("connections")["walk_anew"], *_place(claim))

    @asynccontextmanager
    async def _held(self, claim: Claim) -> AsyncIterator[Any]:
        """Yield a transaction that holds the lease; LeaseLost when it is somebody else's."""
        async with borrowed(self._pool) as connection, connection.transaction():
            if not await connection.fetchval(self._queries["hold"], *_place(claim), claim.fence, _LEASE):
                raise LeaseLost
            yield connection

    @asynccontextmanager
    async def _ending(self, claim: Claim) -> AsyncIterator[Any]:
        async with borrowed(self._pool) as connection, connection.transaction():
            if not await connection.fetchval(self._queries["end_lease"], *_place(claim), claim.fence):
                raise LeaseLost
            yield connection

    async def _merge(self, connection: Any, claim: Claim, page: Fold, sweep: int) -> None:
        place, rows = _place(claim), _staged(claim.account.key, page)
        await self._drop(connection, claim, page.gone)
        if not page.owners:
            return
        present = [each.external_id for each in page.owners]
        await connection.execute(self._queries["add_people"], *place, sweep, present)
        now = {(owner.external_id, phone) for owner in page.owners for phone in owner.phones}
        before = {tuple(row) for row in await connection.fetch(self._queries["phones"], *place, present)}
        if lost := sorted(before - now):
            columns = [each for each, _ in lost], [phone for _, phone in lost]
            await connection.execute(self._queries["drop_phones"], *place, *columns)
        await connection.copy_records_to_table("crm_staging", records=rows, columns=_STAGED)
        await connection.execute(self._queries["merge_contacts"], *place)

    async def _drop(self, connection: Any, claim: Claim, external_ids: Sequence[str]) -> None:
        if external_ids:
            await connection.execute(self._queries["drop_people"], *_place(claim), external_ids)
            await connection.execute(self._queries["drop_people_s_phones"], *_place(claim), external_ids)


def _place(claim: Claim) -> tuple[int, int]:
    return claim.account.key.enterprise_id, claim.account.key.connection_id


def _staged(key: Key, page: Fold) -> Sequence[tuple[object, ...]]:
    return [
        (
            key.enterprise_id,
            key.connection_id,
            owner.external_id,
            phone,
            owner.name,
            owner.responsible_id,
            at,
            owner.is_lead,
        )
        for owner in page.owners
        for at in (datetime.fromtimestamp(owner.updated_at, UTC),)
        for phone in owner.phones
    ]


def read_account(key: Key, row: Any) -> Account:
    """Read a connection from the columns vendor, country, settings, sealed and key_id."""
    return Account(key, row["vendor"], row["country"], json.loads(row["settings"]), row["sealed"], row["key_id"])


def _state(row: Any) -> State:
    return State(
        cursor=row["cursor"],
        walked=row["walked"],
        sweep=row["sweep"],
        sweep_cursor=row["sweep_cursor"],
        is_sweeping=row["is_sweeping"],
        swept_ago=row["swept_ago"],
        managers_ago=row["managers_ago"],
        failures=row["failures"],
    )
