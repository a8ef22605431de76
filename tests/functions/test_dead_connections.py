"""Off the call path too: whatever died while an environment slept, the first event after that is right."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from smart_redirect.bootstrap.cache_warm import HttpHandler, ScheduleHandler
from smart_redirect.bootstrap.dialplan_regenerate import HttpHandler as DialplanHandler
from smart_redirect.bootstrap.dialplan_regenerate import QueueHandler
from smart_redirect.bootstrap.upkeep import UpkeepHandler
from tests.conftest import Server
from tests.functions.test_cache_warm import OPERATOR, REQUESTS, Context, url
from tests.functions.test_store_decisions import A_WHILE, END_ALL
from tests.parity import Sent, ask_lambda, rest_event

__all__ = ["url"]
REGENERATE = Sent("/api/dialplan/0367/regenerate", b"", OPERATOR)


@pytest.fixture
def kill(postgres: Server, database: str) -> Callable[[], None]:
    def kill() -> None:
        postgres.execute(END_ALL.format(database))
        time.sleep(A_WHILE)

    return kill


@pytest.fixture
def handlers(url: str) -> Iterator[dict[str, Callable[[], Any]]]:
    """One event of each function that keeps connections."""
    mirrors, dialplan, queue = HttpHandler(), DialplanHandler(), QueueHandler()
    schedule, upkeep = ScheduleHandler(), UpkeepHandler()
    change = {"messageId": "1", "body": '{"enterprise_id": 1, "change": 1}'}
    yield {
        "policy": lambda: ask_lambda(mirrors, rest_event(REQUESTS["policy"][0])).status == 200,
        "hint": lambda: ask_lambda(mirrors, rest_event(REQUESTS["hint"][0])).status == 204,
        "regenerate": lambda: ask_lambda(dialplan, rest_event(REGENERATE)).status == 200,
        "queue": lambda: queue({"Records": [change]}, None) == {"batchItemFailures": []},
        "warm": lambda: schedule({"warm": True}, Context()) == {"warm": True},
        "upkeep": lambda: "silent_hosts" in upkeep({"run": "watch"}, None),
    }
    for each in (mirrors, dialplan, queue, schedule, upkeep):
        each.close()


@pytest.mark.parametrize("name", ["policy", "hint", "regenerate", "queue", "warm", "upkeep"])
def test_the_first_event_after_a_sleep_in_which_all_connections_died(
    handlers: dict[str, Callable[[], Any]], kill: Callable[[], None], name: str
) -> None:
    assert handlers[name]()
    for _ in range(3):
        kill()
        assert handlers[name]()


@pytest.mark.parametrize("event", [{"run": "sweep"}, {}])
def test_upkeep_that_is_asked_for_something_else_says_so(event: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="nothing is called"):
        UpkeepHandler()(event, None)
