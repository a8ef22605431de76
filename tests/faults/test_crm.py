"""The call path while a CRM hangs, answers garbage, refuses or cannot be found: in time, right, and not paid for twice."""

import asyncio
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from starlette.requests import Request
from starlette.responses import Response

from smart_redirect.adapters.sealed import Seal
from smart_redirect.local.demo import load_demo
from smart_redirect.local.embedded import free_port
from tests.fakes.crm.retailcrm import KEY as API_KEY
from tests.fakes.crm.retailcrm import RetailCrm
from tests.fakes.crm.server import (
    Misdeed,
    bomb,
    broken_json,
    cut,
    fail,
    hang,
    html,
    other_json,
    redirect,
    serving_beside,
    too_much,
    write_authority,
)  # fmt: skip
from tests.fakes.crm.vendor import Customer
from tests.local.served import Served, served

KEY = "k" * 32
KNOWN, STRANGER = "80291112233", "80447654321"
BUDGET_MS = 300.0
HISTORY = """
    INSERT INTO caller_history (enterprise_id, phone, first_call, first_answered_at, first_extension, first_internal_id,
        first_user_id, last_call, last_answered_at, last_extension, last_internal_id, last_user_id)
    SELECT 1, '+37544' || n, 'a', now(), number, id, user_id, 'b', now(), number, id, user_id
    FROM generate_series(7654321, 7654340) AS n, user_internal_phones WHERE enterprise_id = 1 AND id = 37"""
TROUBLES: dict[str, Misdeed | str] = {
    "hangs": hang,
    "answers a page": html,
    "answers broken JSON": broken_json,
    "answers other JSON": other_json,
    "answers 500": fail,
    "cuts its answer": cut,
    "redirects": redirect,
    "answers 3 MB": too_much,
    "answers a bomb": bomb,
    "is over its limit": RetailCrm().limited,
    "refuses connections": "https://localhost:{closed}",
    "has no address": "https://no-such-name.invalid",
}


@dataclass
class Office:
    """The demo enterprise on the real server, and its live connection to the fake."""

    server: Served
    vendor: RetailCrm
    can_be_reached: bool

    def ask(self, phone: str) -> tuple[dict[str, Any], float]:
        """Ask as a host does; return the reply and the seconds that it took."""
        body = {"UniqueId": "1.1", "Phone": phone, "TrunkId": "0001363", "LoadDialPlan": "true"}
        began = time.monotonic()
        reply = self.server.ask(json.dumps(body)).json()
        return reply, time.monotonic() - began

    def recorded(self, count: int) -> list[float]:
        """Return the server's own times of the last decisions in ms; the first of all was asked to see whether it runs."""
        log, patience = self.server.log_dir / "smart_decisions.log", time.monotonic() + 10
        while time.monotonic() < patience:
            lines = log.read_text(encoding="utf-8").splitlines() if log.exists() else []
            if len(lines) > count:
                break
            time.sleep(0.05)
        return [json.loads(line)["ms"]["total"] for line in lines[1:]]


async def prepare(url: str, address: str, key: str = KEY) -> None:
    """Do it before the server starts: its first round of syncs would take a connection that is due."""
    connection = await asyncpg.connect(url)
    await load_demo(connection, key.encode(), 1)
    await connection.execute(HISTORY)
    sealed = Seal(key.encode(), 1).close(json.dumps({"api_key": API_KEY}), 1, 1)
    await connection.execute("UPDATE lines SET algorithms = '{crm}', crm_falls_back = true")
    settings = json.dumps({"url": address, "live": True, "sync_seconds": 3600})
    # Its mirror is not synced in between: the trouble is for the look-ups alone.
    query = "UPDATE crm_connections SET vendor = 'retailcrm', settings = $1, sealed = $2, key_id = 1 WHERE id = 1"
    await connection.execute(query, settings, sealed)
    await connection.execute("UPDATE crm_connections SET enabled = false WHERE id <> 1")
    await connection.execute(
        "INSERT INTO crm_sync (enterprise_id, connection_id, walked_at, synced_at, swept_at, managers_at, next_at)"
        " VALUES (1, 1, now(), now(), now(), now(), now() + interval '1 day') ON CONFLICT DO NOTHING"
    )
    await connection.close()


@pytest.fixture
def office(request: pytest.FixtureRequest, database_url: str, tmp_path: Path) -> Iterator[Office]:
    vendor = RetailCrm()
    vendor.add_manager("17", "Иванова", "Анна", "150")
    vendor.add(Customer("Орлова", "Вера", ("+375447654321",), "17"))
    variables = {
        "DATABASE_URL": database_url,
        "SMART_REDIRECT_KEY": KEY,
        "SMART_REDIRECT_CRM_PRIVATE_NETWORKS": "127.0.0.0/8,::1/128",
        "SMART_REDIRECT_CRM_CA_FILE": write_authority(tmp_path),
    }
    trouble = TROUBLES.get(request.param, "https://localhost:{port}")
    with serving_beside(vendor.fake) as port:
        address = trouble if isinstance(trouble, str) else "https://localhost:{port}"
        asyncio.run(prepare(database_url, address.format(port=port, closed=free_port())))
        if not isinstance(trouble, str):
            vendor.fake.misdeeds += [trouble] * 100
        with served(tmp_path, **variables) as server:
            yield Office(server, vendor, can_be_reached=not isinstance(trouble, str))
    assert vendor.fake.refusals == []


@pytest.mark.parametrize("office", ["works"], indirect=True)
def test_a_crm_that_works_names_and_routes_a_caller_whom_the_mirror_lacks(office: Office) -> None:
    reply, _ = office.ask(STRANGER)
    assert ("Орлова Вера" in reply["Name"], reply["DialPlan"]) == (True, "mngr31_0001363_1")


@pytest.mark.parametrize("office", ["works"], indirect=True)
def test_a_crm_that_takes_longer_than_a_call_waits_serves_the_caller_s_next_call(office: Office) -> None:
    async def slow(_: Request) -> Response:
        await asyncio.sleep(0.4)
        return Response(b'{"success": true}', media_type="application/json")

    office.vendor.fake.misdeeds.append(slow)
    assert office.ask(STRANGER)[0]["DialPlan"] == "mngr37_0001363_1"
    time.sleep(0.8)
    assert office.ask(STRANGER)[0]["DialPlan"] == "mngr31_0001363_1"
    assert max(office.recorded(2)) < BUDGET_MS


@pytest.mark.parametrize("office", list(TROUBLES), indirect=True)
def test_whom_the_mirror_knows_is_named_and_routed_whatever_the_crm_does(office: Office) -> None:
    reply, seconds = office.ask(KNOWN)
    assert ("Петрова Ольга" in reply["Name"], reply["DialPlan"]) == (True, "mngr31_0001363_1")
    assert seconds < 3 * BUDGET_MS / 1000
    assert max(office.recorded(1)) < BUDGET_MS
    assert office.vendor.fake.seen == []


@pytest.mark.parametrize("office", list(TROUBLES), indirect=True)
def test_whom_it_lacks_goes_to_his_last_colleague_in_time_and_later_calls_do_not_pay(office: Office) -> None:
    for number in range(20):
        reply, seconds = office.ask(f"8044{7654321 + number}")
        assert reply["DialPlan"] == "mngr37_0001363_1"
        assert seconds < 3 * BUDGET_MS / 1000
    decided = office.recorded(20)
    assert (len(decided), max(decided) < BUDGET_MS) == (20, True)
    # The breaker: after the third failure in a row, and at once after a limit, nobody asks.
    assert int(office.can_be_reached) <= len(office.vendor.fake.seen) <= 6
