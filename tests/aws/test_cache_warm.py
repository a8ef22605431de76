"""The functions of the CRM mirrors, built and under Lambda's runtime client."""

import json
from pathlib import Path

from tests.aws.bundle import Bundle
from tests.aws.emulator import Emulator
from tests.aws.test_call_path import asked
from tests.aws.test_dialplan import OPERATOR_KEY, given
from tests.parity import Sent, rest_event

__all__ = ["given"]
RUN = json.loads(Path("tests/events/cache_warm.json").read_text(encoding="utf-8"))
POLICY = Sent("/integrations/0367/smart-policy", b"", (("Authorization", f"Bearer {OPERATOR_KEY}"),), "GET")


def test_the_schedule_is_taken_and_a_warm_up_opens_what_it_needs(bundle: Bundle, given: dict[str, str]) -> None:
    with Emulator(bundle.function("CacheWarmFunction"), given) as emulator:
        assert emulator.invoke({"warm": True}) == {"warm": True}
        assert "errorMessage" not in emulator.invoke(RUN)


def test_the_operator_sees_the_policy_and_nobody_else(bundle: Bundle, given: dict[str, str]) -> None:
    with Emulator(bundle.function("CacheWarmHttpFunction"), given) as emulator:
        assert asked(emulator, rest_event(POLICY)).status == 200
        stranger = Sent(POLICY.path, b"", (("X-Forwarded-For", "203.0.113.9"),), "GET")
        assert (
            asked(
                emulator, {**rest_event(stranger), "requestContext": {"identity": {"sourceIp": "203.0.113.9"}}}
            ).status
            == 403
        )
