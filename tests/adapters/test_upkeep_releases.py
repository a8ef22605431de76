"""The upkeep of releases: old ones go, but never one that a host is to have, has loaded, or may go back to."""

import asyncpg
import pytest

from smart_redirect.adapters.postgres.upkeep import delete_expired
from smart_redirect.local.demo import load_demo

ADD = """
INSERT INTO dialplan_releases (enterprise_id, host_id, name, sha256, install, dialect, shape, size, contexts,
    contexts_sha256, pool, outline, created_at)
SELECT 1, 1, lpad(to_hex(n), 16, '0'), lpad(to_hex(n), 64, '0'), 'whole-file', 'asterisk16', 'classic', 1, 1, '', '{}', '{}',
    now() - interval '91 days'
FROM generate_series(1, 15) AS n;
INSERT INTO dialplan_contents SELECT sha256, '', now() - interval '2 days' FROM dialplan_releases;
"""


@pytest.mark.parametrize(
    ("statement", "left"),
    [
        ("SELECT 1", range(6, 16)),
        ("INSERT INTO dialplan_hosts (enterprise_id, host_id, wanted_release) VALUES (1, 1, 2)", (2, *range(6, 16))),
        (
            "INSERT INTO host_reports (enterprise_id, host_id, release, contexts, contexts_sha256, reported_at)"
            " VALUES (1, 1, '0000000000000003', 0, '', now())",
            (3, *range(6, 16)),
        ),
        ("UPDATE dialplan_releases SET created_at = now() - interval '89 days'", range(1, 16)),
    ],
)
async def test_old_releases_go_but_for_those_in_use(database_url: str, statement: str, left: tuple[int, ...]) -> None:
    connection = await asyncpg.connect(database_url)
    await load_demo(connection, b"k" * 32, 1)
    await connection.execute(ADD)
    await connection.execute(statement)
    await delete_expired(connection)
    ids = [row[0] for row in await connection.fetch("SELECT id FROM dialplan_releases ORDER BY id")]
    contents = await connection.fetchval("SELECT count(*) FROM dialplan_contents")
    await connection.close()
    assert (ids, contents) == (list(left), len(left))
