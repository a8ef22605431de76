"""Warm environments: cache_warm reaches as many as it is told, each opens what calls need, and nothing stops a sync."""

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import asyncpg
import pytest

from smart_redirect.bootstrap.cache_warm import ScheduleHandler
from smart_redirect.bootstrap.getcustomerdata import CallPathHandler
from smart_redirect.local.demo import load_demo
from tests.conftest import run
from tests.fakes.aws import FakeAws
from tests.functions.test_cache_warm import Context, Vendors
from tests.functions.test_getcustomerdata import GOOD, KNOWN
from tests.parity import ask_lambda, rest_event

KEY, NAME = "k" * 32, "smart-redirect-getcustomerdata:live"
CALLED = """INSERT INTO decisions (decided_at, enterprise_id, mode, reason, trace, sources, timings)
    VALUES (now() - interval '1 minute' * $2::int, $1, 'off', 'x', '[]', '[]', '{}')"""


class Environments:
    """A function as Lambda runs it: each event takes an environment that is free, or starts one."""

    def __init__(self) -> None:
        self.started: list[CallPathHandler] = []
        self.together: threading.Barrier | None = None
        self._free: list[CallPathHandler] = []
        self._lock = threading.Lock()

    def __call__(self, event: dict[str, Any]) -> Any:
        with self._lock:
            environment = self._free.pop() if self._free else CallPathHandler()
            if environment not in self.started:
                self.started.append(environment)
        try:
            if self.together:
                self.together.wait(30)
            return environment(event, None)
        finally:
            with self._lock:
                self._free.append(environment)


async def prepare(url: str) -> None:
    connection = await asyncpg.connect(url)
    await load_demo(connection, KEY.encode(), 1)
    await connection.execute("DELETE FROM decisions")
    await connection.execute(CALLED, 1, 5)
    await connection.close()


@pytest.fixture
def function(monkeypatch: pytest.MonkeyPatch, database_url: str) -> Iterator[Environments]:
    """The call path of the demo enterprise, which was called five minutes ago."""
    run(prepare(database_url))
    variables = {"DATABASE_URL": database_url, "SMART_REDIRECT_KEY": KEY, "SMART_REDIRECT_BUDGET_MS": "3000"}
    for name, value in {**variables, "SMART_REDIRECT_POOL_SIZE": "1"}.items():
        monkeypatch.setenv(name, value)
    function = Environments()
    yield function
    for environment in function.started:
        environment.runtime.close()


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch, function: Environments) -> Iterator[FakeAws]:
    with FakeAws() as aws:
        warm = {"SMART_REDIRECT_WARM_ENVIRONMENTS": "8", "SMART_REDIRECT_WARM_FUNCTION": NAME}
        for name, value in {**aws.variables(), **warm}.items():
            monkeypatch.setenv(name, value)
        aws.functions[NAME] = function
        yield aws


@pytest.fixture
def schedule(aws: FakeAws) -> Iterator[ScheduleHandler]:
    handler = ScheduleHandler(Vendors())
    yield handler
    handler.close()


def test_as_many_invocations_are_under_way_at_once_as_the_setting_says(
    schedule: ScheduleHandler, function: Environments
) -> None:
    function.together = threading.Barrier(8)
    assert schedule({}, Context())["environments"] == {"reached": 8, "ready": 8, "started": 8}
    assert schedule({}, Context())["environments"] == {"reached": 8, "ready": 8, "started": 0}


def test_a_warmed_environment_has_connection_and_settings_before_its_first_call(function: Environments) -> None:
    asked = {"warm": True, "hold_ms": 0, "enterprises": [1, 999, "x"]}
    answer = function(asked)
    assert (answer["warm"], answer["cold"], answer["snapshots"]) == (True, True, 1)
    handler = function.started[0]
    assert handler.runtime.application.connections() == 1
    assert ask_lambda(handler, rest_event(GOOD)).body == KNOWN
    assert function(asked) == {**answer, "cold": False}


def test_an_event_can_not_hold_an_environment_for_long(function: Environments) -> None:
    async def measure() -> float:
        began = asyncio.get_running_loop().time()
        await asyncio.to_thread(function, {"warm": True, "hold_ms": 600_000})
        return asyncio.get_running_loop().time() - began

    assert 0.2 <= run(measure()) < 30


def test_the_enterprises_that_were_called_most_lately_come_first(
    schedule: ScheduleHandler, aws: FakeAws, database_url: str
) -> None:
    async def call() -> None:
        connection = await asyncpg.connect(database_url)
        for number, minutes in ((2, 1), (3, 2000), (4, 9)):
            values = "INSERT INTO enterprises (id, number, name) OVERRIDING SYSTEM VALUE VALUES ($1, $2, 'x')"
            await connection.execute(values, number, str(number))
            await connection.execute(CALLED, number, minutes)
        await connection.close()

    run(call())
    schedule({}, Context())
    assert {tuple(each["enterprises"]) for each in aws.sent("lambda:InvokeFunction")} == {(2, 1, 4)}


def test_a_function_that_takes_no_invocation_does_not_stop_the_mirrors(
    schedule: ScheduleHandler, aws: FakeAws, caplog: pytest.LogCaptureFixture
) -> None:
    aws.broken = True
    assert "environments" not in schedule({}, Context())
    assert "8 of 8 warm-up invocations failed: Lambda: TooManyRequestsException" in caplog.text


@pytest.mark.parametrize("answer", ["x", [], {"warm": True}, None])
def test_an_answer_that_is_none_of_ours_is_a_failure(schedule: ScheduleHandler, aws: FakeAws, answer: object) -> None:
    aws.functions[NAME] = lambda _: answer
    assert "environments" not in schedule({}, Context())


def test_a_call_path_that_raises_is_a_failure(
    schedule: ScheduleHandler, aws: FakeAws, caplog: pytest.LogCaptureFixture
) -> None:
    aws.functions[NAME] = {}.__getitem__
    schedule({}, Context())
    assert "the call path failed: Unhandled" in caplog.text


def test_an_environment_without_a_database_says_that_it_is_not_ready(
    function: Environments, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql:///x?host=/nonexistent")
    answer = function({"warm": True, "enterprises": [1]})
    assert (answer["warm"], answer["snapshots"]) == (False, 0)


def test_without_the_setting_nothing_is_invoked(
    monkeypatch: pytest.MonkeyPatch, schedule: ScheduleHandler, aws: FakeAws
) -> None:
    monkeypatch.setenv("SMART_REDIRECT_WARM_ENVIRONMENTS", "0")
    schedule({}, Context())
    assert aws.calls == []
