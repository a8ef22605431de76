"""The function of the mirrors: HTTP answers as the local server's, the schedule syncs, a warm-up touches nothing."""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from starlette.applications import Starlette

from cache_warm import app as function
from smart_redirect.adapters.memory_crm import MemoryCrm, PacedCrm
from smart_redirect.adapters.sealed import Seal
from smart_redirect.bootstrap.cache_warm import HttpHandler, ScheduleHandler
from smart_redirect.bootstrap.crm import open_crm
from smart_redirect.domain.token import token_hash
from smart_redirect.local.demo import load_demo
from smart_redirect.settings import Settings
from smart_redirect.usecases.ports_crm import Access
from tests.conftest import run
from tests.parity import Answered, Sent, ask_lambda, ask_locally, http_event, rest_event
from tests.usecases.mirrored import people

KEY = b"k" * 32
HOOK = UUID(int=7)
OPERATOR = (("Authorization", "Bearer operate"), ("X-Forwarded-For", "203.0.113.9"))
STRANGER = (("X-Forwarded-For", "203.0.113.9"),)
HINT = Sent(f"/api/crm/{HOOK}/s3cret", b'{"id": "1001"}', STRANGER)
REQUESTS = {
    "hint": (HINT, 204),
    "hint with another secret": (replace(HINT, path=f"/api/crm/{HOOK}/secret"), 404),
    "hint for nobody": (replace(HINT, path=f"/api/crm/{UUID(int=8)}/s3cret"), 404),
    "hint for no name": (replace(HINT, path="/api/crm/1/s3cret"), 404),
    "hint that is too long": (replace(HINT, body=b"x" * 70_000), 413),
    "hint that cannot be read": (replace(HINT, body=b"\xff{["), 204),
    "policy": (Sent("/integrations/0367/smart-policy", b"", OPERATOR, "GET"), 200),
    "policy for strangers": (Sent("/integrations/0367/smart-policy", b"", STRANGER, "GET"), 403),
    "policy of nobody": (Sent("/integrations/9999/smart-policy", b"", OPERATOR, "GET"), 404),
    "name": (Sent("/customer-name/0367/80291112233", b"", OPERATOR, "GET"), 200),
    "name of nobody's number": (Sent("/customer-name/0367/150", b"", OPERATOR, "GET"), 400),
    "name for strangers": (Sent("/customer-name/0367/80291112233", b"", STRANGER, "GET"), 403),
    "extension": (Sent("/responsible-extension/0367/80291112233", b"", OPERATOR, "GET"), 200),
    "extension of nobody": (Sent("/responsible-extension/9999/80291112233", b"", OPERATOR, "GET"), 404),
    "extension for strangers": (Sent("/responsible-extension/0367/80291112233", b"", STRANGER, "GET"), 403),
    "a CRM's name without a phone": (Sent("/internal/retailcrm/customer-name", b"", OPERATOR, "GET"), 400),
    "a CRM's name for strangers": (Sent("/internal/retailcrm/customer-name", b"", STRANGER, "GET"), 403),
    "a CRM's extension for strangers": (Sent("/internal/retailcrm/responsible-extension", b"", STRANGER, "GET"), 403),
    "clear": (Sent("/cache/clear", b"", OPERATOR), 200),
    "clear for strangers": (Sent("/cache/clear", b"", STRANGER), 403),
}


async def sql(url: str, *statements: str) -> Any:
    connection = await asyncpg.connect(url)
    try:
        for statement in statements[:-1]:
            await connection.execute(statement)
        return await connection.fetchval(statements[-1])
    finally:
        await connection.close()


async def prepare(url: str) -> None:
    connection = await asyncpg.connect(url)
    await load_demo(connection, KEY, 1)
    query = "UPDATE crm_connections SET hook = $1, hook_hash = $2, sealed = $3, key_id = 1 WHERE enterprise_id = 1 AND id = 1"
    sealed = Seal(KEY, 1).close('{"api_key": "s3cret"}', 1, 1)
    await connection.execute(query, HOOK, token_hash(KEY, "s3cret"), sealed)
    await connection.close()


