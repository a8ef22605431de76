"""The embedded PostgreSQL: it starts, keeps its data, ends with its owner and says clearly what is wrong."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncpg
import pytest

from smart_redirect.local.binaries import EmbeddedPostgresError
from smart_redirect.local.cluster import server_processes
from smart_redirect.local.embedded import EmbeddedPostgres, dsn_of_running
from smart_redirect.local.server_settings import SAFE_SETTINGS, TEST_SETTINGS
from tests.local.conftest import OWNER, SOURCE, query


@pytest.fixture
def owner(data_dir: Path, binaries: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that runs a server on the data; the server is up."""
    command = [sys.executable, "-c", OWNER, str(SOURCE), str(data_dir), str(binaries)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline()
        yield process
        process.kill()
    wait_until(lambda: not server_processes(data_dir / "pgdata"))


def wait_until(done: Callable[[], bool], seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline, "not in time"
        time.sleep(0.02)


async def test_it_answers_over_socket_and_tcp(server):
    assert await query(server.dsn, "SELECT 1") == 1
    assert await query(server.tcp_dsn_of("postgres"), "SELECT 2") == 2


async def test_letters_of_every_alphabet_have_case(server):
    assert await query(server.dsn, "SELECT lower('ЁЖ')") == "ёж"


async def test_over_tcp_the_password_counts(server):
    wrong = server.tcp_dsn_of("postgres").replace(server.cluster.password, "wrong")
    with pytest.raises(asyncpg.InvalidPasswordError):
        await query(wrong, "SELECT 1")


async def test_without_a_port_there_is_no_tcp(data_dir, binaries):
    with EmbeddedPostgres(data_dir, settings=TEST_SETTINGS, binaries=binaries) as server:
        assert await query(server.dsn, "SHOW listen_addresses") == ""
        with pytest.raises(EmbeddedPostgresError, match="without a port"):
            server.tcp_dsn_of("postgres")


def test_its_files_and_its_socket_are_closed_to_other_accounts(server):
    home = server.cluster.home
    assert [path.stat().st_mode & 0o077 for path in (home, home / "socket", home / "password")] == [0, 0, 0]


def test_it_never_runs_as_root_and_not_in_our_session(server):
    assert Path(f"/proc/{server.pid}").stat().st_uid != 0
    assert os.getsid(server.pid) != os.getsid(0)


async def test_data_survive_stop_and_start(server):
    await query(server.dsn, "CREATE TABLE kept AS SELECT 7 AS id")
    server.restart()
    assert await query(server.dsn, "SELECT id FROM kept") == 7


async def test_data_survive_a_killed_server(server):
    await query(server.dsn, "CREATE TABLE kept AS SELECT 7 AS id")
    os.kill(server.pid, signal.SIGKILL)
    wait_until(lambda: not server.running)
    server.stop()
    server.start()
    assert await query(server.dsn, "SELECT id FROM kept") == 7


async def test_kill_then_start_under_the_same_address(server):
    address = server.dsn
    server.kill()
    assert not server.running
    server.start()
    assert (server.dsn, await query(address, "SELECT 1")) == (address, 1)


def test_a_second_server_on_the_same_data_is_refused(server, data_dir, binaries):
    with pytest.raises(EmbeddedPostgresError, match=rf"already in use by process {os.getpid()}"):
        EmbeddedPostgres(data_dir, binaries=binaries).start()
    assert server.running


async def test_a_killed_owner_takes_the_server_along(owner, data_dir):
    assert server_processes(data_dir / "pgdata")
    owner.kill()
    wait_until(lambda: not server_processes(data_dir / "pgdata"))


async def test_the_next_owner_can_start_at_once(owner, data_dir, binaries):
    owner.kill()
    owner.wait()
    with EmbeddedPostgres(data_dir, settings=TEST_SETTINGS, binaries=binaries) as server:
        assert await query(server.dsn, "SELECT 1") == 1


async def test_the_command_line_finds_the_server_of_another_process(owner, data_dir):
    assert await query(dsn_of_running(data_dir), "SELECT 1") == 1


def test_the_command_line_finds_nothing_where_nothing_runs(data_dir, tmp_path):
    (data_dir / "pgdata" / "postmaster.pid").write_text(f"{os.getpid()}\nx\n0\n5432\n/nowhere\n\n0 0\nready\n")
    assert (dsn_of_running(data_dir), dsn_of_running(tmp_path / "none")) == (None, None)


async def test_the_end_of_the_starting_thread_is_not_the_end_of_the_server(data_dir, binaries):
    server = EmbeddedPostgres(data_dir, settings=TEST_SETTINGS, binaries=binaries)
    thread = threading.Thread(target=server.start)
    thread.start()
    thread.join()
    time.sleep(0.1)
    assert await query(server.dsn, "SELECT 1") == 1
    server.stop()


async def test_a_long_path_gets_a_short_socket_that_is_removed_afterwards(memory_dir, binaries):
    deep = memory_dir / ("d" * 100) / f"data-{binaries.parts[-2]}"
    with EmbeddedPostgres(deep, settings=TEST_SETTINGS, binaries=binaries) as server:
        folder = Path(str(await query(server.dsn, "SHOW unix_socket_directories")).strip('"'))
        assert folder.stat().st_mode & 0o777 == 0o700
        server.restart()
        assert await query(server.dsn, "SELECT 1") == 1
    assert not folder.exists()


def test_a_server_that_does_not_start_says_why_and_lets_go_of_the_data(data_dir, binaries):
    with pytest.raises(EmbeddedPostgresError, match="shared_buffers"):
        EmbeddedPostgres(data_dir, settings={"shared_buffers": "many"}, binaries=binaries).start()
    with EmbeddedPostgres(data_dir, settings=TEST_SETTINGS, binaries=binaries) as server:
        assert server.running


async def test_the_settings_for_keeps_are_durable_and_log_to_files(data_dir, binaries):
    with EmbeddedPostgres(data_dir, settings=SAFE_SETTINGS, binaries=binaries) as server:
        assert await query(server.dsn, "SHOW fsync") == "on"
        assert await query(server.dsn, "SHOW synchronous_commit") == "on"
        assert list((server.cluster.home / "log").glob("postgresql-*.log"))
