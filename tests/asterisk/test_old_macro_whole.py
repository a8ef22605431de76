"""The old macro on a real Asterisk asks the real service: whatever a name does to the request, no call is lost."""

import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from smart_redirect.local.demo import DEMO_TOKEN
from tests.asterisk.conftest import MACRO_16
from tests.asterisk.host import LINE, TOKEN, Host
from tests.asterisk.scenario import Caller
from tests.asterisk.sip import wait_until
from tests.asterisk.test_old_macro import outcome
from tests.asterisk.test_survival import STRANGE_NAMES
from tests.local.served import served

OLD = (Path(__file__).parent / "old_macro.conf").read_text()
CONTEXT, SHOP = "mngr31_0001363_1", "Салон на Немиге"
CUSTOMER, STRANGER, NOTHING = (f"Петрова Ольга | {SHOP}", CONTEXT), (SHOP, "line"), ("", "line")


@dataclass(frozen=True, slots=True)
class Old:
    """A host with the old macro, beside the service with its demo data and the log of its decisions."""

    host: Host
    log: Path

    def call(self, display: bytes) -> tuple[str, str]:
        """Return the name and the place that a caller with this display name gets; the service must have been asked."""
        spool, before = self.host.path / "events", len(self.records())
        for file in spool.glob(f"{LINE}.*"):
            file.unlink()
        self.host.reset()
        self.host.call(Caller(LINE, display, hangs_up_ms=1000))
        wait_until((spool / f"{LINE}.ended").exists, 10, "the end of the call")
        wait_until(lambda: len(self.records()) == before + 1, 5, "the record of the call")
        return outcome(spool, LINE)

    def records(self) -> list[dict[str, Any]]:
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        return [json.loads(line) for line in lines]


def start(address: str, sipp: Path, token: str) -> Host:
    return Host(*MACRO_16, sipp=sipp, api_url=address, token=token, extra={"extensions.conf": OLD}).start()


@pytest.fixture(scope="module", params=[DEMO_TOKEN])
def old(request: pytest.FixtureRequest, memory_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Old]:
    folder = memory_dir / secrets.token_hex(4)
    folder.mkdir(mode=0o755)
    with served(folder) as server:
        host = start(server.address, tmp_path_factory.mktemp("sipp"), request.param)
        yield Old(host, server.log_dir / "smart_decisions.log")
        host.stop()


@pytest.mark.parametrize("display", [b'"+375 29 111-22-33" ', b'"80291112233" ', b'"375291112233" '])
def test_a_known_caller_gets_name_and_route(old: Old, display: bytes) -> None:
    assert old.call(display) == CUSTOMER


@pytest.mark.parametrize("display", STRANGE_NAMES)
def test_a_strange_name_costs_the_identity_and_not_the_call(old: Old, display: bytes) -> None:
    assert old.call(display) in {STRANGER, NOTHING}
    assert old.records()[-1]["reason"] in {"no_caller_identity", "line_unknown"}
    assert not (old.host.root / "tmp/x").exists()


@pytest.mark.parametrize(
    ("display", "expected"),
    [
        (b"", STRANGER),
        (b'"anonymous" ', STRANGER),
        (b'"80298765432" ', STRANGER),
        (b'"80291112233\\"}" ', STRANGER),
        (b'"A&B=C?d#e" ', STRANGER),
        (b'"${CURL(http://127.0.0.1:9/)}" ', STRANGER),
        (b'"80291112233, Ivan" ', NOTHING),
        (b'"80291112233,0001363" ', CUSTOMER),
        (b'"1\\",\\"Phone\\":\\"80291112233" ', NOTHING),
        (b'"1\\",\\"TrunkId\\":\\"0001366" ', NOTHING),
        (b'"1\\",\\"Token\\":\\"sesame" ', NOTHING),
        ("\"Иванов 'Ваня' (Минск)\" ".encode(), STRANGER),
    ],
)
def test_what_a_name_pastes_into_the_request_is_answered_rightly(
    old: Old, display: bytes, expected: tuple[str, str]
) -> None:
    assert old.call(display) == expected


@pytest.mark.parametrize("old", [TOKEN], indirect=True)
def test_with_a_token_of_nobody_the_call_goes_on_and_the_record_says_why(old: Old) -> None:
    assert old.call(b'"80291112233" ') == NOTHING
    record = old.records()[-1]
    assert (record["reason"], record["sources"]["address"], record["line"]) == ("TokenUnknown", "127.0.0.1", LINE)
