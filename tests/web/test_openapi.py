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

from smart_redirect.local.application import CALL_PATH
from smart_redirect.local.demo import DEMO_TOKEN
from tests.fakes.old_macro import read
from tests.local.served import ROOT, Served, served

schema = schemathesis.openapi.from_path(ROOT / "docs" / "openapi.yaml")
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


def test_every_path_that_hosts_use_is_described() -> None:
    described = set(schema.raw_schema["paths"])
    assert {CALL_PATH, *(f"/api/callevent/{kind}" for kind in ("start", "dial", "hangup"))} <= described
