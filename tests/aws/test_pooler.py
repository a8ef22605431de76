"""Behind a transaction pooler, which gives each statement to another session: right with the template's settings."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from smart_redirect.domain.reply import NOTHING
from tests.aws.bundle import Bundle
from tests.aws.conftest import BUDGET, in_its_own_budget, slowest
from tests.aws.emulator import Emulator
from tests.aws.test_call_path import GOOD, KNOWN, asked
from tests.fakes.pooler import PGBOUNCER, Pooler
from tests.fakes.secrets_extension import FakeExtension
from tests.parity import Answered, rest_event

pytestmark = pytest.mark.skipif(PGBOUNCER is None, reason="needs pgbouncer: sudo apt-get install pgbouncer")

Start = Callable[..., list[Emulator]]


@pytest.fixture
def start(bundle: Bundle, demo_url: str, extension: FakeExtension, variables: dict[str, str]) -> Iterator[Start]:
    """Start two environments of the call path behind a pooler."""
    with ExitStack() as stack:

        def start(**given: str) -> list[Emulator]:
            pooler = stack.enter_context(Pooler(demo_url, sessions=2))
            extension.put("database", DATABASE_URL=pooler.url)
            function = bundle.function("GetCustomerDataFunction")
            return [
                stack.enter_context(Emulator(function, {**in_its_own_budget(variables), **given})) for _ in range(2)
            ]

        yield start


def answers(environments: list[Emulator], rounds: int) -> list[Answered]:
    return [asked(each, rest_event(GOOD)) for _ in range(rounds) for each in environments]


def test_two_environments_share_its_sessions_with_the_template_s_settings_in_time(start: Start) -> None:
    environments = start()
    assert answers(environments, 40) == [Answered(200, KNOWN)] * 80
    assert max(map(slowest, environments)) < 1.5 * BUDGET


def test_prepared_statements_would_be_another_session_s(start: Start) -> None:
    got = answers(start(SMART_REDIRECT_STATEMENT_CACHE="100"), 10)
    assert Answered(503, NOTHING) in got
