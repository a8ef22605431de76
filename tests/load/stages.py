"""Where the processor time of one call goes: whole calls in this process, from request to reply, and their parts.

HTTP goes through the real protocol and a transport in memory, so what is missing is only the kernel's share for the
caller's socket, which is the same for all.
"""

import asyncio
import shutil
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import asyncpg
import uvicorn
import uvloop
from starlette.applications import Starlette
from uvicorn.server import ServerState

from smart_redirect.adapters.decision_json import as_line
from smart_redirect.adapters.migrations import migrate
from smart_redirect.adapters.postgres.callers import PostgresCallers
from smart_redirect.adapters.postgres.pool import open_pool
from smart_redirect.bootstrap.call_path import CallPath, open_call_path
from smart_redirect.bootstrap.live import open_live
from smart_redirect.domain.call import read_request
from smart_redirect.domain.phone import normalise
from smart_redirect.domain.reply import encode
from smart_redirect.domain.routing import Question, decide
from smart_redirect.domain.token import token_hash
from smart_redirect.local.application import CALL_PATH, CallPathFirst
from smart_redirect.local.decision_log import BatchedDecisionLog
from smart_redirect.local.demo import DEMO_QUESTION, DEMO_TOKEN, load_demo
from smart_redirect.local.embedded import EmbeddedPostgres
from smart_redirect.local.http import CallPathProtocol
from smart_redirect.local.metrics import Metrics
from smart_redirect.local.paths import MIGRATIONS
from smart_redirect.settings import Settings
from smart_redirect.usecases.ports import DecisionRecord, FactsQuestion
from tests.load.baseline import routes
from tests.load.size import Size

_AT_ONCE, _TURN = 16, 320
_KEY = "k" * 32
_CALLERS = Path(__file__).with_name("callers.sql")


class _Caller(asyncio.Transport):
    """One connection that stays: sends a request, waits for the whole reply."""

    def __init__(self, protocol: Any, path: str, numbers: Iterator[int]) -> None:
        super().__init__({"peername": ("127.0.0.1", 40000), "sockname": ("127.0.0.1", 8021)})
        self._path = path
        self._numbers = numbers
        self._replied = asyncio.get_running_loop().create_future()
        self._protocol = protocol
        protocol.connection_made(self)

    async def __call__(self) -> None:
        self._replied = asyncio.get_running_loop().create_future()
        self._protocol.data_received(_request(self._path, next(self._numbers)))
        await self._replied

    def write(self, data: Any) -> None:
        if data.endswith((b"}", b"}\n")):
            self._replied.set_result(None)

    def is_closing(self) -> bool:
        return False

    def resume_reading(self) -> None:
        """Reading never stops here."""

    def close(self) -> None:
        """Stay: the keep-alive time of a stage that waits for its turn ends here."""


def _request(path: str, number: int) -> bytes:
    caller = 2_000_000 + number * 7 % 2000
    body = f'{{"UniqueId":"1.{number}","Phone":"8029{caller}","TrunkId":"0001363","LoadDialPlan":"true"}}'
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:8021\r\nToken: {DEMO_TOKEN}\r\nContent-Length: {len(body)}"
    return f"{head}\r\nContent-Type: application/x-www-form-urlencoded\r\n\r\n{body}".encode()


def run(size: Size = Size.WHOLE) -> None:
    """Print one line per stage: the least processor time of many turns, which a busy machine changes least."""
    folder = Path(tempfile.mkdtemp(prefix="bench-"))
    folder.chmod(0o711)
    try:
        with EmbeddedPostgres(folder / "postgres") as postgres:
            settings = Settings(database_url=postgres.dsn, key=_KEY)
            asyncio.Runner(loop_factory=uvloop.new_event_loop).run(_stages(settings, folder, size.of(100, 20, 1)))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def _stages(settings: Settings, folder: Path, turns: int) -> None:
    await _prepare(settings.database_url)
    pool = await open_pool(settings.database_url)
    log = BatchedDecisionLog(folder / "decisions.log", _nowhere, Metrics())
    async with open_call_path(settings, log) as call_path, open_live(settings) as call_path.route_call.live:
        others = Starlette(routes=routes(pool))
        ours = CallPathFirst((CALL_PATH,), call_path.endpoint, others)
        whole = {
            "**ours, with the record's line, file and metrics**": _callers(ours, CallPathProtocol, CALL_PATH, log),
            "**(b) route + SELECT**": _callers(others, "httptools", "/select", None),
            "**(a) bare route**": _callers(others, "httptools", "/bare", None),
        }
        _print(await _least(whole, turns))
        parts = await _parts(settings, call_path)
        parts["SELECT by primary key through the pool"] = _at_once(lambda: pool.fetchrow("SELECT 1 AS one"))
        _print(await _least(parts, turns))
    pool.terminate()


