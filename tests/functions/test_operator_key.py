"""The operator's key in a running function: a new one opens at once, a replaced one is dead within minutes."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from smart_redirect.bootstrap.cache_warm import HttpHandler
from tests.fakes.secrets_extension import TOKEN, FakeExtension
from tests.fakes.secrets_manager import FakeSecretsManager
from tests.functions.test_cache_warm import HINT, url
from tests.parity import Sent, ask_lambda, rest_event

__all__ = ["url"]


@dataclass
class Function:
    """A function that knows the key, at a time that stands still; `now` in seconds."""

    manager: FakeSecretsManager
    extension: FakeExtension
    now: float = 0.0

    def __post_init__(self) -> None:
        self.handler = HttpHandler(clock=lambda: self.now)

    def ask(self, key: str) -> int:
        headers = (("Authorization", f"Bearer {key}"), ("X-Forwarded-For", "203.0.113.9"))
        return ask_lambda(self.handler, rest_event(Sent("/integrations/0367/smart-policy", b"", headers, "GET"))).status

    def rotate(self, key: str) -> None:
        """Change the key; the extension goes on giving what it has kept."""
        self.manager.put("operator", SMART_REDIRECT_OPERATOR_KEY=key)


@pytest.fixture
def function(url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Function]:
    with FakeSecretsManager() as manager, FakeExtension() as extension:
        extension.put("operator", SMART_REDIRECT_OPERATOR_KEY="old")
        manager.put("operator", SMART_REDIRECT_OPERATOR_KEY="old")
        port = {"PARAMETERS_SECRETS_EXTENSION_HTTP_PORT": str(extension.port), "AWS_SESSION_TOKEN": TOKEN}
        for name, value in {**manager.variables(), **port, "SMART_REDIRECT_SECRETS": "operator"}.items():
            monkeypatch.setenv(name, value)
        function = Function(manager, extension)
        assert function.ask("old") == 200
        yield function
        function.handler.close()


def test_a_new_key_opens_a_minute_after_the_last_reading(function: Function) -> None:
    function.rotate("new")
    assert function.ask("new") == 403
    function.now = 61
    assert (function.ask("new"), function.ask("old")) == (200, 403)


def test_an_old_key_is_dead_after_five_minutes_though_nobody_used_the_new_one(function: Function) -> None:
    function.rotate("new")
    function.now = 299
    assert function.ask("old") == 200
    function.now = 300
    assert (function.ask("old"), function.ask("new")) == (403, 200)


def test_wrong_keys_cost_one_reading_a_minute(function: Function) -> None:
    function.now = 61
    assert {function.ask(f"guess {number}") for number in range(20)} == {403}
    assert function.manager.asked == ["operator"]


def test_while_nobody_gives_the_secret_no_key_opens_and_hosts_and_webhooks_are_served(function: Function) -> None:
    function.manager.put_text("operator", "no JSON")
    function.extension.is_initialising = True
    function.now = 300
    assert (function.ask("old"), ask_lambda(function.handler, rest_event(HINT)).status) == (403, 204)
    function.rotate("old")
    function.now = 361
    assert function.ask("old") == 200


def test_a_request_without_a_key_asks_for_no_secret(function: Function) -> None:
    function.now = 3600
    assert ask_lambda(function.handler, rest_event(HINT)).status == 204
    assert function.manager.asked == []
