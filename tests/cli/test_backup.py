"""What backup wrote, restore brings back: every row, and the key without which no token is known."""

import asyncio
import stat
from pathlib import Path

import asyncpg
import pytest

from smart_redirect.cli.main import main
from smart_redirect.local.demo import load_demo
from tests.conftest import Server, migrate_dsn, run

KEY, OTHER = "k" * 64, "o" * 64
COUNTS = "SELECT (SELECT count(*) FROM users), (SELECT count(*) FROM call_tokens), (SELECT max(version) FROM schema_migrations)"


@pytest.fixture
def saved(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    async def load() -> None:
        connection = await asyncpg.connect(database_url)
        await load_demo(connection, KEY.encode(), 1)
        await connection.close()

    run(load())
    monkeypatch.setenv("SMART_REDIRECT_DATA_DIR", str(tmp_path))
    (tmp_path / "key").write_text(KEY)
    monkeypatch.setenv("DATABASE_URL", database_url)
    assert main(["backup", str(tmp_path / "saved.tar")]) == 0
    return tmp_path / "saved.tar"


@pytest.fixture
def empty_url(postgres: Server, database_names):
    name = next(database_names)
    postgres.execute(f"CREATE DATABASE {name}")
    yield postgres.url(name)
    postgres.execute(f"DROP DATABASE {name} WITH (FORCE)")


def counts(url: str) -> tuple[int, ...]:
    async def ask() -> tuple[int, ...]:
        connection = await asyncpg.connect(url)
        row = await connection.fetchrow(COUNTS)
        await connection.close()
        return tuple(row)

    return asyncio.run(ask())


@pytest.mark.parametrize("migrated", [False, True])
def test_a_restored_database_has_every_row_and_its_key(
    saved: Path, database_url: str, empty_url: str, monkeypatch: pytest.MonkeyPatch, migrated: bool
) -> None:
    if migrated:
        run(migrate_dsn(empty_url))
    (saved.parent / "key").write_text(OTHER)
    monkeypatch.setenv("DATABASE_URL", empty_url)
    assert main(["restore", str(saved)]) == 0
    assert counts(empty_url) == counts(database_url)
    assert (saved.parent / "key").read_text() == KEY


def test_only_its_owner_may_read_a_back_up(saved: Path) -> None:
    assert stat.S_IMODE(saved.stat().st_mode) == 0o600


def test_a_database_in_use_is_not_overwritten(saved: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["restore", str(saved)]) == 1
    assert "has enterprises" in capsys.readouterr().err


def test_nothing_is_restored_under_another_key(
    saved: Path, empty_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", empty_url)
    monkeypatch.setenv("SMART_REDIRECT_KEY", OTHER)
    assert main(["restore", str(saved)]) == 1
    assert "SMART_REDIRECT_KEY" in capsys.readouterr().err


def test_a_back_up_never_overwrites_another(saved: Path) -> None:
    assert main(["backup", str(saved)]) == 1
