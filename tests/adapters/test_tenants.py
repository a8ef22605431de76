"""Two tenants with the same phones, people, managers and connection ids, but different CRMs: every query by name.

A query is run for enterprise 1. It returns what it would if there were no enterprise 2, and nothing that is written there;
the rows of enterprise 2 stay as they are to the byte. It has to return or to change something, else it would prove nothing.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from smart_redirect.adapters.postgres.pool import open_pool
from smart_redirect.adapters.postgres.queries import load
from tests.adapters.tenant_calls import CALLS
from tests.adapters.tenant_dialplan import DIALPLAN
from tests.adapters.tenant_settings import SETTINGS
from tests.adapters.tenants import NEW, PHONE, Case, every_query, fill, own, run_for_the_first

AT, MINUTE = datetime(2026, 1, 2, tzinfo=UTC), timedelta(seconds=60)
BETWEEN, FOUND_SOON = (timedelta(seconds=20), timedelta(seconds=90)), timedelta(seconds=270)
RENEWED = "UPDATE crm_tokens SET renewed_at = '2026-01-02 00:00:00+00'"
RENEWING = "UPDATE crm_tokens SET renewing_until = '2026-01-02 00:00:00+00'"
PEOPLE, MISSING = ["1", "2"], ["9"]
FOUND = (PEOPLE, [PHONE, PHONE], ["я", "я"], ["17", "17"], ["150", "150"], [AT, AT], [False, False])


STAGED = """INSERT INTO crm_staging (enterprise_id, connection_id, external_id, phone, name, updated_at)
    SELECT e.id, 1, '3', '+375294445566', CASE e.id WHEN 1 THEN 'свой' ELSE 'чужой' END, now() FROM enterprises e"""
FREE = "UPDATE crm_leases SET until = '-infinity' WHERE enterprise_id = 1"
UNSYNCED = "DELETE FROM crm_sync WHERE enterprise_id = 1"
ENDED = "UPDATE crm_contacts SET expires_at = now() - interval '1 h' WHERE enterprise_id = 1 AND expires_at IS NOT NULL"
OF_NOBODY = {
    ("dialplan", "put_content"): "texts are kept once, by their hash, whoever has them",
    ("dialplan", "get_content"): "by the hash, which a host reads from its own release",
    ("history", "bury"): "an event that could not be recorded, whose token may be nobody's",
    ("history", "count_buried"): "how many such there are",
    ("history", "buried_kinds"): "why they could not, for who runs the deployment",
    ("history", "buried_events"): "the same, one by one: they are recorded by their own tokens",
    ("history", "newest_buried"): "where such a list ends",
    ("history", "unbury"): "those of such a list that are recorded now",
    ("import_calls", "ensure_months"): "makes partitions, which all share",
    ("import_settings", "another_has_token"): "asks about the others, and hears yes or no",
    ("import_settings", "move_sequence"): "numbers are given out to all from one sequence",
    ("upkeep", "ensure_partitions"): "makes partitions, which all share",
    ("upkeep", "expired_dialplan_contents"): "texts by their hash, that no release of anybody names",
    ("watch", "watch"): "counts for who runs the deployment, of all together",
} | {
    ("platform", name): "of another system's database, in the scope that adapters/platform/tables.py fills in"
    for name in ("columns", "rows", "count", "walk", "participants")
}
"""Queries that know no enterprise by intent, and why."""
CASES: dict[tuple[str, str], Case] = {
    **CALLS,
    **DIALPLAN,
    **SETTINGS,
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
    ("about", "managers"): Case((1,)),
    ("about", "accounts"): Case((1, None, True)),
    ("live", "accounts"): Case((1,)),
    ("live", "askable"): Case((1, NEW)),
    ("live", "limited"): own(MINUTE),
    ("live", "refused"): own(MINUTE),
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
    ("warm", "ending"): Case((9, *BETWEEN, MINUTE * 30, FOUND_SOON), is_of_all=True),
    ("warm", "claim"): own(PHONE, *BETWEEN, FOUND_SOON),
    ("tokens", "current"): own(b"same"),
    ("tokens", "begin"): own(before="DELETE FROM crm_tokens WHERE enterprise_id = 1"),
    ("tokens", "claim"): own(MINUTE, before=RENEWED),
    ("tokens", "release"): own(AT, before=RENEWING),
    ("tokens", "exists"): own(),
    ("tokens", "keep"): own(b"new", b"new", 1, AT, before=RENEWED),
}


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Any]:
    """A database with both tenants."""
    pool = await open_pool(database_url, size=2)
    await fill(pool)
    yield pool
    pool.terminate()
    await asyncio.sleep(0.01)


def test_every_query_has_its_case_or_is_of_nobody_and_says_why() -> None:
    assert sorted([*CASES, *OF_NOBODY]) == sorted(every_query())


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
    ("history", "stored_start"): lambda text: text.replace("enterprise_id = $1", "$1::int > 0"),
    ("history", "other_talks"): lambda text: text.replace("c.enterprise_id = $1", "$1::int > 0"),
    ("import_calls", "names"): lambda text: text.replace("enterprise_id = $1", "$1::int > 0"),
    ("import_settings", "park_users"): lambda text: text.replace("enterprise_id = $1", "$1::int > 0"),
    ("dialplan", "forget"): lambda text: text.replace("enterprise_id = $1", "$1::int > 0"),
    ("dialplan", "model"): lambda text: text.replace("m.enterprise_id = d.enterprise_id AND", ""),
    ("upkeep", "expired_calls"): lambda text: text.replace("e.id = c.enterprise_id AND", ""),
}


@pytest.mark.parametrize(("file", "name"), FORGETS)
async def test_a_query_that_forgot_its_tenant_would_be_caught(pool: Any, file: str, name: str) -> None:
    query = FORGETS[file, name](load(file)[name])
    assert query != load(file)[name]
    ran = await run_for_the_first(pool, query, CASES[file, name])
    assert ran.has_touched_other or ran.leaks
