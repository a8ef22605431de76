"""The call path against a bare route and against a route with one SELECT: ratios in one run, interleaved."""

import contextlib
import os
import secrets
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import httpx

from smart_redirect.local.application import CALL_PATH
from smart_redirect.local.cluster import server_processes
from smart_redirect.local.embedded import EmbeddedPostgres, free_port
from smart_redirect.local.server_settings import SAFE_SETTINGS
from tests.conftest import run as run_async
from tests.load.machine import cpu_times, spent
from tests.load.size import Size

HERE = Path(__file__).parent
SERVER_CORE, LOAD_CORE = 0, 1
CONNECTIONS = 16


@dataclass(frozen=True)
class Sample:
    """One run of wrk, and the processor time that the server and PostgreSQL took for one request."""

    rate: float
    p50_ms: float
    p99_ms: float
    server_us: float
    database_us: float


@dataclass(frozen=True)
class Target:
    """What is measured."""

    name: str
    url: str
    pid: int
    pgdata: Path


def run(size: Size = Size.WHOLE) -> None:
    """Print a table per connection mode."""
    if size is Size.TINY:
        # Without wrk: the servers come up, and answer as they should.
        with _servers() as targets:
            for each in targets:
                answer = httpx.post(each.url, content=b"", headers={"Token": "demo-token-0367"})
                print(f"{each.name}: {answer.status_code}")
        return
    if shutil.which("wrk") is None or shutil.which("taskset") is None:
        sys.exit("this section needs wrk: sudo apt-get install wrk")
    rounds, seconds = size.of((9, 3), (3, 1), (1, 1))
    with _servers() as targets:
        for close in (False, True):
            samples = _measure(targets, rounds, seconds, close=close)
            _print(samples, "a connection per request" if close else "keep-alive", rounds)


@contextlib.contextmanager
def _servers() -> Iterator[list[Target]]:
    folder = Path(tempfile.mkdtemp(prefix="bench-"))
    folder.chmod(0o711)
    os.sched_setaffinity(0, {LOAD_CORE})
    try:
        with EmbeddedPostgres(folder / "postgres", settings=SAFE_SETTINGS) as postgres, contextlib.ExitStack() as stack:
            ours, baseline = free_port(), free_port()
            server = stack.enter_context(_process(["local_server.py"], ours, folder, postgres.dsn))
            run_async(_fill(postgres.dsn))
            words = ["-m", "tests.load.baseline", str(baseline), postgres.dsn]
            floor = stack.enter_context(_process(words, baseline, folder, postgres.dsn))
            _check(f"http://127.0.0.1:{ours}{CALL_PATH}")
            pgdata = folder / "postgres" / "pgdata"
            yield [
                Target("ours", f"http://127.0.0.1:{ours}{CALL_PATH}", server, pgdata),
                Target("(b) route + SELECT", f"http://127.0.0.1:{baseline}/select", floor, pgdata),
                Target("(a) bare route", f"http://127.0.0.1:{baseline}/bare", floor, pgdata),
            ]
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _process(words: list[str], port: int, folder: Path, dsn: str) -> Iterator[int]:
    environment = {
        **os.environ,
        "DATABASE_URL": dsn,
        "SMART_REDIRECT_PORT": str(port),
        "SMART_REDIRECT_DATA_DIR": str(folder / secrets.token_hex(4)),
        "SMART_REDIRECT_LOG_DIR": str(folder / "logs"),
    }
    command = ["taskset", "-c", str(SERVER_CORE), sys.executable, *words]
    process = subprocess.Popen(command, env=environment, cwd=HERE.parents[1], stdout=subprocess.DEVNULL)
    try:
        _wait_for(port)
        yield process.pid
    finally:
        process.terminate()
        process.wait(timeout=30)


def _wait_for(port: int) -> None:
    for _ in range(300):
        with contextlib.suppress(httpx.TransportError):
            httpx.get(f"http://127.0.0.1:{port}/healthz")
            return
        time.sleep(0.1)
    sys.exit("a server did not come up")


async def _fill(dsn: str) -> None:
    connection = await asyncpg.connect(dsn)
    await connection.execute((HERE / "callers.sql").read_text(encoding="utf-8"))
    await connection.close()


def _check(url: str) -> None:
    """See that the answers are right before they are counted."""
    expected = {0: "mngr31_0001363_1", 2: "mngr37_0001363_1", 3: "mngr31_0001363_1", 1: None}
    for number, context in expected.items():
        body = f'{{"UniqueId":"1.1","Phone":"8029{2000000 + number}","TrunkId":"0001363","LoadDialPlan":"true"}}'
        answer = httpx.post(url, content=body, headers={"Token": "demo-token-0367"}).json()
        assert answer["DialPlan"] == context, (number, answer)


def _measure(targets: list[Target], rounds: int, seconds: int, *, close: bool) -> dict[str, list[Sample]]:
    samples: dict[str, list[Sample]] = {target.name: [] for target in targets}
    for target in targets:
        _wrk(target, 1, close=close)
    for turn in range(rounds):
        for target in targets[turn % len(targets) :] + targets[: turn % len(targets)]:
            samples[target.name].append(_wrk(target, seconds, close=close))
    return samples


def _wrk(target: Target, seconds: int, *, close: bool) -> Sample:
    command = ["taskset", "-c", str(LOAD_CORE), "wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--latency"]
    environment = {**os.environ, "CONNECTION_CLOSE": "1" if close else "0"}
    command += ["-s", str(HERE / "callers.lua"), target.url]
    server, database = cpu_times(target.pid), cpu_times(*server_processes(target.pgdata))
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    server_s = spent(server, cpu_times(target.pid))
    database_s = spent(database, cpu_times(*server_processes(target.pgdata)))
    line = next(line for line in done.stdout.splitlines() if line.startswith("RESULT"))
    requests, microseconds, p50, p99, errors = (int(word) for word in line.split()[1:])
    assert errors == 0, done.stdout
    shares = server_s / requests * 1e6, database_s / requests * 1e6
    return Sample(requests / (microseconds / 1e6), p50 / 1000, p99 / 1000, *shares)


def _print(samples: dict[str, list[Sample]], mode: str, rounds: int) -> None:
    print(f"\n{mode}, {CONNECTIONS} connections, median of {rounds} interleaved runs (min–max):\n")
    print("| | requests/s | p50 ms | p99 ms | server, µs/request | PostgreSQL, µs/request |\n|---|---|---|---|---|---|")
    for name, each in samples.items():
        digits = {"rate": 0, "p50_ms": 2, "p99_ms": 2, "server_us": 0, "database_us": 0}
        columns = (_spread([getattr(sample, field) for sample in each], count) for field, count in digits.items())
        print(f"| {name} | {' | '.join(columns)} |")
    for name in [name for name in samples if name != "ours"]:
        pairs = list(zip(samples["ours"], samples[name], strict=True))
        rate = statistics.median(a.rate / b.rate for a, b in pairs)
        tail = statistics.median(a.p99_ms / b.p99_ms for a, b in pairs)
        server = statistics.median(a.server_us / b.server_us for a, b in pairs)
        print(f"| ours / {name} | **{rate:.2f}** | | **{tail:.2f}** | {server:.2f} | |", flush=True)


def _spread(values: list[float], digits: int) -> str:
    return f"{statistics.median(values):,.{digits}f} ({min(values):,.{digits}f}–{max(values):,.{digits}f})"
