"""The call path's function asks a CRM itself, where the deployment wants it, and leaves nothing running behind a reply."""

import asyncio
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pytest

from smart_redirect.bootstrap.getcustomerdata import CallPathHandler
from smart_redirect.local.application import CALL_PATH
from smart_redirect.local.demo import DEMO_TOKEN
from tests.fakes.crm.retailcrm import RetailCrm
from tests.fakes.crm.server import hang, serving_beside, write_authority
from tests.fakes.crm.vendor import Customer
from tests.faults.test_crm import BUDGET_MS, KEY, STRANGER, prepare
from tests.parity import Sent, ask_lambda, rest_event

BY_THE_CRM, BY_HISTORY = "mngr31_0001363_1", "mngr37_0001363_1"


@dataclass
class Environment:
    """One environment of the function, its database and the fake."""

    handler: CallPathHandler
    url: str
    vendor: RetailCrm

    def ask(self, phone: str = STRANGER) -> dict[str, object]:
        body = {"UniqueId": "1.1", "Phone": phone, "TrunkId": "0001363", "LoadDialPlan": "true"}
        sent = Sent(CALL_PATH, json.dumps(body).encode(), (("Token", DEMO_TOKEN),))
        reply: dict[str, object] = json.loads(ask_lambda(self.handler, rest_event(sent)).body)
        return reply

    def count(self, query: str) -> int:
        async def count() -> int:
            connection = await asyncpg.connect(self.url)
            found = await connection.fetchval(query)
            await connection.close()
            return int(found)

        return asyncio.run(count())


@pytest.fixture
def environment(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Environment]:
    vendor = RetailCrm()
    vendor.add_manager("17", "Иванова", "Анна", "150")
    vendor.add(Customer("Орлова", "Вера", ("+375447654321",), "17"))
    with serving_beside(vendor.fake) as port:
        asyncio.run(prepare(database_url, f"https://localhost:{port}"))
        variables = {
            "DATABASE_URL": database_url,
            "SMART_REDIRECT_KEY": KEY,
            "SMART_REDIRECT_POOL_SIZE": "1",
            "SMART_REDIRECT_CRM_LIVE": "true",
            "SMART_REDIRECT_CRM_PRIVATE_NETWORKS": "127.0.0.0/8,::1/128",
            "SMART_REDIRECT_CRM_CA_FILE": write_authority(tmp_path),
        }
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        handler = CallPathHandler()
        assert handler.prepare()
        yield Environment(handler, database_url, vendor)
        handler.runtime.close()
    assert vendor.fake.refusals == []


def test_a_caller_whom_the_mirror_lacks_is_named_and_routed_by_the_crm(environment: Environment) -> None:
    reply = environment.ask()
    assert ("Орлова Вера" in str(reply["Name"]), reply["DialPlan"]) == (True, BY_THE_CRM)


def test_what_was_found_is_written_before_the_environment_may_be_frozen(environment: Environment) -> None:
    environment.ask()
    assert environment.count("SELECT count(*) FROM crm_contacts WHERE phone = '+375447654321'") == 1
    assert not [task for task in asyncio.all_tasks(environment.handler.runtime.loop()) if not task.done()]


def test_a_look_up_has_one_connection_more_than_a_call(environment: Environment) -> None:
    environment.ask()
    query = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    assert environment.count(query) == 2


def test_a_crm_that_hangs_costs_no_call_its_time_and_leaves_nothing_running(environment: Environment) -> None:
    environment.vendor.fake.misdeeds += [hang] * 10
    for _ in range(6):
        began = time.monotonic()
        assert environment.ask()["DialPlan"] == BY_HISTORY
        assert time.monotonic() - began < 3 * BUDGET_MS / 1000
        assert not [task for task in asyncio.all_tasks(environment.handler.runtime.loop()) if not task.done()]
    assert len(environment.vendor.fake.seen) <= 3


def test_without_the_setting_no_crm_is_asked(environment: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    environment.handler.runtime.close()
    monkeypatch.setenv("SMART_REDIRECT_CRM_LIVE", "false")
    assert environment.ask()["DialPlan"] == BY_HISTORY
    assert environment.vendor.fake.seen == []
