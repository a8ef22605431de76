"""What a person should hear of before callers do, asked of a real database."""

import asyncpg
import pytest

from smart_redirect.adapters.postgres.watch import watch

CONNECTIONS = """
    INSERT INTO enterprises (id, number, name) OVERRIDING SYSTEM VALUE VALUES (1, '0001', 'x');
    INSERT INTO crm_connections (enterprise_id, id, vendor, name, position, enabled, sealed, key_id) VALUES
        (1, 1, 'retailcrm', 'a', 1, true, 'x', 1), (1, 2, 'retailcrm', 'b', 2, true, 'x', 1),
        (1, 3, 'retailcrm', 'off', 3, false, 'x', 1), (1, 4, 'retailcrm', 'without', 4, true, NULL, NULL)"""


@pytest.mark.parametrize(
    ("synced", "age"),
    [
        ("(1, now() - interval '2 min', NULL), (2, now() - interval '5 min', NULL)", 300),
        ("(1, NULL, now() - interval '9 min'), (2, now(), NULL)", 540),
        ("(1, now(), NULL), (3, now() - interval '5 days', NULL), (4, now() - interval '5 days', NULL)", 0),
        ("(1, now() - interval '1 min', now() - interval '1 year')", 60),
    ],
    ids=[
        "the oldest counts",
        "one that never came to its end counts from its beginning",
        "unused ones",
        "the last run",
    ],
)
async def test_the_oldest_mirror_is_that_of_an_enabled_connection(database_url: str, synced: str, age: float) -> None:
    connection = await asyncpg.connect(database_url)
    await connection.execute(CONNECTIONS)
    await connection.execute(
        "INSERT INTO crm_sync (enterprise_id, connection_id, synced_at, begun_at)"
        f" SELECT 1, c, s::timestamptz, coalesce(b::timestamptz, now()) FROM (VALUES {synced}) AS v (c, s, b)"
    )
    assert age <= (await watch(connection)).oldest_mirror < age + 30
    await connection.close()


async def test_without_mirrors_none_is_old(database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    assert (await watch(connection)).oldest_mirror == 0
    await connection.close()
