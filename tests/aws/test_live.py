"""The call path that asks CRMs, built with the layer of all packages, under Lambda's runtime client."""

import asyncio
import json
from pathlib import Path

from smart_redirect.local.application import CALL_PATH
from smart_redirect.local.demo import DEMO_TOKEN
from tests.aws.bundle import Bundle
from tests.aws.conftest import KEY
from tests.aws.emulator import Emulator
from tests.aws.test_call_path import asked
from tests.fakes.crm.retailcrm import RetailCrm
from tests.fakes.crm.server import serving_beside, write_authority
from tests.fakes.crm.vendor import Customer
from tests.fakes.secrets_extension import FakeExtension
from tests.faults.test_crm import STRANGER, prepare
from tests.parity import Sent, rest_event

QUESTION = {"UniqueId": "1.1", "Phone": STRANGER, "TrunkId": "0001363", "LoadDialPlan": "true"}
STRANGER_ASKS = rest_event(Sent(CALL_PATH, json.dumps(QUESTION).encode(), (("Token", DEMO_TOKEN),)))


def test_a_caller_whom_the_mirror_lacks_is_named_by_the_crm(
    bundle: Bundle, demo_url: str, extension: FakeExtension, variables: dict[str, str], tmp_path: Path
) -> None:
    extension.put("database", DATABASE_URL=demo_url)
    vendor = RetailCrm()
    vendor.add(Customer("Орлова", "Вера", ("+375447654321",), "17"))
    live = {"SMART_REDIRECT_CRM_LIVE": "true", "SMART_REDIRECT_CRM_PRIVATE_NETWORKS": "127.0.0.0/8,::1/128"}
    live["SMART_REDIRECT_CRM_CA_FILE"] = write_authority(tmp_path)
    function = bundle.function("GetCustomerDataFunction", {"CallPathIsLive"})
    with serving_beside(vendor.fake) as port, Emulator(function, {**variables, **live}) as emulator:
        asyncio.run(prepare(demo_url, f"https://localhost:{port}", KEY))
        assert "Орлова Вера" in asked(emulator, STRANGER_ASKS).body.decode()
