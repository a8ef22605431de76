"""Two tenants with the same phones, people, managers and connection ids, but different CRMs: every query by name.

A query is run for enterprise 1. It returns what it would if there were no enterprise 2, and nothing that is written there;
the rows of enterprise 2 stay as they are to the byte. It has to return or to change something, else it would prove nothing.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from smart_redirect.adapters.postgres.pool import open_pool
from smart_redirect.adapters.postgres.queries import load

FILES = ("mirror", "live", "hooks", "connections", "facts", "warm", "tokens", "about")
PHONE, NEW = "+375291112233", "+375294445566"
FOREIGN = ("чужой", "0002", "777", "foreign")
AT, MINUTE = datetime(2026, 1, 2, tzinfo=UTC), timedelta(seconds=60)
BETWEEN = timedelta(seconds=20), timedelta(seconds=90)
RENEWED = "UPDATE crm_tokens SET renewed_at = '2026-01-02 00:00:00+00'"
RENEWING = "UPDATE crm_tokens SET renewing_until = '2026-01-02 00:00:00+00'"
PEOPLE, MISSING = ["1", "2"], ["9"]
FOUND = (PEOPLE, [PHONE, PHONE], ["я", "я"], ["17", "17"], ["150", "150"], [AT, AT], [False, False])


@dataclass(frozen=True, slots=True)
class Case:
    """The values of a query, what has to be done before it, and whether it is one of all enterprises."""

    values: tuple[object, ...]
    before: str = ""
    is_of_all: bool = False


def own(*values: object, before: str = "") -> Case:
    """A query of one connection: enterprise 1, connection 1, and more."""
    return Case((1, 1, *values), before)


STAGED = """INSERT INTO crm_staging (enterprise_id, connection_id, external_id, phone, name, updated_at)
    SELECT e.id, 1, '3', '+375294445566', CASE e.id WHEN 1 THEN 'свой' ELSE 'чужой' END, now() FROM enterprises e"""
FREE = "UPDATE crm_leases SET until = '-infinity' WHERE enterprise_id = 1"
UNSYNCED = "DELETE FROM crm_sync WHERE enterprise_id = 1"
ENDED = "UPDATE crm_contacts SET expires_at = now() - interval '1 h' WHERE enterprise_id = 1 AND expires_at IS NOT NULL"
CASES: dict[tuple[str, str], Case] = {
    ("mirror", "due"): Case((9,), FREE, is_of_all=True),
    ("mirror", "tidy"): Case((), ENDED, is_of_all=True),
    ("mirror", "claim"): own("me", MINUTE, before=FREE),
    ("mirror", "begin"): own(before=UNSYNCED),
    ("mirror", "state"): own(),
    ("mirror", "hold"): own(1, MINUTE),
    ("mirror", "met"): own(9, PEOPLE),
    ("mirror", "add_people"): own(9, PEOPLE),
    ("mirror", "drop_people"): own(PEOPLE),
    ("mirror", "drop_people_s_phones"): own(PEOPLE),
    ("mirror", "phones"): own(PEOPLE),
    ("mirror", "drop_phones"): own(["1"], [PHONE]),
    ("mirror", "merge_contacts"): own(before=STAGED),
    ("mirror", "step"): own("next", False, 5, 9),
    ("mirror", "marks"): own(9),
    ("mirror", "unmark"): own(PEOPLE, list(range(1, 99))),
    ("mirror", "forget_mark"): own("1", 1, 0),
    ("mirror", "put_off"): own("1", 1, 3),
    ("mirror", "mark"): own(MISSING),
    ("mirror", "sweep_on"): own(),
    ("mirror", "sweep_cursor"): own("next"),
    ("mirror", "swept"): own(),
    ("mirror", "mark_unmet"): own(9, MISSING, before="DELETE FROM crm_dirty WHERE enterprise_id = 1"),
    ("mirror", "managers"): own(["18"], ["я"], ["151"], [True]),
    ("mirror", "end_lease"): own(1),
    ("mirror", "done"): own(MINUTE, "managers: x"),
    ("mirror", "failed"): own("x", MINUTE, MINUTE),
    ("mirror", "due_at_once"): own(),
    ("mirror", "take"): own(1, 2.0, 10, 0),
    ("about", "enterprise"): Case(("0001",)),
    ("about", "origins"): Case((1, PHONE, MINUTE)),
    ("about", "accounts"): Case((1, None, True)),
    ("live", "accounts"): Case((1,)),
    ("live", "askable"): Case((1, NEW)),
    ("live", "found"): own(*FOUND, MINUTE),
    ("live", "missed"): own(NEW, MINUTE),
    ("hooks", "hook"): Case((UUID(int=1),)),
    ("hooks", "hint"): own(MISSING),
    ("hooks", "hint_nobody"): own(before="UPDATE crm_sync SET next_at = 'infinity'"),
    ("hooks", "clear_caches"): Case(("0001",)),
    ("hooks", "policy"): Case(("0001",)),
    ("connections", "find"): Case((1, "1")),
    ("connections", "add"): Case((1, "uon", "new", 1, "{}"), "ALTER SEQUENCE crm_connections_id_seq RESTART WITH 50"),
    ("connections", "set"): own("new", False, '{"a": 1}'),
    ("connections", "move"): own(3),
    ("connections", "seal"): own(b"new", 1),
    ("connections", "renew_hook"): own(b"new"),
    ("connections", "close_breaker"): own(),
    ("connections", "listed"): Case((1,)),
    ("connections", "counts"): own(),
    ("connections", "met"): own(before="UPDATE crm_sync SET sweep = 1"),
    ("connections", "managers"): own(),
    ("connections", "map"): own("18", "151"),
    ("connections", "unmap"): own("17"),
    ("connections", "walk_anew"): own(),
    ("facts", "caller_facts"): Case((1, PHONE, 0)),
    ("facts", "snapshot_by_token"): Case((b"token 1",)),
    ("facts", "snapshot_by_id"): Case((1,)),
    ("warm", "recent_enterprises"): Case((9,), is_of_all=True),
    ("warm", "ending"): Case((9, *BETWEEN, MINUTE * 30), is_of_all=True),
    ("warm", "claim"): own(PHONE, *BETWEEN),
    ("tokens", "current"): own(b"same"),
    ("tokens", "begin"): own(before="DELETE FROM crm_tokens WHERE enterprise_id = 1"),
    ("tokens", "claim"): own(MINUTE, before=RENEWED),
    ("tokens", "release"): own(AT, before=RENEWING),
    ("tokens", "exists"): own(),
    ("tokens", "keep"): own(b"new", b"new", 1, AT, before=RENEWED),
}
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
INSERT INTO calls (enterprise_id, unique_id, started_at, caller) VALUES ({e}, '1.1', now(), '+375291112233');
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


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Any]:
    """Both tenants, alike but for what is written into the texts."""
    pool = await open_pool(database_url, size=2)
    for enterprise_id, name, extension, text in ((1, "свой", "150", "own"), (2, "чужой", "777", "foreign")):
        values = {"e": enterprise_id, "name": name, "extension": extension, "bytes": text}
        for statements in (SETTINGS, CALLERS, MIRROR):
            await pool.execute(statements.format(**values))
    yield pool
    pool.terminate()
    await asyncio.sleep(0.01)


async def rows_of(pool: Any, enterprise_id: int) -> dict[str, list[str]]:
    """Return the rows of an enterprise in every table that has any, also in those that are not made yet."""
    tables = await pool.fetch(
        "SELECT table_name AS name FROM information_schema.columns JOIN information_schema.tables USING (table_schema, table_name)"
        " WHERE table_schema = 'public' AND column_name = 'enterprise_id' AND table_type = 'BASE TABLE'"
    )
    query = "SELECT t::text AS row FROM {} t WHERE enterprise_id = $1 ORDER BY 1"
    return {name: [r["row"] for r in await pool.fetch(query.format(name), enterprise_id)] for (name,) in tables}


def told(rows: list[asyncpg.Record]) -> list[tuple[object, ...]]:
    """Return rows without what differs from one transaction to the next: times, ages and new secrets."""
    passing = datetime, float, UUID
    return sorted((tuple(each for each in row if not isinstance(each, passing)) for row in rows), key=repr)


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
        for before in ("SELECT", "DELETE FROM enterprises WHERE id = 2"):
            transaction = connection.transaction()
            await transaction.start()
            await connection.execute(f"{before};{case.before}")
            first, second = await rows_of(connection, 1), await rows_of(connection, 2)
            rows = await connection.fetch(query, *case.values)
            has_done = bool(rows) or await rows_of(connection, 1) != first
            found.append((told(rows), await rows_of(connection, 2) != second, has_done))
            await transaction.rollback()
    (beside, has_touched, has_done), (alone, _, _) = found
    return Ran(beside, alone, has_touched, has_done)


def test_every_query_has_its_case() -> None:
    assert set(CASES) == {(file, name) for file in FILES for name in load(file)}


@pytest.mark.parametrize(("file", "name"), CASES, ids=[f"{file}.{name}" for file, name in CASES])
async def test_a_query_reads_and_writes_nothing_of_another_tenant(pool: Any, file: str, name: str) -> None:
    case = CASES[file, name]
    ran = await run_for_the_first(pool, load(file)[name], case)
    assert (ran.has_done, ran.has_touched_other) == (True, False)
    assert case.is_of_all or not ran.leaks, (ran.told, ran.alone)


async def test_the_queries_of_all_enterprises_name_each_with_its_own(pool: Any) -> None:
    await pool.execute("UPDATE crm_leases SET until = '-infinity'")
    due = await pool.fetch(load("mirror")["due"], 9)
    ending = await pool.fetch(load("warm")["ending"], *CASES["warm", "ending"].values)
    assert [tuple(row) for row in due] == [(1, 1), (2, 1)]
    assert {(row["enterprise_id"], row["sealed"], len(row["ages"])) for row in ending} == {
        (1, b"own", 1),
        (2, b"foreign", 1),
    }


FORGETS: dict[tuple[str, str], Callable[[str], str]] = {
    ("facts", "caller_facts"): lambda text: text.replace("c.enterprise_id = $1::int AND ", ""),
    ("mirror", "drop_people"): lambda text: text.replace("enterprise_id = $1", "$1::int > 0"),
    ("mirror", "phones"): lambda text: text.replace("enterprise_id = $1", "$1::int > 0"),
    ("mirror", "met"): lambda text: text.replace("enterprise_id = $1", "$1::int > 0"),
    ("connections", "counts"): lambda text: text.replace(
        "crm_dirty WHERE enterprise_id = $1", "crm_dirty WHERE $1::int > 0"
    ),
    ("live", "accounts"): lambda text: text.replace("c.enterprise_id = $1 AND", "$1::int > 0 AND"),
    ("connections", "move"): lambda text: text.replace("enterprise_id = $1", "$1::int > 0"),
    ("warm", "claim"): lambda text: text.replace("WHERE enterprise_id = $1", "WHERE $1::int > 0"),
}


@pytest.mark.parametrize(("file", "name"), FORGETS)
async def test_a_query_that_forgot_its_tenant_would_be_caught(pool: Any, file: str, name: str) -> None:
    query = FORGETS[file, name](load(file)[name])
    assert query != load(file)[name]
    ran = await run_for_the_first(pool, query, CASES[file, name])
    assert ran.has_touched_other or ran.leaks
