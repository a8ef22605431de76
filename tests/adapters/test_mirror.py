"""The mirror in PostgreSQL: no tenant reaches another's rows, the budget holds for all takers, a pooler changes nothing."""

import asyncio
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

import pytest

from smart_redirect.adapters.memory_crm import MemoryCrm
from smart_redirect.adapters.postgres.budgets import PostgresBudgets
from smart_redirect.adapters.postgres.callers import PostgresCallers
from smart_redirect.adapters.postgres.mirror import PostgresMirror
from smart_redirect.adapters.postgres.pool import open_pool
from smart_redirect.adapters.postgres.queries import load
from smart_redirect.adapters.postgres.timed import TimedReads
from smart_redirect.domain.crm import Manager, Person
from smart_redirect.domain.crm_budget import Rate
from smart_redirect.local.account import server_account
from smart_redirect.local.embedded import free_port
from smart_redirect.usecases.ports import FactsQuestion
from smart_redirect.usecases.ports_mirror import Key
from smart_redirect.usecases.sync_crm import Outcome
from tests.usecases.mirrored import KEY, Mirrored, people, stop_after

NEIGHBOUR = Key(2, 1)
TABLES = (
    "crm_contacts",
    "crm_people",
    "crm_managers",
    "crm_dirty",
    "crm_leases",
    "crm_sync",
    "crm_budgets",
    "crm_misses",
)
RATE = Rate(per_second=0.001, burst=10, reserve=3)


@pytest.fixture
async def mirrored(database_url: str) -> AsyncIterator[Mirrored]:
    pool = await open_pool(database_url, size=8)
    mirrored = Mirrored(pool)
    await mirrored.connect(KEY)
    yield mirrored
    pool.terminate()
    await asyncio.sleep(0.01)


async def all_rows(pool: Any, enterprise_id: int) -> dict[str, list[Any]]:
    query = "SELECT t::text FROM {} t WHERE enterprise_id = $1 ORDER BY 1"
    return {table: await pool.fetch(query.format(table), enterprise_id) for table in TABLES}


async def test_what_is_done_for_one_enterprise_touches_no_row_of_another(mirrored: Mirrored) -> None:
    mirrored.crms[KEY] = MemoryCrm(feeds_deletions=False)
    neighbour = await mirrored.connect(NEIGHBOUR, MemoryCrm(feeds_deletions=False))
    for crm in (mirrored.crms[KEY], neighbour):
        crm.users = (Manager("17", "Анна", "150"),)
        crm.fill(people(7))
    await mirrored.sync(NEIGHBOUR)
    await PostgresMirror(mirrored.pool).mark(NEIGHBOUR, ["0001"])
    before = await all_rows(mirrored.pool, 2)
    await everything(mirrored)
    assert await all_rows(mirrored.pool, 2) == before
    assert mirrored.expected() == await mirrored.rows() != await mirrored.rows(NEIGHBOUR)


async def everything(mirrored: Mirrored) -> None:
    """Every query that writes, with the ids and phones that the neighbour has too."""
    crm = mirrored.crms[KEY]
    await mirrored.sync(may_go_on=stop_after(5))
    crm.users = ()
    for number in range(5):
        crm.delete(f"{number:04}")
    crm.merge("0005", "0006")
    await PostgresMirror(mirrored.pool).mark(KEY, ["0001", "0006"])
    await mirrored.sync()
    crm.failures = [None, RuntimeError()]
    await mirrored.sync()
    await mirrored.sync()


@pytest.mark.parametrize("name", sorted(load("mirror").keys() - {"due", "tidy"}))
def test_every_query_names_its_enterprise(name: str) -> None:
    text = load("mirror")[name]
    assert "enterprise_id" in text
    assert "$1" in text


async def test_the_budget_is_kept_over_all_takers(mirrored: Mirrored) -> None:
    budgets = PostgresBudgets(mirrored.pool)
    grants = await asyncio.gather(*(budgets.take(KEY, 2, RATE, RATE.reserve) for _ in range(8)))
    assert sum(grant.requests for grant in grants) == RATE.burst - RATE.reserve


async def test_the_reserve_is_for_those_who_leave_nothing(mirrored: Mirrored) -> None:
    budgets = PostgresBudgets(mirrored.pool)
    assert (await budgets.take(KEY, 100, RATE, RATE.reserve)).requests == 7
    refused = await budgets.take(KEY, 1, RATE, RATE.reserve)
    assert (refused.requests, refused.wait) == (0, pytest.approx(1000, rel=0.01))
    assert (await budgets.take(KEY, 100, RATE, 0)).requests == 3


async def test_the_bucket_fills_with_time_and_not_over_its_brim(mirrored: Mirrored) -> None:
    budgets, rate = PostgresBudgets(mirrored.pool), Rate(2.0, 10, 0)
    await budgets.take(KEY, 10, rate, 0)
    await mirrored.pool.execute("UPDATE crm_budgets SET filled_at = filled_at - interval '2 s'")
    assert (await budgets.take(KEY, 10, rate, 0)).requests == 4
    await mirrored.pool.execute("UPDATE crm_budgets SET filled_at = filled_at - interval '1 day'")
    assert (await budgets.take(KEY, 99, rate, 0)).requests == 10


