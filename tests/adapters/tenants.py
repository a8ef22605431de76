"""Two tenants who have the same phones, people, managers and ids, and what a query does for the first of them."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from time import time
from typing import Any
from uuid import UUID

import asyncpg

import smart_redirect.adapters

PHONE, NEW = "+375291112233", "+375294445566"
FOREIGN = ("чужой", "0002", "777", "foreign")
_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d[\d.]*")
STARTED = float(int(time()))
"""When the call of each began."""


def every_query() -> Iterator[tuple[str, str]]:
    """Yield file and name of each query of the adapters."""
    for path in sorted(Path(smart_redirect.adapters.__file__).parent.rglob("*.sql")):
        for name in re.findall(r"^-- name: (\w+)$", path.read_text(encoding="utf-8"), re.MULTILINE):
            yield path.stem, name


@dataclass(frozen=True, slots=True)
class Case:
    """The values of a query, what has to be done before it, whether it is one of all enterprises, and what it lacks."""

    values: tuple[object, ...]
    before: str = ""
    is_of_all: bool = False
    fill: Mapping[str, str] = field(default_factory=dict)


def own(*values: object, before: str = "") -> Case:
    """A query of one connection: enterprise 1, connection 1, and more."""
    return Case((1, 1, *values), before)


SETTINGS = """
INSERT INTO enterprises (id, number, name) OVERRIDING SYSTEM VALUE VALUES ({e}, '000{e}', '{name}');
INSERT INTO users (enterprise_id, id, last_name) VALUES ({e}, 25, '{name}');
INSERT INTO user_internal_phones (enterprise_id, id, user_id, number) VALUES ({e}, 31, 25, '{extension}');
INSERT INTO lines (enterprise_id, line_id, kind, name, enabled) VALUES ({e}, '0001363', 'sip', '{name}', true);
INSERT INTO call_tokens (token_hash, key_id, enterprise_id) VALUES ('token {e}', 1, {e});
INSERT INTO crm_connections (enterprise_id, id, vendor, name, position, settings, sealed, key_id, hook, hook_hash)
    VALUES ({e}, 1, 'memory', '{name}', 1, '{{"live": true, "url": "{name}"}}', '{bytes}', 1,
        ('00000000-0000-0000-0000-00000000000' || {e})::uuid, '{bytes}');
INSERT INTO user_extensions VALUES ({e}, 1, '17', '{extension}');
"""
CALLERS = """
INSERT INTO contacts VALUES ({e}, '+375291112233', '{name}');
INSERT INTO caller_history (enterprise_id, phone, first_call, first_answered_at, first_extension, last_call,
    last_answered_at, last_extension) VALUES ({e}, '+375291112233', 'a', now(), '{extension}', 'b', now(), '{extension}');
INSERT INTO calls (enterprise_id, unique_id, started_at, caller, talks)
    VALUES ({e}, '1.1', to_timestamp({started}), '+375291112233', '[["{extension}", {started}, 31, 25]]');
INSERT INTO call_participants (enterprise_id, unique_id, started_at, extension, ring_order, status)
    VALUES ({e}, '1.1', to_timestamp({started}), '{extension}', 1, 'answered');
INSERT INTO decisions (decided_at, enterprise_id, mode, reason, trace, sources, timings)
    VALUES (now(), {e}, 'off', '{name}', '[]', '[]', '{{}}');
"""
MIRROR = """
INSERT INTO crm_sync (enterprise_id, connection_id, cursor, error) VALUES ({e}, 1, '{name}', '{name}');
INSERT INTO crm_people SELECT {e}, 1, id, 1 FROM unnest(ARRAY['1', '2', '3']) AS id;
INSERT INTO crm_contacts (enterprise_id, phone, connection_id, external_id, name, responsible_id, responsible_extension,
    expires_at) VALUES ({e}, '+375291112233', 1, '1', '{name}', '17', '{extension}', NULL),
    ({e}, '+375291112233', 1, '2', '{name}', '17', '{extension}', now() + interval '60 s');
INSERT INTO crm_managers VALUES ({e}, 1, '17', '{name}', '{extension}');
INSERT INTO crm_dirty (enterprise_id, connection_id, external_id) VALUES ({e}, 1, '1'), ({e}, 1, '2');
INSERT INTO crm_leases VALUES ({e}, 1, '{name}', 1, now() + interval '1 h');
INSERT INTO crm_tokens (enterprise_id, connection_id, credentials_hash, sealed, key_id) VALUES ({e}, 1, 'same', '{bytes}', 1);
INSERT INTO crm_budgets VALUES ({e}, 1, 5, 0);
INSERT INTO crm_misses VALUES ({e}, 1, '+375291112233', now() + interval '60 s');
"""
DIALPLAN = """
INSERT INTO dial_schemas (enterprise_id, schema_id, name, type, data) VALUES ({e}, 's', '{name}', 'incoming', '{{}}');
INSERT INTO departments VALUES ({e}, 1, '{name}', '300');
INSERT INTO department_members VALUES ({e}, 1, 31);
INSERT INTO follow_me_steps VALUES ({e}, 25, 1, 3, ARRAY['{extension}']);
INSERT INTO shops VALUES ({e}, 1, '{name}');
INSERT INTO shop_lines VALUES ({e}, 1, '0001363');
INSERT INTO pbx_hosts (id, enterprise_id, name, install) OVERRIDING SYSTEM VALUE VALUES ({e}, {e}, '{name}', 'whole-file');
INSERT INTO agent_keys VALUES ('agent {e}', 1, {e}, {e}, '{name}');
INSERT INTO dialplan_releases (id, enterprise_id, host_id, name, sha256, install, dialect, shape, size, contexts,
    contexts_sha256, pool, outline) OVERRIDING SYSTEM VALUE VALUES ({e}000, {e}, {e}, repeat('a', 16), repeat('b', 64),
    'whole-file', 'asterisk16', 'classic', 1, 1, '{name}', '{{"of": "{name}"}}', '{{"of": "{name}"}}');
