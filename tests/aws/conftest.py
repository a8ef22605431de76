"""The built bundle, the demo enterprise on a real database, and the call path's function on both."""

import asyncio
import json
from collections.abc import Iterator

import asyncpg
import pytest

from smart_redirect.local.demo import load_demo
from tests.aws.bundle import FOR_THIS_MACHINE, RUNTIME, Bundle
from tests.aws.emulator import EMULATOR, Emulator
from tests.fakes.aws import FakeAws
from tests.fakes.secrets_extension import TOKEN, FakeExtension

KEY = "k" * 64
READY = EMULATOR is not None and FOR_THIS_MACHINE.exists() and RUNTIME.exists()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/aws/" in str(item.path) and not READY:
            item.add_marker(pytest.mark.skip(reason="needs the built bundle: make test-aws"))


@pytest.fixture(scope="session")
def bundle() -> Bundle:
    return Bundle(FOR_THIS_MACHINE)


async def load(url: str) -> None:
    connection = await asyncpg.connect(url)
    await load_demo(connection, KEY.encode(), 1)
    await connection.close()


@pytest.fixture
def demo_url(database_tcp_url: str) -> str:
    """Address of a database with the demo enterprise."""
    asyncio.run(load(database_tcp_url))
    return database_tcp_url


@pytest.fixture
def extension() -> Iterator[FakeExtension]:
    with FakeExtension() as extension:
        yield extension


@pytest.fixture
def aws() -> Iterator[FakeAws]:
    """What boto3 reaches in place of AWS."""
    with FakeAws() as aws:
        yield aws


@pytest.fixture
def variables(extension: FakeExtension) -> dict[str, str]:
    """What the template takes from other resources; the secrets come through the extension, as on Lambda."""
    extension.put("key", SMART_REDIRECT_KEY=KEY)
    return {
        "SMART_REDIRECT_SECRETS": "database,key",
        "SMART_REDIRECT_BUDGET_MS": "3000",
        "AWS_SESSION_TOKEN": TOKEN,
        "PARAMETERS_SECRETS_EXTENSION_HTTP_PORT": str(extension.port),
    }


# Milliseconds: the template's own, of which the metric of each call is the proof.
BUDGET = 220.0


def in_its_own_budget(variables: dict[str, str]) -> dict[str, str]:
    """Return the variables without the long budget of tests that are not about time."""
    return {name: value for name, value in variables.items() if name != "SMART_REDIRECT_BUDGET_MS"}


def slowest(emulator: Emulator) -> float:
    """Return the most milliseconds that a call has taken by its metric, from the handler's first statement to the reply."""
    lines = [json.loads(line) for line in emulator.output().splitlines() if '"CallMilliseconds":' in line]
    return float(max(line["CallMilliseconds"] for line in lines))


@pytest.fixture
def call_path(bundle: Bundle, demo_url: str, extension: FakeExtension, variables: dict[str, str]) -> Iterator[Emulator]:
    extension.put("database", DATABASE_URL=demo_url)
    with Emulator(bundle.function("GetCustomerDataFunction"), variables) as emulator:
        yield emulator
