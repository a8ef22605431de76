"""A customer's manager in the CRM decides whose phone rings: RetailCRM's fake, the mirror, a real Asterisk, sipp."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.asterisk.conftest import GOSUB_22, MACRO_16
from tests.asterisk.scenario import answering_phone
from tests.asterisk.sip import wait_until
from tests.asterisk.site import OFFICE, Site, running_site
from tests.fakes.crm.retailcrm import KEY, MODULE, RetailCrm
from tests.fakes.crm.server import fail, hang, serving_beside, write_authority
from tests.fakes.crm.vendor import Customer

CALLER = "375447654321"
CONNECTION = ("--connection", "Магазин")


@dataclass
class Shop:
    """The demo enterprise whose first connection is an account of RetailCRM."""

    site: Site
    vendor: RetailCrm
    customer: str

    def give_to(self, manager: str) -> None:
        self.vendor.edit(self.customer, Customer("Орлова", "Вера", (f"+{CALLER}",), manager))

    def rings(self, extension: str) -> str:
        """Place the customer's call; return the INVITE that reached the phone."""
        phone = self.site.host.phone(extension, answering_phone(100))
        self.site.call(CALLER)
        return phone.wait_for("INVITE").text


@pytest.fixture(params=[MACRO_16, GOSUB_22], ids=["16", "22"])
def shop(request: pytest.FixtureRequest, memory_dir: Path, tmp_path: Path) -> Iterator[Shop]:
    vendor = RetailCrm()
    vendor.add_manager("17", "Иванова", "Анна", "150")
    vendor.add_manager("18", "Сидоров", "Пётр", "152")
    variables = {
        "SMART_REDIRECT_CRM_PRIVATE_NETWORKS": "127.0.0.0/8,::1/128",
        "SMART_REDIRECT_CRM_CA_FILE": write_authority(tmp_path),
    }
    with serving_beside(vendor.fake) as port, running_site(request.param, memory_dir, tmp_path, **variables) as site:
        credentials = tmp_path / "credentials.json"
        credentials.write_text(json.dumps({"api_key": KEY}))
        site.sql("UPDATE lines SET algorithms = '{crm}'; DELETE FROM crm_connections")
        settings = ("--set", f"url=https://localhost:{port}", "--set", f"module={MODULE}", "--set", "sync_seconds=1")
        named = ("--vendor", "retailcrm", "--name", CONNECTION[1], "--credentials", str(credentials))
        added = site.run("crm", "add", *OFFICE, *named, *settings)
        assert added.returncode == 0, added.stderr
        customer = vendor.add(Customer("Орлова", "Вера", (f"+{CALLER}",), "17"))
        yield Shop(site, vendor, customer)
    assert vendor.fake.refusals == []


def mirrored(shop: Shop, context: str) -> None:
    question = json.dumps({"UniqueId": "1.1", "Phone": CALLER, "TrunkId": "0001363", "LoadDialPlan": "true"})
    wait_until(lambda: context in shop.site.server.ask(question).text, 15, f"an answer with {context}")


def test_the_next_call_after_a_sync_rings_the_new_manager(shop: Shop) -> None:
    mirrored(shop, "mngr31_0001363_1")
    assert "Орлова Вера" in shop.rings("150")
    shop.give_to("18")
    mirrored(shop, "mngr32_0001363_1")
    assert "Орлова Вера" in shop.rings("152")


def test_while_the_crm_hangs_or_fails_calls_ring_whom_the_mirror_knows(shop: Shop) -> None:
    mirrored(shop, "mngr31_0001363_1")
    shop.vendor.fake.misdeeds += [hang, fail] * 50
    assert "Орлова Вера" in shop.rings("150")
