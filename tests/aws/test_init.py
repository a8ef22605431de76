"""Lambda's init phase opens what a call needs, loads nothing else, and fails no call when it cannot."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.aws.bundle import Bundle
from tests.aws.conftest import BUDGET, KEY, in_its_own_budget, slowest
from tests.aws.emulator import Emulator
from tests.aws.test_call_path import GOOD, KNOWN, asked
from tests.fakes.secrets_extension import FakeExtension
from tests.fakes.secrets_manager import FakeSecretsManager
from tests.parity import rest_event

DEAR = {
    "boto3",
    "botocore",
    "jinja2",
    "httpx",
    "pydantic",
    "starlette",
    "phonenumbers",
    "aws_lambda_powertools",
    "email",
}
WARM_UP = json.loads(Path("tests/events/warm_up.json").read_text(encoding="utf-8"))
Probe = Callable[..., Any]


@pytest.fixture
def manager(demo_url: str) -> Iterator[FakeSecretsManager]:
    """Secrets Manager itself, which alone answers in the init phase and after a restore."""
    with FakeSecretsManager() as manager:
        manager.put("database", DATABASE_URL=demo_url)
        manager.put("key", SMART_REDIRECT_KEY=KEY)
        yield manager


@pytest.fixture
def probe(
    bundle: Bundle, extension: FakeExtension, variables: dict[str, str], manager: FakeSecretsManager, tmp_path: Path
) -> Iterator[Probe]:
    """Ask a function of probe.py, in an environment of its own whose init phase has not ended for the extension."""
    extension.is_initialising = True
    function = bundle.function("GetCustomerDataFunction")
    for each in (*function.code.iterdir(), Path(__file__).with_name("probe.py")):
        (tmp_path / each.name).symlink_to(each)
    with ExitStack() as stack:

        def ask(name: str, given: dict[str, str] | None = None) -> Any:
            environment = {**variables, **(given or manager.variables())}
            emulator = Emulator(replace(function, code=tmp_path), environment, handler=f"probe.{name}")
            return stack.enter_context(emulator).invoke(rest_event(GOOD))

        yield ask


def test_after_its_first_reply_the_call_path_has_loaded_nothing_dear(probe: Probe) -> None:
    loaded = probe("loaded")
    assert {name.split(".")[0] for name in loaded} & DEAR == set()
    assert len(loaded) < 290


def test_the_connection_is_opened_before_the_first_call(probe: Probe) -> None:
    assert probe("initialised") == 1


def test_the_first_call_waits_for_no_secret_though_the_extension_gave_none_in_the_init_phase(
    bundle: Bundle, extension: FakeExtension, variables: dict[str, str], manager: FakeSecretsManager
) -> None:
    extension.is_initialising, manager.delay = True, 0.3
    given = {**in_its_own_budget(variables), **manager.variables()}
    with Emulator(bundle.function("GetCustomerDataFunction"), given) as emulator:
        assert asked(emulator, rest_event(GOOD)).body == KNOWN
        assert slowest(emulator) < BUDGET / 2


def test_a_snapshot_holds_no_connection_and_a_restored_one_has_its_own(
    probe: Probe, variables: dict[str, str], manager: FakeSecretsManager
) -> None:
    del variables["AWS_SESSION_TOKEN"]
    assert probe("restored", manager.variables_of_a_restored_function()) == [0, 1]


def test_a_warm_up_event_says_whether_everything_is_open(call_path: Emulator, extension: FakeExtension) -> None:
    extension.is_initialising = True
    assert call_path.invoke(WARM_UP) == {"warm": False}
    extension.is_initialising = False
    assert call_path.invoke(WARM_UP) == {"warm": True}
    assert asked(call_path, rest_event(GOOD)).body == KNOWN


@pytest.mark.parametrize("broken", ["SMART_REDIRECT_BUDGET_MS", "SMART_REDIRECT_POOL_SIZE"])
def test_a_setting_that_cannot_be_used_is_an_answer_and_no_crash(
    bundle: Bundle, variables: dict[str, str], broken: str
) -> None:
    with Emulator(bundle.function("GetCustomerDataFunction"), {**variables, broken: "soon"}) as emulator:
        assert asked(emulator, rest_event(GOOD)).status in {500, 503}


def test_a_round_of_cache_warm_loads_the_settings_before_any_call(call_path: Emulator) -> None:
    event = {"warm": True, "hold_ms": 1, "enterprises": [1]}
    first, second = call_path.invoke(event), call_path.invoke(event)
    assert (first["warm"], first["cold"], first["snapshots"]) == (True, True, 1)
    assert second == {**first, "cold": False}
