"""Connections die while an environment sleeps: the first call after that is right, and in the deployment's own budget."""

import asyncio
import json
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from smart_redirect.local.embedded import EmbeddedPostgres
from tests.aws.bundle import Bundle
from tests.aws.conftest import BUDGET, in_its_own_budget, load, slowest
from tests.aws.emulator import Emulator
from tests.aws.test_call_path import KNOWN
from tests.conftest import execute
from tests.fakes.secrets_extension import FakeExtension
from tests.parity import Answered, ask_lambda

EVENT = json.loads(Path("tests/events/getcustomerdata_rest.json").read_text(encoding="utf-8"))
# What a busy machine adds to a budget (milliseconds), and the emulator with it (seconds).
LATE = 1.5 * BUDGET
WALL = 3 * BUDGET / 1000
END_ALL = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname IS NOT NULL"


@pytest.fixture
def emulator(
    bundle: Bundle, own_postgres: EmbeddedPostgres, extension: FakeExtension, variables: dict[str, str]
) -> Iterator[Emulator]:
    url = own_postgres.tcp_dsn_of("postgres")
    asyncio.run(load(url))
    extension.put("database", DATABASE_URL=url)
    with Emulator(bundle.function("GetCustomerDataFunction"), in_its_own_budget(variables)) as emulator:
        assert ask(emulator).body == KNOWN
        yield emulator
        assert slowest(emulator) < LATE


def ask(emulator: Emulator) -> Answered:
    began = time.monotonic()
    answered = ask_lambda(lambda event, _: emulator.invoke(event), EVENT)
    assert time.monotonic() - began < WALL
    return answered


def restart(server: EmbeddedPostgres) -> None:
    server.stop()
    server.start()


def crash(server: EmbeddedPostgres) -> None:
    subprocess.run(["kill", "-9", str(server.pid)], check=True)
    server.stop()
    server.start()


def end_backends(server: EmbeddedPostgres) -> None:
    asyncio.run(execute(server.dsn, END_ALL))


@pytest.mark.parametrize("what", [end_backends, restart, crash])
def test_the_first_call_after_a_sleep_in_which_the_connection_died(
    emulator: Emulator, own_postgres: EmbeddedPostgres, what: Callable[[EmbeddedPostgres], None]
) -> None:
    for _ in range(3):
        emulator.freeze()
        what(own_postgres)
        emulator.thaw()
        assert ask(emulator) == Answered(200, KNOWN)


def test_every_call_is_answered_while_backends_are_ended_all_the_time(
    emulator: Emulator, own_postgres: EmbeddedPostgres
) -> None:
    answers = []
    for number in range(60):
        if number % 2:
            end_backends(own_postgres)
        answers.append(ask(emulator))
    assert answers == [Answered(200, KNOWN)] * 60


def test_a_database_that_is_away_is_answered_from_memory_and_used_again_when_it_is_back(
    emulator: Emulator, own_postgres: EmbeddedPostgres
) -> None:
    own_postgres.stop()
    away = ask(emulator)
    own_postgres.start()
    assert (away, ask(emulator)) == (Answered(200, KNOWN), Answered(200, KNOWN))
