"""Does the cost of a call grow with the history? Pages read per index with 10 thousand and 10 million rows."""

import json
import shutil
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import asyncpg

from smart_redirect.adapters.migrations import migrate
from smart_redirect.adapters.postgres.queries import load
from smart_redirect.local.embedded import EmbeddedPostgres
from smart_redirect.local.paths import MIGRATIONS
from smart_redirect.local.server_settings import TEST_SETTINGS
from tests.conftest import run as run_async
from tests.load.size import Size

_CALLS = """
    INSERT INTO calls (enterprise_id, unique_id, started_at, caller, line_id, status)
    SELECT 1 + n % 50, (1700000000 + n)::text || '.1', to_timestamp(1700000000 + n * 9), '+37529' || (1000000 + n),
           '0001363', 'answered'
    FROM generate_series($1::bigint, $2::bigint) AS n
"""
_HISTORY = """
    INSERT INTO caller_history
    SELECT 1 + n % 50, '+375' || (290000000 + n), '0/1.1', now(), '150', 31, 25, '0/1.2', now(), '151', 33, 25
    FROM generate_series($1::bigint, $2::bigint) AS n
"""


def run(size: Size = Size.WHOLE) -> None:
    """Print pages and times per size."""
    sizes = size.of((10_000, 10_000_000), (10_000, 200_000), (500, 1_000))
    folder = Path(tempfile.mkdtemp(prefix="bench-"))
    folder.chmod(0o711)
    try:
        with EmbeddedPostgres(folder / "postgres", settings=TEST_SETTINGS) as postgres:
            run_async(_measure(postgres.dsn, sizes))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def _measure(dsn: str, sizes: tuple[int, ...]) -> None:
    connection = await asyncpg.connect(dsn)
    await migrate(connection, MIGRATIONS)
    await connection.execute(
        "INSERT INTO enterprises (number, name) SELECT 'e' || n, 'x' FROM generate_series(1, 50) AS n"
    )
    print("| rows in each of calls and caller_history | pages read, caller_history | pages read in all | ms, median |")
    print("|---|---|---|---|")
    filled = 0
    for size in sizes:
        await _fill(connection, filled, size)
        filled = size
        await _print(connection, size)
    await connection.close()


async def _fill(connection: asyncpg.Connection, before: int, size: int) -> None:
    for start in range(before, size, 1_000_000):
        end = min(start + 1_000_000, size) - 1
        for statement in (_CALLS, _HISTORY):
            await connection.execute(statement, start, end, timeout=600)
    await connection.execute("VACUUM ANALYZE", timeout=600)


async def _print(connection: asyncpg.Connection, size: int) -> None:
    query = load("facts")["caller_facts"]
    version = await connection.fetchval("SELECT version FROM settings_versions WHERE enterprise_id = 18")
    phones = [f"+375{290000000 + 17 + 50 * n}" for n in range(1, min(size // 50, 200))]
    plans, times = [], []
    statement = await connection.prepare(query)
    for phone in phones:
        text = await connection.fetchval(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {_bound(query, phone, version)}")
        plans.append(json.loads(text)[0]["Plan"])
        began = time.perf_counter()
        row = await statement.fetchrow(18, phone, version)
        times.append((time.perf_counter() - began) * 1000)
        assert row is not None
        assert row["last_extension"] == "151"
    history = statistics.median(sum(_pages(node) for node in _nodes(plan) if _is_history(node)) for plan in plans)
    everything = statistics.median(_pages(plan) for plan in plans)
    print(f"| {size:,} | {history:.0f} | {everything:.0f} | {statistics.median(times):.3f} |", flush=True)


def _bound(query: str, phone: str, version: int) -> str:
    return query.replace("$1", "18").replace("$2", f"'{phone}'").replace("$3", str(version))


def _nodes(plan: dict[str, Any]) -> list[dict[str, Any]]:
    return [plan, *(node for child in plan.get("Plans", []) for node in _nodes(child))]


def _is_history(node: dict[str, Any]) -> bool:
    return node.get("Relation Name") == "caller_history"


def _pages(node: dict[str, Any]) -> int:
    return int(node["Shared Hit Blocks"]) + int(node["Shared Read Blocks"])
