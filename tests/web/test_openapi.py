"""docs/openapi.yaml against the running server: every answer is as described, and one that a host survives."""

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis import Case
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from smart_redirect.domain.event import EventKind
from smart_redirect.local.application import CALL_PATH
from smart_redirect.local.demo import DEMO_TOKEN
from smart_redirect.web.crm import CrmEndpoints
from smart_redirect.web.crm_about import AboutEndpoints
from smart_redirect.web.dialplan import DialplanEndpoints
from tests.fakes.old_macro import read
from tests.local.served import ROOT, Served, served

schema = schemathesis.openapi.from_path(ROOT / "docs" / "openapi.yaml")
PATHS = schema.raw_schema["paths"]
METHODS = {"get", "post", "put"}
CHECKS = [status_code_conformance, content_type_conformance, response_schema_conformance]


@pytest.fixture(scope="module")
def running(memory_dir: Path) -> Iterator[Served]:
    folder = memory_dir / secrets.token_hex(4)
    folder.mkdir(mode=0o755)
    with served(folder) as server:
        yield server


@schema.parametrize()
@settings(max_examples=40, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
def test_the_server_answers_as_described(case: Case, running: Served) -> None:
    response = case.call(base_url=running.address, headers={"Token": DEMO_TOKEN})
    case.validate_response(response, checks=CHECKS)
    if case.path == CALL_PATH:
        name, context = read(response.content)
        assert context == "" or context.startswith("mngr")
        assert response.status_code == 200 or (name, context) == ("", "")


def test_every_route_is_described() -> None:
    """By method and path; what names of parameters are between braces is the code's affair."""
    described = {(method.upper(), path) for path, item in PATHS.items() for method in item if method in METHODS}
    described |= {("POST", path) for path, item in PATHS.items() if "$ref" in item}
    endpoints = DialplanEndpoints(*[None] * 5), CrmEndpoints(*[None] * 3), AboutEndpoints(*[None] * 2)  # type: ignore[arg-type]
    served = {("POST", CALL_PATH)} | {("POST", f"/api/callevent/{kind}") for kind in EventKind}
    served |= {("GET", path) for path in ("/healthz", "/readyz", "/metrics")}
    for route in (route for each in endpoints for route in each.routes()):
        served |= {(method, route.path) for method in (route.methods or ()) if method != "HEAD"}
    assert described == served