async def _prepare(dsn: str) -> None:
    connection = await asyncpg.connect(dsn)
    await migrate(connection, MIGRATIONS)
    await load_demo(connection, _KEY.encode(), 1)
    await connection.execute(_CALLERS.read_text(encoding="utf-8"))
    await connection.close()


async def _nowhere(_: list[str]) -> None:
    """Store nothing: PostgreSQL's share is not this process's."""


Turn = Callable[[], Awaitable[None]]


def _callers(application: Any, protocol: Any, path: str, log: BatchedDecisionLog | None) -> Turn:
    config = uvicorn.Config(application, http=protocol, access_log=False, proxy_headers=False, server_header=False)
    config.load()
    state, numbers = ServerState(), count()
    made = [config.http_protocol_class(config, state, {}) for _ in range(_AT_ONCE)]  # type: ignore[call-arg]
    callers = [_Caller(each, path, numbers) for each in made]

    async def turn() -> None:
        await asyncio.gather(*(_repeated(caller) for caller in callers))
        if log is not None:
            await log.flush()

    return turn


async def _repeated(work: Callable[[], Awaitable[object]]) -> None:
    for _ in range(_TURN // _AT_ONCE):
        await work()


def _at_once(work: Callable[[], Awaitable[object]]) -> Turn:
    async def turn() -> None:
        await asyncio.gather(*(_repeated(work) for _ in range(_AT_ONCE)))

    return turn


def _alone(work: Callable[[], object]) -> Turn:
    async def turn() -> None:
        for _ in range(_TURN):
            work()

    return turn


async def _parts(settings: Settings, call_path: CallPath) -> dict[str, Turn]:
    deadline = time.monotonic() + 3600
    hashed = token_hash(settings.key_bytes, DEMO_TOKEN)
    held = await call_path.snapshots.find(hashed, deadline)
    enterprise, caller = held.enterprise, "+375292000000"
    callers = PostgresCallers(call_path.reads)
    asked = FactsQuestion(enterprise.id, caller, enterprise.version)
    answer = await callers.ask(asked, deadline)
    assert answer is not None
    host = next(iter(enterprise.hosts.values()))
    question = Question(enterprise, enterprise.lines["0001363"], caller, host, answer.facts)
    decision = decide(question)
    record = DecisionRecord(enterprise, host.id, "1.1", "0001363", caller, decision, "database", 0.1, 0.1, 1.0, 1.1)
    return {
        "read the request": _alone(lambda: read_request(DEMO_QUESTION.encode())),
        "make the phone E.164": _alone(lambda: normalise("80291112233", "BY", "")),
        "decide": _alone(lambda: decide(question)),
        "write the reply": _alone(lambda: encode(decision.name, decision.context)),
        "the record's line": _alone(lambda: as_line(record, 1.0)),
        "one round trip for the caller's facts": _at_once(lambda: callers.ask(asked, deadline)),
    }


async def _least(stages: dict[str, Turn], turns: int) -> dict[str, float]:
    """Return the least seconds of one repetition of each, taken in turns."""
    least = dict.fromkeys(stages, float("inf"))
    for _ in range(turns):
        for name, turn in stages.items():
            began = time.process_time()
            await turn()
            least[name] = min(least[name], (time.process_time() - began) / _TURN)
    return least


def _print(stages: dict[str, float]) -> None:
    print("| stage | µs |\n|---|---|")
    for name, seconds in stages.items():
        print(f"| {name} | {seconds * 1e6:.1f} |", flush=True)
    print()