async def test_each_connection_has_its_own_budget(mirrored: Mirrored) -> None:
    await mirrored.connect(NEIGHBOUR)
    budgets = PostgresBudgets(mirrored.pool)
    await budgets.take(KEY, 10, RATE, 0)
    assert (await budgets.take(NEIGHBOUR, 10, RATE, 0)).requests == 10


async def test_a_connection_that_is_gone_gets_nothing(mirrored: Mirrored) -> None:
    assert (await PostgresBudgets(mirrored.pool).take(Key(9, 9), 1, RATE, 0)).requests == 0


async def contacts(mirrored: Mirrored, enterprise_id: int, phone: str) -> list[tuple[str, str, str]]:
    reads = TimedReads(mirrored.pool)
    answer = await PostgresCallers(reads).ask(
        FactsQuestion(enterprise_id, phone, 0), asyncio.get_running_loop().time() + 5
    )
    assert answer is not None
    return [(each.name, each.responsible_id, each.responsible_extension) for each in answer.facts.contacts]


async def test_of_several_owners_the_one_with_a_manager_comes_first_then_the_newest_then_the_lowest_id(
    mirrored: Mirrored,
) -> None:
    phone, crm = ("80291112233",), mirrored.crms[KEY]
    owners = [("9", None, 5.0), ("10", "17", 3.0), ("8", "17", 3.0), ("7", "17", 4.0), ("70", "17", None)]
    crm.fill(Person(external_id, external_id, phone, manager, at) for external_id, manager, at in owners)
    await mirrored.sync()
    assert [name for name, *_ in await contacts(mirrored, 1, "+375291112233")] == ["7", "8", "10", "70", "9"]


async def test_the_extension_of_a_manager_is_the_crm_s_newest_word(mirrored: Mirrored) -> None:
    crm = mirrored.crms[KEY]
    crm.fill([Person("1", "Ольга", ("80291112233",), "17")])
    seen = []
    for manager in (Manager("17", "Анна"), Manager("17", "Анна", "150"), Manager("17", "Анна", "151", is_active=False)):
        crm.users = (manager,)
        await mirrored.sync()
        seen += await contacts(mirrored, 1, "+375291112233")
    assert [extension for *_, extension in seen] == ["", "150", ""]


async def test_a_neighbour_s_contacts_and_managers_are_not_seen(mirrored: Mirrored) -> None:
    neighbour = await mirrored.connect(NEIGHBOUR)
    neighbour.users = (Manager("17", "Чужая", "150"),)
    neighbour.fill([Person("1", "Чужой", ("80291112233",), "17")])
    mirrored.crms[KEY].fill([Person("1", "Свой", ("80291112233",), "17")])
    await mirrored.sync()
    await mirrored.sync(NEIGHBOUR)
    assert await contacts(mirrored, 1, "+375291112233") == [("Свой", "17", "")]


async def test_syncs_make_no_new_version_of_the_settings(mirrored: Mirrored) -> None:
    mirrored.crms[KEY].fill(people(7))
    version = "SELECT version FROM settings_versions WHERE enterprise_id = 1"
    before = await mirrored.pool.fetchval(version)
    await mirrored.sync()
    assert await mirrored.pool.fetchval(version) == before


@pytest.fixture
def pooler(memory_dir: Path, database_tcp_url: str) -> Iterator[str]:
    """The test's database behind pgbouncer in transaction mode, with one server connection for everybody."""
    program, port, parts = shutil.which("pgbouncer"), free_port(), urlsplit(database_tcp_url)
    if program is None:
        pytest.skip("pgbouncer is not installed")
    folder = memory_dir / f"pgbouncer-{port}"
    folder.mkdir()
    server = f"host={parts.hostname} port={parts.port} user={parts.username}" + (
        f" password={parts.password}" if parts.password else ""
    )
    config = folder / "pgbouncer.ini"
    config.write_text(
        f"[databases]\n* = {server}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nauth_type = any\n"
        f"pool_mode = transaction\ndefault_pool_size = 1\nunix_socket_dir =\nlogfile = {folder}/log\n"
    )
    account = server_account(memory_dir / "nobody")
    for path in (folder, config):
        account.take(path)
    process = subprocess.Popen(
        [program, "-q", str(config)], user=account.uid, group=account.gid, extra_groups=account.groups
    )
    yield f"postgresql://any@127.0.0.1:{port}{parts.path}"
    process.terminate()
    process.wait(10)


async def test_behind_a_transaction_pooler_the_work_is_done_once_and_right(mirrored: Mirrored, pooler: str) -> None:
    mirrored.crms[KEY].fill(people(10))
    pool = await open_pool(pooler, size=4, statement_cache=0)
    behind = Mirrored(pool, mirrored.crms)
    await until_it_answers(pool)
    outcomes = await asyncio.gather(*(behind.sync() for _ in range(3)))
    pool.terminate()
    assert sorted(outcomes) == [Outcome.BUSY, Outcome.BUSY, Outcome.DONE]
    assert await mirrored.rows() == mirrored.expected()


async def until_it_answers(pool: Any, seconds: float = 10.0) -> None:
    until = monotonic() + seconds
    while monotonic() < until:
        try:
            await pool.execute("SELECT 1")
        except OSError:
            await asyncio.sleep(0.05)
        else:
            return
