"""One contract for CallFunction: AWS Lambda, as boto3 speaks to it, and the one in memory keep it alike."""

import itertools
from collections.abc import Iterator
from typing import Any

import pytest

from smart_redirect.adapters.lambda_function import LambdaCallFunction
from smart_redirect.adapters.memory_warm import MemoryCallFunction
from smart_redirect.errors import FunctionUnavailable
from smart_redirect.usecases.ports_warm import Warmed
from tests.fakes.aws import FakeAws

NAME = "calls:live"


class OnAws:
    """Two environments that take the events in turn."""

    def __init__(self, aws: FakeAws) -> None:
        self.aws, self.function = aws, LambdaCallFunction(NAME, 2)
        self._numbers = itertools.count()
        aws.functions[NAME] = self._answer

    def _answer(self, event: dict[str, Any]) -> dict[str, Any]:
        number = next(self._numbers)
        loaded = len(event["enterprises"])
        return {"warm": True, "environment": str(number % 2), "cold": number < 2, "snapshots": loaded}

    def go_down(self) -> None:
        self.aws.broken = True


class InMemory:
    """The same in memory."""

    def __init__(self) -> None:
        self.function = MemoryCallFunction(2)

    def go_down(self) -> None:
        self.function.down = True


@pytest.fixture(params=["lambda", "memory"])
def given(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[OnAws | InMemory]:
    if request.param == "memory":
        yield InMemory()
        return
    with FakeAws() as aws:
        for name, value in aws.variables().items():
            monkeypatch.setenv(name, value)
        given = OnAws(aws)
        yield given
        given.function.close()


async def test_an_environment_is_cold_once_and_tells_what_it_has_loaded(given: OnAws | InMemory) -> None:
    answers = [await given.function.warm([7, 4]) for _ in range(3)]
    assert answers == [Warmed("0", True, True, 2), Warmed("1", True, True, 2), Warmed("0", False, True, 2)]


async def test_what_takes_no_invocation_is_unavailable(given: OnAws | InMemory) -> None:
    given.go_down()
    with pytest.raises(FunctionUnavailable):
        await given.function.warm([])
