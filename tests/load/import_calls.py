"""What does an import of a long call history cost? Rows a second and memory of the command, by number of calls."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import asyncpg

from smart_redirect.adapters.migrations import migrate
from smart_redirect.local.embedded import EmbeddedPostgres
from smart_redirect.local.paths import MIGRATIONS
from tests.conftest import run as run_async
from tests.fakes.platform_import import SCHEMA
from tests.load.size import Size

_CALLERS = 50_000
# Inbound calls of the last 300 days, two phones rung each, nine of ten answered; some callers hide their number.
_CALLS = """
    INSERT INTO calls (id, unique_id, start_time, end_time, enterprise_id, phone_number, trunk, main_extension,
                       call_type, call_status)
    SELECT n, e || '.' || n, to_timestamp(e) AT TIME ZONE 'Europe/Minsk', to_timestamp(e + 60) AT TIME ZONE 'Europe/Minsk',
           '0367', CASE WHEN n % 20 = 0 THEN 'anonymous' ELSE '80291' || lpad((n * 7919 % $2)::text, 6, '0') END,
           '0001363', '150', '0', CASE WHEN n % 10 = 0 THEN '0' ELSE '2' END
    FROM generate_series(1, $1::bigint) AS n, LATERAL (
        SELECT (extract(epoch FROM now())::bigint - 300 * 86400 + n * 299 * 86400 / $1) AS e) AS x
"""
_PARTICIPANTS = """
    INSERT INTO call_participants (call_id, extension, participant_status, ring_order, answer_time)
    SELECT id, extension, CASE WHEN call_status = '2' AND extension = '150' THEN 'answered' ELSE 'no_answer' END, place,
           CASE WHEN extension = '150' THEN start_time + interval '7 s' END
    FROM calls, (VALUES ('150', 1), ('152', 2)) AS x (extension, place) WHERE enterprise_id = '0367'
"""
_COMMAND = "import sys; from smart_redirect.cli.main import main; sys.exit(main())"


def run(size: Size = Size.WHOLE) -> None:
    """Print a row a size: a first run, a second one that finds everything there, and a dry run."""
    sizes = size.of((100_000, 1_000_000), (10_000, 50_000), (200,))
    folder = Path(tempfile.mkdtemp(prefix="bench-"))
    folder.chmod(0o711)
    print("| calls | run | s | calls/s | RSS at a quarter, MB | at the half | at three quarters | largest |")
    print("|---|---|---|---|---|---|---|---|")
    try:
        with EmbeddedPostgres(folder / "postgres") as postgres:
            for calls in sizes:
                _measure(postgres, calls)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _measure(postgres: EmbeddedPostgres, size: int) -> None:
    theirs, ours = (_address(postgres, f"{name}_{size}") for name in ("theirs", "ours"))
    run_async(_prepare(postgres.dsn, (theirs, ours), size))
    for title, words in (("dry run", ["--dry-run"]), ("first", []), ("second", [])):
        seconds, samples = _import(theirs, ours, words)
        quarters = [samples[len(samples) * part // 4] for part in (1, 2, 3)]
        memory = " | ".join(f"{value / 1024:.0f}" for value in (*quarters, max(samples)))
        print(f"| {size:,} | {title} | {seconds:.0f} | {size / seconds:,.0f} | {memory} |", flush=True)


def _address(postgres: EmbeddedPostgres, name: str) -> str:
    head, _, query = postgres.dsn.partition("?")
    return f"{head.rpartition('/')[0]}/{name}" + (f"?{query}" if query else "")


async def _prepare(admin: str, addresses: tuple[str, str], size: int) -> None:
    connection = await asyncpg.connect(admin)
    for address in addresses:
        await connection.execute(f"CREATE DATABASE {address.partition('?')[0].rpartition('/')[2]}")
    await connection.close()
    theirs, ours = [await asyncpg.connect(address) for address in addresses]
    await theirs.execute(SCHEMA)
    await theirs.execute("DELETE FROM call_participants; DELETE FROM calls")
    await theirs.execute(_CALLS, size, _CALLERS, timeout=600)
    await theirs.execute(_PARTICIPANTS, timeout=600)
    await theirs.execute("VACUUM ANALYZE", timeout=600)
    await migrate(ours, MIGRATIONS)
    for each in (theirs, ours):
        await each.close()


def _import(theirs: str, ours: str, words: list[str]) -> tuple[float, list[int]]:
    """Run the command; return its seconds and its resident memory in kB every 100 ms."""
    command = [sys.executable, "-c", _COMMAND, "import", "--from-dsn", theirs, "--enterprise", "0367", *words]
    environment = {**os.environ, "DATABASE_URL": ours, "SMART_REDIRECT_KEY": "k" * 40}
    began, samples = time.monotonic(), [0]
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as process:
        while process.poll() is None:
            samples.append(_resident(process.pid) or samples[-1])
            time.sleep(0.1)
        said = process.stderr.read() if process.stderr else ""
    assert process.returncode == 3, said
    return time.monotonic() - began, samples


def _resident(pid: int) -> int:
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")), 0)
