"""`smart-redirect import` as an operator sees it: what it prints, and its exit codes."""

import csv
from collections.abc import Iterator

import pytest

from smart_redirect.cli.main import main
from tests.conftest import Server, execute, run
from tests.fakes.platform_import import SCHEMA


@pytest.fixture
def platform_url(postgres: Server, database_names: Iterator[str]) -> Iterator[str]:
    name = next(database_names)
    postgres.execute(f"CREATE DATABASE {name} TEMPLATE template0")
    run(execute(postgres.url(name), SCHEMA))
    yield postgres.url(name)
    postgres.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def command(platform_url, database_url, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("SMART_REDIRECT_KEY", "k" * 40)
    return lambda *words, number="0367": main(["import", "--from-dsn", platform_url, "--enterprise", number, *words])


def test_what_was_left_out_is_printed_and_is_exit_code_3(command, capsys):
    assert command() == 3
    out = capsys.readouterr().out
    assert "left out: calls (" in out
    assert "7: its call_type is unknown" in out
    assert "by hand: enterprises.integrations_config (2)" in out


def test_a_second_run_says_that_there_is_nothing_to_change(command, capsys):
    command()
    assert "nothing to change" not in capsys.readouterr().out
    command()
    assert "nothing to change: everything that can be taken over is here already" in capsys.readouterr().out


def test_a_dry_run_prints_what_the_run_prints(command, capsys):
    command("--dry-run")
    dry = capsys.readouterr().out
    command()
    assert dry.replace(" (dry run: nothing was written)", "") == capsys.readouterr().out
    assert "(dry run: nothing was written)" in dry


def test_an_enterprise_with_nothing_left_out_is_exit_code_0(command):
    assert command(number="0400") == 0


def test_progress_goes_to_stderr(command, capsys):
    command()
    assert "calls: 8 of 8" in capsys.readouterr().err


def test_every_remark_is_in_the_file(command, tmp_path):
    command("--report", str(tmp_path / "report.csv"))
    rows = list(csv.reader((tmp_path / "report.csv").read_text(encoding="utf-8").splitlines()))
    assert rows[0] == ["fate", "table", "id", "reason"]
    assert ["left out", "calls", "7", "its call_type is unknown"] in rows


def test_a_report_that_cannot_be_written_is_exit_code_1_and_nothing_is_imported(command, capsys, tmp_path):
    assert command("--report", str(tmp_path / "no" / "report.csv")) == 1
    assert "report.csv" in capsys.readouterr().err
    command()
    assert "nothing to change" not in capsys.readouterr().out


def test_of_many_rows_twenty_are_printed_and_the_file_has_them_all(command, capsys, tmp_path, platform_url):
    calls = "INSERT INTO calls (unique_id, enterprise_id, call_type) SELECT n || '.1', '0367', 'odd' FROM generate_series(1, 150) n"
    run(execute(platform_url, "SELECT setval('calls_id_seq', 100)", calls))
    command("--report", str(tmp_path / "report.csv"))
    out = capsys.readouterr().out
    count = (tmp_path / "report.csv").read_text(encoding="utf-8").count("left out,calls,")
    assert count > 150
    assert f"left out: calls ({count})" in out
    assert f"  and {count - 20} more: --report FILE lists them all" in out


def test_no_key_password_or_token_is_printed_or_in_the_file(command, capsys, tmp_path):
    command("--report", str(tmp_path / "report.csv"))
    shown = "".join(capsys.readouterr()) + (tmp_path / "report.csv").read_text(encoding="utf-8")
    secrets = ("key-1", "key-2", "sip-secret", "trunk-secret", "secret-word", "375291234567")
    assert [secret for secret in secrets if secret in shown] == []


def test_an_unknown_enterprise_is_exit_code_1(command, capsys):
    assert command(number="0999") == 1
    assert "the platform has no enterprise 0999" in capsys.readouterr().err


def test_a_platform_that_goes_away_meanwhile_is_exit_code_1_and_the_next_run_does_the_rest(
    command, capsys, platform_url
):
    ends = "CREATE FUNCTION ends() RETURNS boolean LANGUAGE sql AS 'SELECT pg_terminate_backend(pg_backend_pid())'"
    view = "CREATE VIEW calls AS SELECT * FROM real_calls WHERE ends()"
    run(execute(platform_url, "ALTER TABLE calls RENAME TO real_calls", ends, view))
    assert command() == 1
    assert "the connection to the platform's database was lost" in capsys.readouterr().err
    run(execute(platform_url, "DROP VIEW calls", "ALTER TABLE real_calls RENAME TO calls"))
    assert command() == 3
    assert "nothing to change" not in capsys.readouterr().out


def test_a_database_of_ours_that_goes_away_meanwhile_is_exit_code_1_and_the_next_run_does_the_rest(
    command, capsys, database_url
):
    ends = (
        "CREATE FUNCTION ends() RETURNS trigger LANGUAGE plpgsql AS"
        " 'BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END'"
    )
    run(execute(database_url, ends, "CREATE TRIGGER ends BEFORE INSERT ON calls FOR EACH ROW EXECUTE FUNCTION ends()"))
    assert command() == 1
    assert "Traceback" not in capsys.readouterr().err
    run(execute(database_url, "DROP TRIGGER ends ON calls"))
    assert command() == 3
    assert "nothing to change" not in capsys.readouterr().out


@pytest.mark.parametrize(
    "dsn", ["postgresql://u:pass-word@127.0.0.1:1/x", "postgresql://u:pass-word@[::1/x", "nonsense"]
)
def test_a_platform_that_does_not_answer_is_exit_code_1_without_its_password(command, capsys, dsn):
    assert main(["import", "--from-dsn", dsn, "--enterprise", "0367"]) == 1
    err = capsys.readouterr().err
    assert "the platform's database" in err
    assert "pass-word" not in err


@pytest.mark.parametrize("words", [("--gsm-digits", "0"), ("--time-zone", "Mars/Base"), ("--country", "Belarus")])
def test_a_wrong_command_line_is_exit_code_2(command, words):
    with pytest.raises(SystemExit, match="2"):
        command(*words)
