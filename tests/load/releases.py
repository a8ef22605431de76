"""From a change to a release: one user of a large enterprise, and a sweep over ten thousand enterprises, on PostgreSQL."""

import shutil
import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg

from smart_redirect.adapters.migrations import migrate
from smart_redirect.adapters.postgres.contents import PostgresContents
from smart_redirect.adapters.postgres.dialplan import PostgresDialplan
from smart_redirect.adapters.postgres.pool import open_pool
from smart_redirect.local.embedded import EmbeddedPostgres
from smart_redirect.local.paths import MIGRATIONS
from smart_redirect.local.server_settings import TEST_SETTINGS
from smart_redirect.usecases.regenerate import Outcome, Regenerate
from tests.conftest import run as run_async
from tests.load.size import Size

_SCHEME = (
    '{"nodes":[{"id":"1","type":"custom","data":{}},{"id":"2","type":"dial","data":{"managers":[{"userId":1,"name":"A",'
    '"phone":"1000"}],"waitingRings":3}}],"edges":[{"id":"e1-2","source":"1","target":"2"}]}'
)
# Every second user has a follow-me of two steps.
_FILL = """
INSERT INTO enterprises (id, number, name) OVERRIDING SYSTEM VALUE SELECT n, 'e' || n, 'x' FROM {span};
INSERT INTO dial_schemas (enterprise_id, schema_id, name, type, data) SELECT n, 's', 's', 'incoming', '{scheme}' FROM {span};
INSERT INTO lines (enterprise_id, line_id, kind, enabled, in_schema_id)
    SELECT n, (1000000 + l)::text, 'gsm', true, 's' FROM {span}, generate_series(1, {lines}) AS l;
INSERT INTO users (enterprise_id, id, follow_me_enabled)
    SELECT n, u, u % 2 = 0 FROM {span}, generate_series(1, {extensions}) AS u;
INSERT INTO user_internal_phones (enterprise_id, id, user_id, number)
    SELECT n, u, u, (999 + u)::text FROM {span}, generate_series(1, {extensions}) AS u;
INSERT INTO follow_me_steps SELECT n, u, s, 3, ARRAY[(999 + u)::text, (1000 + u % {extensions})::text]
    FROM {span}, generate_series(2, {extensions}, 2) AS u, generate_series(1, 2) AS s;
INSERT INTO pbx_hosts (enterprise_id, name, install) SELECT n, 'h', 'whole-file' FROM {span};
ANALYZE;
"""


@dataclass(frozen=True, slots=True)
class _Scale:
    """How many enterprises are swept, and how large the one is of which one user changes."""

    enterprises: int
    lines: int = 20
    extensions: int = 500


def run(size: Size = Size.WHOLE) -> None:
    """Print the times."""
    folder = Path(tempfile.mkdtemp(prefix="bench-"))
    folder.chmod(0o711)
    try:
        with EmbeddedPostgres(folder / "postgres", settings=TEST_SETTINGS) as postgres:
            run_async(
                _measure(postgres.dsn, size.of(_Scale(10_000), _Scale(1_000), _Scale(100, lines=2, extensions=10)))
            )
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def _measure(dsn: str, scale: _Scale) -> None:
    connection = await asyncpg.connect(dsn)
    await migrate(connection, MIGRATIONS)
    pool = await open_pool(dsn, size=3)
    regenerate = Regenerate(PostgresDialplan(pool), PostgresContents(pool))
    await _fill(connection, (1, 1), lines=scale.lines, extensions=scale.extensions)
    await _one_user(connection, regenerate, scale)
    await _fill(connection, (2, scale.enterprises + 1), lines=2, extensions=10)
    await _sweep(connection, regenerate, scale.enterprises)
    pool.terminate()
    await connection.close()


async def _fill(connection: Any, span: tuple[int, int], *, lines: int, extensions: int) -> None:
    series = f"generate_series({span[0]}, {span[1]}) AS n"
    statements = _FILL.format(span=series, scheme=_SCHEME, lines=lines, extensions=extensions)
    await connection.execute(statements, timeout=600)


async def _one_user(connection: Any, regenerate: Regenerate, scale: _Scale) -> None:
    first = await _timed(regenerate)
    times = []
    for n in range(5):
        await connection.execute("UPDATE follow_me_steps SET rings = $1 WHERE enterprise_id = 1 AND user_id = 2", 4 + n)
        times.append(await _timed(regenerate))
    contexts, size = await connection.fetchrow("SELECT contexts, size FROM dialplan_releases ORDER BY id DESC LIMIT 1")
    print(f"| one enterprise, {scale.extensions} extensions × {scale.lines} lines | |\n|---|---|")
    print(f"| contexts mngr… in a release, MB | {contexts:,}, {size / 1e6:.1f} |")
    print(f"| first release, s | {first:.2f} |")
    print(
        f"| one user changed, to the published release, s (median of 5) | {statistics.median(times):.2f} |\n",
        flush=True,
    )


async def _timed(regenerate: Regenerate) -> float:
    began = time.perf_counter()
    built = await regenerate(1)
    assert built.outcome is Outcome.DONE
    assert built.results[0].release is not None, built.results[0].error
    return time.perf_counter() - began


async def _sweep(connection: Any, regenerate: Regenerate, enterprises: int) -> None:
    began = time.perf_counter()
    assert len(await regenerate.sweep(enterprises)) == enterprises
    everything = time.perf_counter() - began
    await connection.execute(
        "UPDATE users SET follow_me_enabled = false WHERE enterprise_id % 100 = 1 AND enterprise_id > 1"
    )
    began = time.perf_counter()
    dirty = len(await regenerate.sweep(enterprises))
    some = time.perf_counter() - began
    began = time.perf_counter()
    assert not await regenerate.sweep(enterprises)
    nothing = time.perf_counter() - began
    print(
        f"| a sweep over {enterprises:,} enterprises (10 extensions × 2 lines each) | enterprises built | s |\n|---|---|---|"
    )
    print(f"| all changed | {enterprises:,} | {everything:.1f} |")
    print(f"| 1 % changed | {dirty:,} | {some:.2f} |")
    print(f"| nothing changed | 0 | {nothing:.4f} |", flush=True)
