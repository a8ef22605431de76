"""What a call path has to open first is inside a call's budget and its metric, and what was begun is not begun again."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from smart_redirect.bootstrap.getcustomerdata import CallPathHandler
from smart_redirect.domain.reply import NOTHING
from smart_redirect.settings import Settings
from tests.fakes.secrets_extension import TOKEN, FakeExtension
from tests.fakes.secrets_manager import FakeSecretsManager
from tests.functions.test_getcustomerdata import GOOD, KEY, KNOWN, settings
from tests.parity import Answered, ask_lambda, rest_event

__all__ = ["settings"]
# That of the deployment (template.yaml), in which the answer must be there; twice of it for a busy machine.
BUDGET = 0.22
READS = 2


@dataclass
class Environment:
    """One environment of the function, whose secrets come from the extension, or from Secrets Manager itself."""

    handler: CallPathHandler
    extension: FakeExtension
    manager: FakeSecretsManager

    def ask(self) -> tuple[Answered, float]:
        """Return the answer and the seconds that it took."""
        began = time.monotonic()
        answered = ask_lambda(self.handler, rest_event(GOOD))
        return answered, time.monotonic() - began


@pytest.fixture
def manager(settings: Settings) -> Iterator[FakeSecretsManager]:
    with FakeSecretsManager() as manager:
        manager.put("database", DATABASE_URL=settings.database_url)
        manager.put("key", SMART_REDIRECT_KEY=KEY)
        yield manager


@pytest.fixture
def environment(
    settings: Settings, manager: FakeSecretsManager, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Environment]:
    with FakeExtension() as extension:
        extension.put("database", DATABASE_URL=settings.database_url)
        extension.put("key", SMART_REDIRECT_KEY=KEY)
        port = {"PARAMETERS_SECRETS_EXTENSION_HTTP_PORT": str(extension.port), "AWS_SESSION_TOKEN": TOKEN}
        ours = {"SMART_REDIRECT_SECRETS": "database,key", "SMART_REDIRECT_BUDGET_MS": str(int(BUDGET * 1000))}
        for name, value in {**manager.variables(), **port, **ours}.items():
            monkeypatch.setenv(name, value)
        handler = CallPathHandler()
        yield Environment(handler, extension, manager)
        handler.runtime.close()


def milliseconds(capsys: pytest.CaptureFixture[str]) -> list[float]:
    lines: list[dict[str, Any]] = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    return [line["CallMilliseconds"] for line in lines if "CallMilliseconds" in line]


def test_in_the_init_phase_the_extension_refuses_and_everything_is_opened_all_the_same(
    environment: Environment,
) -> None:
    environment.extension.is_initialising = True
    assert environment.handler.prepare()
    assert environment.handler.runtime.application.connections() == 1
    environment.extension.is_initialising = False
    assert environment.ask()[0] == Answered(200, KNOWN)
    assert sorted(environment.extension.asked) == sorted(environment.manager.asked) == ["database", "key"]


def test_an_environment_that_was_restored_without_a_session_token_answers(
    environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment.extension.has_session = False
    for name in ("AWS_SESSION_TOKEN", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    for name, value in environment.manager.variables_of_a_restored_function().items():
        monkeypatch.setenv(name, value)
    assert environment.handler.prepare()
    assert environment.ask()[0] == Answered(200, KNOWN)


def test_the_metric_of_a_call_that_opens_everything_has_the_time_for_that_in_it(
    environment: Environment, capsys: pytest.CaptureFixture[str]
) -> None:
    environment.extension.delay = 0.1
    answered, took = environment.ask()
    assert answered == Answered(200, KNOWN)
    [measured] = milliseconds(capsys)
    assert 100 < measured <= took * 1000 < measured + 50


def test_an_opening_that_takes_longer_than_the_budget_costs_the_budget_and_goes_on(environment: Environment) -> None:
    environment.extension.delay = 0.35
    answered, took = environment.ask()
    assert answered == Answered(503, NOTHING)
    assert took < 2 * BUDGET
    assert environment.ask()[0] == Answered(200, KNOWN)
    assert len(environment.extension.asked) == READS


def test_a_call_that_got_nothing_is_measured_and_counted(
    environment: Environment, capsys: pytest.CaptureFixture[str]
) -> None:
    environment.extension.delay = 0.35
    environment.ask()
    [line] = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert (line["reason"], line["Refused"], line["CallMilliseconds"] > 200) == ("NotOpened", 1, True)


def test_an_opening_that_failed_is_tried_again_by_the_next_call(environment: Environment) -> None:
    environment.extension.is_initialising = True
    environment.manager.put_text("key", "no JSON")
    assert environment.ask()[0] == Answered(503, NOTHING)
    environment.extension.is_initialising = False
    assert environment.ask()[0] == Answered(200, KNOWN)


def test_an_opening_that_died_while_the_environment_slept_is_begun_anew_by_the_call_that_finds_it(
    environment: Environment,
) -> None:
    environment.extension.delay = environment.manager.delay = 0.45
    assert environment.ask()[0].status == 503
    environment.extension.delay = environment.manager.delay = 0.0
    # Longer than all secrets together may take: as if frozen, the loop stands still.
    time.sleep(1.6)
    assert environment.ask()[0] == Answered(200, KNOWN)


def test_a_schedule_that_asks_for_something_else_hears_of_it(environment: Environment) -> None:
    with pytest.raises(ValueError, match="'warm'"):
        environment.handler({"run": "warm"}, None)
