"""The adapters' way to the fakes: names that resolve to this machine, a private authority, a loopback that is allowed."""

import importlib
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

import pytest

from smart_redirect.adapters.crm.addresses import read_networks
from smart_redirect.adapters.crm.outbound import Outbound
from smart_redirect.adapters.postgres.pool import open_pool
from tests.adapters.crm.account import FAKES, Account
from tests.adapters.crm.shop import Shop
from tests.fakes.crm.retailcrm import RetailCrm
from tests.fakes.crm.server import serving, write_authority
from tests.fakes.crm.vendor import Vendor
from tests.usecases.mirrored import KEY, Mirrored


async def here(host: str, port: int) -> Sequence[str]:
    """Every name of the fakes is this machine."""
    if not host.endswith(".example.test"):
        raise OSError("no such name")
    return ("127.0.0.1",)


@pytest.fixture(scope="session")
def authority_file(tmp_path_factory: pytest.TempPathFactory) -> str:
    return write_authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
async def outbound(authority_file: str) -> AsyncIterator[Outbound]:
    client = Outbound(read_networks(["127.0.0.0/8"]), authority_file, here)
    yield client
    await client.close()


@pytest.fixture
async def guarded(authority_file: str) -> AsyncIterator[Callable[..., Outbound]]:
    """Make clients as a deployment without private networks has them, by what names resolve to."""
    made: list[Outbound] = []

    def make(*addresses: str) -> Outbound:
        async def resolve(host: str, port: int) -> Sequence[str]:
            return addresses

        made.append(Outbound((), authority_file, resolve))
        return made[-1]

    yield make
    for client in made:
        await client.close()


@pytest.fixture
def authority_folder(authority_file: str) -> Path:
    return Path(authority_file).parent


@pytest.fixture
async def mirrored(database_url: str) -> AsyncIterator[Mirrored]:
    """A database with one enterprise and one connection, whose budget is no matter."""
    pool = await open_pool(database_url, size=4)
    mirrored = Mirrored(pool)
    await mirrored.connect(KEY)
    yield mirrored
    pool.terminate()


@pytest.fixture(params=FAKES)
async def account(request: pytest.FixtureRequest, outbound: Outbound) -> AsyncIterator[Account]:
    vendor: Vendor = importlib.import_module(f"tests.fakes.crm.{request.param}").VENDOR()
    vendor.add_manager("17", "Иванова", "Анна", "150")
    vendor.add_manager("18", "Сидоров", "Пётр", None)
    async with serving(vendor.fake) as port:
        yield Account(vendor, outbound, port)
    assert vendor.fake.refusals == [], "the documents do not allow these requests"


@pytest.fixture
async def shop(outbound: Outbound) -> AsyncIterator[Shop]:
    vendor = RetailCrm()
    vendor.add_manager("17", "Иванова", "Анна", "150")
    vendor.add_manager("18", "Сидоров", "Пётр", "151")
    async with serving(vendor.fake) as port:
        yield Shop(vendor, outbound, port)
    assert vendor.fake.refusals == []
