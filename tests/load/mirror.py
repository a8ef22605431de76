"""The mirror of a CRM: how fast a million contacts are loaded, in how much memory, and what a look-up in millions reads."""

import itertools
import json
import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import asyncpg

from smart_redirect.adapters.memory_crm import MemoryCrm
from smart_redirect.adapters.migrations import migrate
from smart_redirect.adapters.postgres.pool import open_pool
from smart_redirect.adapters.postgres.queries import load
from smart_redirect.domain.crm import Page, Person
from smart_redirect.local.embedded import EmbeddedPostgres
from smart_redirect.local.paths import MIGRATIONS
from smart_redirect.local.server_settings import TEST_SETTINGS
from smart_redirect.usecases.sync_crm import Outcome
from tests.conftest import run as run_async
from tests.load.size import Size
from tests.usecases.mirrored import KEY, Mirrored

_CONNECTIONS = """
    INSERT INTO enterprises (id, number, name) OVERRIDING SYSTEM VALUE
    SELECT n, 'e' || n, 'x' FROM generate_series(1, 50) AS n;
    INSERT INTO crm_connections (enterprise_id, id, vendor, name, position)
    SELECT n, 1, 'x', 'x', 1 FROM generate_series(1, 50) AS n;
    INSERT INTO crm_managers
    SELECT n, 1, m::text, 'x', '150' FROM generate_series(1, 50) AS n, generate_series(0, 19) AS m;
"""
_PHONES = """
    INSERT INTO crm_contacts (enterprise_id, phone, connection_id, external_id, name, responsible_id, updated_at)
    SELECT 1 + n % 50, '+375' || (290000000 + n), 1, n::text, 'Иванов Иван', (n % 20)::text, now()
    FROM generate_series($1::bigint, $2::bigint) AS n
"""


class EndlessCrm(MemoryCrm):
    """A CRM with so many people, each made when its page is asked for."""

    def __init__(self, count: int, page: int) -> None:
        super().__init__()
        self.count, self.page = count, page
        self.memory: list[float] = []

    async def changes(self, cursor: str | None) -> Page:
        first = int(cursor or 0)
        last = min(first + self.page, self.count)
        if first == last:
            return Page((), str(first), more=False)
        if (first // self.page) % max(1, self.count // self.page // 10) == 0:
            self.memory.append(_megabytes())
        return Page(tuple(_person(n) for n in range(first, last)), str(last), last < self.count, last, self.count)


def _person(number: int) -> Person:
    return Person(
        str(number), "Иванов Иван Иванович", (f"8 (029) {1000000 + number}",), str(number % 20), 1.7e9 + number
    )


def _megabytes() -> float:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def run(size: Size = Size.WHOLE) -> None:
    """Print contacts a second, memory, and pages read per size."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        with EmbeddedPostgres(folder / "postgres", settings=TEST_SETTINGS) as postgres:
            run_async(_measure(postgres.dsn, size))


async def _measure(dsn: str, size: Size) -> None:
    connection = await asyncpg.connect(dsn)
    await migrate(connection, MIGRATIONS)
    count = size.of(1_000_000, 50_000, 2_000)
    print(
        f"| walk of {count:,} contacts | contacts/s | memory at the first, the middle and the last tenth, MB |\n|---|---|---|"
    )
    for page in (1000, 100):
        await _walk(dsn, count if page > 100 else count // 5, page)
        await connection.execute("TRUNCATE crm_contacts, crm_people; DELETE FROM enterprises")
    await _look_up(connection, size.of((10_000, 10_000_000), (10_000, 200_000), (500, 1_000)))
    await connection.close()


async def _look_up(connection: asyncpg.Connection, sizes: tuple[int, ...]) -> None:
    """Print what the query of a call reads, at each number of phones."""
    print("\n| phones in the mirror | pages read, crm_contacts | pages read in all | ms, median |\n|---|---|---|---|")
    await connection.execute(_CONNECTIONS)
    for before, phones in itertools.pairwise((0, *sizes)):
        await _fill(connection, before, phones)
        await _print_pages(connection, phones)


async def _walk(dsn: str, count: int, page: int) -> None:
    pool = await open_pool(dsn, size=2)
    mirrored = Mirrored(pool)
    crm = EndlessCrm(count, page)
    await mirrored.connect(KEY, crm)
    began = time.perf_counter()
    assert await mirrored.sync() is Outcome.DONE
    seconds = time.perf_counter() - began
    assert await pool.fetchval("SELECT count(*) FROM crm_contacts") == count
    shown = ", ".join(f"{crm.memory[place]:.0f}" for place in (0, len(crm.memory) // 2, -1))
    print(f"| {count:,} in pages of {page:,} | {count / seconds:,.0f} | {shown} |", flush=True)
    pool.terminate()


async def _fill(connection: asyncpg.Connection, before: int, size: int) -> None:
    for start in range(before, size, 1_000_000):
        await connection.execute(_PHONES, start, min(start + 1_000_000, size) - 1, timeout=1200)
    await connection.execute("VACUUM ANALYZE", timeout=1200)


async def _print_pages(connection: asyncpg.Connection, size: int) -> None:
    query = load("facts")["caller_facts"]
    version = await connection.fetchval("SELECT version FROM settings_versions WHERE enterprise_id = 18")
    statement = await connection.prepare(query)
    plans, times = [], []
    for number in range(1, min(size // 50, 200)):
        phone = f"+375{290000000 + 17 + 50 * number}"
        bound = query.replace("$1", "18").replace("$2", f"'{phone}'").replace("$3", str(version))
        text = await connection.fetchval(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {bound}")
        plans.append(json.loads(text)[0]["Plan"])
        began = time.perf_counter()
        row = await statement.fetchrow(18, phone, version)
        times.append((time.perf_counter() - began) * 1000)
        assert row is not None
        assert row["responsible_extension"] == "150"
    contacts = statistics.median(sum(map(_pages, _of_contacts(plan))) for plan in plans)
    print(
        f"| {size:,} | {contacts:.0f} | {statistics.median(map(_pages, plans)):.0f} | {statistics.median(times):.3f} |",
        flush=True,
    )


def _of_contacts(plan: dict[str, Any]) -> list[dict[str, Any]]:
    own = [plan] if plan.get("Relation Name") == "crm_contacts" else []
    return [*own, *(node for child in plan.get("Plans", []) for node in _of_contacts(child))]


def _pages(node: dict[str, Any]) -> int:
    return int(node["Shared Hit Blocks"]) + int(node["Shared Read Blocks"])
