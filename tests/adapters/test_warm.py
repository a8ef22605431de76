"""Who was called lately is read by an index, however many decisions are kept."""

import json

import asyncpg
import pytest

from smart_redirect.adapters.postgres.queries import load

FILL = """
INSERT INTO decisions (decided_at, enterprise_id, mode, reason, trace, sources, timings)
    SELECT now() - n * interval '20 s', 1 + n % 50, 'off', 'x', '[]', '[]', '{{}}'
    FROM generate_series({first}, {last}) AS n
"""


async def test_the_enterprises_called_lately_cost_few_pages_each(database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    await connection.execute("INSERT INTO enterprises (number, name) SELECT n, 'x' FROM generate_series(1, 50) AS n")
    pages = []
    for first, last in ((1, 2_000), (2_001, 40_000)):
        await connection.execute(FILL.format(first=first, last=last))
        await connection.execute("VACUUM ANALYZE decisions")
        query = load("warm")["recent_enterprises"].replace("$1", "20")
        plan = json.loads(await connection.fetchval(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {query}"))[0]["Plan"]
        assert plan["Actual Rows"] == 20
        pages.append(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])
    await connection.close()
    assert pages[1] <= 50 * 4 + 10, pages
    assert pages[1] == pytest.approx(pages[0], rel=0.5)
