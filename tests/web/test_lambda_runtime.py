"""The Lambda runtime around an ASGI application: what the application is asked for is the route, wherever it is mounted."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from starlette.responses import Response

from smart_redirect.web.lambda_runtime import LambdaRuntime, without_base_path
from tests.parity import Sent, http_event, rest_event

RELEASE, REGENERATE = "/api/dialplan/release", "/api/dialplan/{enterprise}/regenerate"


def event(route: str, path: str) -> dict[str, Any]:
    return {**rest_event(Sent(path, b"")), "resource": route}


@pytest.mark.parametrize(
    ("route", "path", "asked"),
    [
        (RELEASE, RELEASE, RELEASE),
        (RELEASE, f"/pbx{RELEASE}", RELEASE),
        (REGENERATE, "/api/dialplan/0367/regenerate", "/api/dialplan/0367/regenerate"),
        (REGENERATE, "/pbx/api/dialplan/0367/regenerate", "/api/dialplan/0367/regenerate"),
        ("/{proxy+}", "/pbx/anything", "/pbx/anything"),
    ],
)
def test_a_base_path_of_a_domain_is_left_out(route: str, path: str, asked: str) -> None:
    assert without_base_path(event(route, path))["path"] == asked


def test_events_of_http_apis_stay_as_they_are() -> None:
    sent = http_event(Sent(RELEASE, b""))
    assert without_base_path(sent) is sent


@asynccontextmanager
async def opened() -> AsyncIterator[Response]:
    yield Response(status_code=204)


def test_no_path_is_logged_even_where_the_platform_asks_for_everything(caplog: pytest.LogCaptureFixture) -> None:
    runtime = LambdaRuntime(opened)
    with caplog.at_level(logging.DEBUG):
        answer = runtime(rest_event(Sent("/api/crm/0000/THE-SECRET", b"")), None)
    runtime.close()
    assert (answer["statusCode"], "THE-SECRET" in caplog.text) == (204, False)