@pytest.fixture
def url(monkeypatch: pytest.MonkeyPatch, database_url: str) -> str:
    """The demo enterprise, whose first connection has credentials and a webhook."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("SMART_REDIRECT_KEY", KEY.decode())
    monkeypatch.setenv("SMART_REDIRECT_OPERATOR_KEY", "operate")
    run(prepare(database_url))
    return database_url


@pytest.fixture
def http(url: str) -> Iterator[HttpHandler]:
    handler = HttpHandler()
    yield handler
    handler.close()


class Vendors:
    """Makes CRMs in memory and keeps what they were made by."""

    def __init__(self) -> None:
        self.crm, self.given = MemoryCrm(), {}
        self.crm.fill(people(5))

    def __call__(self, vendor: str, access: Access) -> PacedCrm:
        self.given = {"vendor": vendor, **access.settings}
        return PacedCrm(self.crm, access.turn)


class Context:
    """What Lambda tells of the time that is left, milliseconds."""

    def __init__(self, left: int = 300_000) -> None:
        self._left = left

    def get_remaining_time_in_millis(self) -> int:
        return self._left


@pytest.fixture
def vendors() -> Vendors:
    return Vendors()


@pytest.fixture
def schedule(url: str, vendors: Vendors) -> Iterator[ScheduleHandler]:
    handler = ScheduleHandler(vendors)
    yield handler
    handler.close()


def ask_local_server(url: str, sent: Sent) -> Answered:
    async def ask() -> Answered:
        async with open_crm(Settings(database_url=url, key=KEY.decode(), operator_key="operate")) as parts:
            return await ask_locally(Starlette(routes=parts.endpoints), sent)

    return asyncio.run(ask())


@pytest.mark.parametrize("name", REQUESTS)
def test_rest_http_and_local_answer_the_same(url: str, http: HttpHandler, name: str) -> None:
    sent, status = REQUESTS[name]
    local = ask_local_server(url, sent)
    assert local.status == status
    assert ask_lambda(http, rest_event(sent)) == local
    assert ask_lambda(http, http_event(sent)) == local


def test_a_webhook_only_marks_and_comes_twice_for_nothing(url: str, http: HttpHandler) -> None:
    for _ in range(3):
        assert ask_lambda(http, rest_event(HINT)).status == 204
    assert run(sql(url, "SELECT array_agg(external_id) FROM crm_dirty")) == ["1001"]
    assert run(sql(url, "SELECT count(*) FROM crm_sync")) == 0


@pytest.mark.parametrize("name", ["hint with another secret", "hint for nobody", "hint that is too long"])
def test_a_refused_webhook_marks_nothing(url: str, http: HttpHandler, name: str) -> None:
    ask_lambda(http, rest_event(REQUESTS[name][0]))
    assert run(sql(url, "SELECT count(*) FROM crm_dirty")) == 0


def test_no_answer_and_no_log_shows_the_secret(http: HttpHandler, caplog: pytest.LogCaptureFixture) -> None:
    bodies = b"".join(ask_lambda(http, rest_event(sent)).body for sent, _ in REQUESTS.values())
    assert b"s3cret" not in bodies
    assert "s3cret" not in caplog.text


def test_the_policy_shows_order_primary_and_algorithms(http: HttpHandler) -> None:
    policy = json.loads(ask_lambda(http, rest_event(REQUESTS["policy"][0])).body)
    assert (policy["mode"], policy["primary"]) == ("routing+name", "RetailCRM")
    assert [each["vendor"] for each in policy["order"]] == ["retailcrm", "bitrix24"]
    assert policy["lines"][0]["algorithms"] == ["crm", "last_call", "first_call"]


def test_clearing_raises_the_epoch_of_the_enterprise_that_is_named(url: str, http: HttpHandler) -> None:
    other = "INSERT INTO enterprises (number, name) VALUES ('0400', 'x')"
    epochs = "SELECT array_agg(cache_epoch ORDER BY enterprise_id) FROM settings_versions"
    run(sql(url, other, epochs))
    event = {**rest_event(REQUESTS["clear"][0]), "multiValueQueryStringParameters": {"enterprise": ["0367"]}}
    assert json.loads(ask_lambda(http, event).body) == {"cleared": 1}
    assert run(sql(url, epochs)) == [1, 0]
    assert ask_lambda(http, {**event, "multiValueQueryStringParameters": {"enterprise": ["1"]}}).status == 404


def test_the_schedule_syncs_what_is_due_with_opened_credentials(
    url: str, schedule: ScheduleHandler, vendors: Vendors
) -> None:
    assert schedule({}, Context()) == {"done": 1}
    assert vendors.given == {"vendor": "retailcrm", "api_key": "s3cret"}
    assert run(sql(url, "SELECT count(*) FROM crm_contacts WHERE connection_id = 1 AND external_id < '1000'")) == 5
    assert schedule({}, Context()) == {}


def test_a_warm_up_is_answered_before_anything_is_synced(url: str, schedule: ScheduleHandler, vendors: Vendors) -> None:
    assert schedule({"warm": True}, Context()) == {"warm": True}
    assert (vendors.crm.calls, run(sql(url, "SELECT count(*) FROM crm_leases"))) == (0, 0)


def test_a_turn_without_time_begins_nothing(schedule: ScheduleHandler, vendors: Vendors) -> None:
    assert schedule({}, Context(30_000)) == {"paused": 1}
    assert vendors.crm.calls == 0


def test_a_walk_that_a_turn_does_not_end_goes_on_in_the_next(
    url: str, schedule: ScheduleHandler, vendors: Vendors
) -> None:
    class Running(Context):
        def get_remaining_time_in_millis(self) -> int:
            return 300_000 if vendors.crm.calls < 2 else 0

    assert schedule({}, Running()) == {"paused": 1}
    assert schedule({}, Context()) == {"done": 1}


def test_a_walk_keeps_its_environment_for_less_than_a_minute(url: str, vendors: Vendors) -> None:
    schedule = ScheduleHandler(vendors, clock=lambda: 0.0 if vendors.crm.calls < 2 else 50.0)
    assert schedule({"run": "cache-warm"}, Context()) == {"paused": 1}
    schedule.close()


def test_a_schedule_that_asks_for_something_else_hears_of_it(schedule: ScheduleHandler, vendors: Vendors) -> None:
    with pytest.raises(ValueError, match="'cache-worm'"):
        schedule({"run": "cache-worm"}, Context())
    assert vendors.crm.calls == 0


def test_the_function_exports_both_handlers() -> None:
    assert (type(function.handler.handler), type(function.http_handler.handler)) == (ScheduleHandler, HttpHandler)