INSERT INTO dialplan_hosts VALUES ({e}, {e}, {e}000, false, '{name}');
INSERT INTO dialplan_leases VALUES ({e}, '{name}', 1, now() + interval '1 h');
INSERT INTO dialplan_retired VALUES ({e}, {e}, 'mngr1_{e}', now() - interval '1 h', '{name}');
INSERT INTO host_files VALUES ({e}, {e}, '{name}', '{{"of": "{name}"}}');
INSERT INTO host_reports (enterprise_id, host_id, contexts, contexts_sha256, names_sha256, reported_at)
    VALUES ({e}, {e}, 1, '{name}', '{name}', now());
"""


async def fill(pool: Any) -> None:
    """Make both tenants, alike but for what is written into the texts."""
    for enterprise_id, name, extension, text in ((1, "свой", "150", "own"), (2, "чужой", "777", "foreign")):
        values = {"e": enterprise_id, "name": name, "extension": extension, "bytes": text, "started": STARTED}
        for statements in (SETTINGS, CALLERS, MIRROR, DIALPLAN):
            await pool.execute(statements.format(**values))


async def tables(connection: Any) -> list[str]:
    """Return every table that has rows of enterprises."""
    rows = await connection.fetch(
        "SELECT table_name AS name FROM information_schema.columns JOIN information_schema.tables USING (table_schema, table_name)"
        " WHERE table_schema = 'public' AND column_name = 'enterprise_id' AND table_type = 'BASE TABLE'"
    )
    return [name for (name,) in rows]


async def rows_of(connection: Any, enterprise_id: int) -> dict[str, list[str]]:
    """Return the rows of an enterprise in every table that has any, also in those that are not made yet."""
    query = "SELECT t::text AS row FROM {} t WHERE enterprise_id = $1 ORDER BY 1"
    return {
        name: [row["row"] for row in await connection.fetch(query.format(name), enterprise_id)]
        for name in await tables(connection)
    }


async def leave_alone(connection: Any) -> None:
    """Take the second enterprise away; its calls and decisions refer to nothing, and go by hand."""
    await connection.execute("DELETE FROM enterprises WHERE id = 2")
    await connection.execute(
        ";".join(f"DELETE FROM {name} WHERE enterprise_id = 2" for name in await tables(connection))
    )


def told(rows: list[asyncpg.Record]) -> list[tuple[object, ...]]:
    """Return rows without what differs from one transaction or test to the next: times, ages and new secrets."""
    return sorted((tuple(_timeless(each) for each in row if not _passes(each)) for row in rows), key=repr)


def _timeless(value: object) -> object:
    """Take times out of JSON: by chance their digits are those of somebody's number."""
    return _TIME.sub("(a time)", value) if isinstance(value, str) else value


def _passes(value: object) -> bool:
    """Tell an age or a time of now from what is stored: that is whole."""
    return isinstance(value, datetime | UUID) or (isinstance(value, float) and not value.is_integer())


@dataclass(frozen=True, slots=True)
class Ran:
    """What a query told, with the other tenant there and without, and what it changed."""

    told: list[tuple[object, ...]]
    alone: list[tuple[object, ...]]
    has_touched_other: bool
    has_done: bool

    @property
    def leaks(self) -> bool:
        return self.told != self.alone or any(each in repr(self.told) for each in FOREIGN)


async def run_for_the_first(pool: Any, query: str, case: Case) -> Ran:
    """Run a query in a transaction that is taken back, once beside the other tenant and once alone."""
    found = []
    async with pool.acquire() as connection:
        for is_alone in (False, True):
            transaction = connection.transaction()
            await transaction.start()
            if is_alone:
                await leave_alone(connection)
            await connection.execute(f"SELECT;{case.before}")
            first, second = await rows_of(connection, 1), await rows_of(connection, 2)
            rows = await connection.fetch(query.format(**case.fill) if case.fill else query, *case.values)
            has_done = bool(rows) or await rows_of(connection, 1) != first
            found.append((told(rows), await rows_of(connection, 2) != second, has_done))
            await transaction.rollback()
    (beside, has_touched, has_done), (alone, _, _) = found
    return Ran(beside, alone, has_touched, has_done)
