"""Log lines of the functions off the call path are JSON that tells what they are about."""

import json
import logging
from dataclasses import dataclass
from typing import Any

import pytest

from smart_redirect.bootstrap.structured_log import Correlated


@dataclass
class Context:
    """What Lambda tells of a request."""

    aws_request_id: str = "request-1"
    function_name: str = "smart-redirect-test"


def handle(event: dict[str, Any], _: Any) -> str:
    logging.getLogger("smart_redirect.usecases.any").warning("about %s", "a call", extra=event)
    return "done"


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


@pytest.fixture(autouse=True)
def clean() -> Any:
    yield
    logger = logging.getLogger("smart_redirect")
    logger.handlers.clear()
    logger.filters.clear()
    logger.propagate = True
    for name in ("init", "powertools_handler"):
        logger.__dict__.pop(name, None)


def test_a_line_has_request_function_and_what_it_is_about(capsys: pytest.CaptureFixture[str]) -> None:
    assert Correlated(handle)({"unique_id": "1.1", "enterprise_id": 1}, Context()) == "done"
    [line] = lines(capsys)
    assert line["message"] == "about a call"
    assert {name: line[name] for name in ("request_id", "function", "unique_id", "enterprise_id", "level")} == {
        "request_id": "request-1",
        "function": "smart-redirect-test",
        "unique_id": "1.1",
        "enterprise_id": 1,
        "level": "WARNING",
    }


def test_each_line_has_the_id_of_its_own_request(capsys: pytest.CaptureFixture[str]) -> None:
    handler = Correlated(handle)
    for name in ("a", "b"):
        handler({}, Context(name))
    assert [line["request_id"] for line in lines(capsys)] == ["a", "b"]


def test_behind_the_gateway_a_line_has_its_id_too_and_the_next_event_has_none(
    capsys: pytest.CaptureFixture[str],
) -> None:
    handler = Correlated(handle)
    handler({"requestContext": {"requestId": "gateway-1"}}, Context())
    handler({}, Context())
    assert [line.get("gateway_request") for line in lines(capsys)] == ["gateway-1", None]


def test_what_a_handler_raises_passes_through() -> None:
    def fail(_event: dict[str, Any], _context: Any) -> None:
        raise ValueError("x")

    with pytest.raises(ValueError, match="x"):
        Correlated(fail)({}, Context())
