"""From a change to a release, on a real database: nothing is lost, nothing is published twice or broken."""

from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import asyncpg
import pytest

from smart_redirect.adapters.postgres.pool import open_pool
from smart_redirect.errors import StoreUnavailable
from smart_redirect.local.demo import load_demo
from smart_redirect.usecases.ports_dialplan import Claim, Result, Work
from smart_redirect.usecases.regenerate import Outcome, Regenerate
from tests.usecases.office import KEY, Office


@pytest.fixture
async def office(database_url: str) -> AsyncIterator[Office]:
    connection = await asyncpg.connect(database_url)
    await load_demo(connection, KEY, 1)
    pool = await open_pool(database_url, size=4)
    office = Office(pool, connection)
    await office.add_agent()
    yield office
    await connection.close()
    pool.terminate()


async def test_a_change_becomes_a_release(office: Office) -> None:
    built = await office.build()
    assert built.outcome is Outcome.DONE
    (release,) = await office.releases()
    assert (release["name"], release["install"]) == ((await office.agent()).release, "whole-file")
    assert f"[sr-release-{release['name']}]" in await office.text()
    assert release["contexts"] == len(await office.contexts()) > 20
    assert await office.changes() == []


async def test_what_changes_nothing_makes_no_release(office: Office) -> None:
    await office.build()
    await office.change("UPDATE users SET first_name = 'Пётр II' WHERE id = 25")
    assert (await office.build()).results[0].release is None
    assert len(await office.releases()) == 1


async def test_the_release_says_what_changed(office: Office) -> None:
    await office.build()
    await office.change(
        "INSERT INTO user_internal_phones (enterprise_id, id, user_id, number) VALUES (1, 40, 28, '157')"
    )
    await office.build()
    assert any("157" in change and "3" in change for change in (await office.releases())[-1]["changes"])


@pytest.mark.parametrize(
    ("statement", "table"),
    [
        ("UPDATE lines SET enabled = false", "lines"),
        ("DELETE FROM lines WHERE line_id = '0001366'", "lines"),
        ("UPDATE users SET follow_me_enabled = false", "users"),
        ("INSERT INTO users (enterprise_id, id) VALUES (1, 99)", "users"),
        ("DELETE FROM follow_me_steps WHERE step = 2", "follow_me_steps"),
        ("UPDATE follow_me_steps SET rings = 9", "follow_me_steps"),
        ("UPDATE user_internal_phones SET outgoing_schema_id = NULL", "user_internal_phones"),
        ("UPDATE dial_schemas SET data = '{}'", "dial_schemas"),
        ("INSERT INTO departments (enterprise_id, name, number) VALUES (1, 'Продажи', '400')", "departments"),
        ("UPDATE enterprises SET time_zone = 'Europe/Warsaw'", "enterprises"),
        ("UPDATE enterprises SET recording = true", "enterprises"),
        ("UPDATE pbx_hosts SET shape = 'compact'", "pbx_hosts"),
        ("INSERT INTO pbx_hosts (enterprise_id, name, install) VALUES (1, 'two', 'whole-file')", "pbx_hosts"),
        ("INSERT INTO host_files VALUES (1, 1, 'x', '[]')", "host_files"),
        ("TRUNCATE follow_me_steps", "follow_me_steps"),
    ],
)
async def test_any_writer_s_change_is_noted_with_it(office: Office, statement: str, table: str) -> None:
    await office.build()
    await office.change("BEGIN", statement, "ROLLBACK")
    assert await office.changes() == []
    await office.change(statement)
    assert table in await office.changes()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE enterprises SET mode = 'off', shadow = true",
        "UPDATE pbx_hosts SET loaded_pool = NULL, announced_pool = loaded_pool",
        "INSERT INTO contacts VALUES (1, '+375290000009', 'x')",
        "UPDATE caller_history SET last_extension = '152'",
        "DELETE FROM user_extensions",
    ],
)
async def test_what_the_dialplan_does_not_depend_on_is_not_noted(office: Office, statement: str) -> None:
    await office.build()
    await office.change(statement)
    assert await office.changes() == []


async def test_an_enterprise_can_be_deleted_with_all_it_has(office: Office) -> None:
    await office.build()
    await office.change("DELETE FROM enterprises")
    assert (await office.build()).outcome is Outcome.GONE
    assert (await office.releases(), await office.changes()) == ([], [])


async def test_a_change_that_comes_while_a_build_runs_is_built_next(office: Office) -> None:
    claim = await office.ledger.claim(1, 60)
    assert claim is not None
    work = await office.ledger.read(claim)
    assert work is not None
    await office.change("UPDATE lines SET enabled = false")
    assert await office.ledger.publish(claim, work, [])
    assert await office.changes() == ["lines"]
    assert await office.ledger.dirty(10) == [1]


async def test_a_change_with_a_lower_number_that_commits_later_is_not_forgotten(
    office: Office, database_url: str
) -> None:
    other = await asyncpg.connect(database_url)
    slow = other.transaction()
    await slow.start()
    await other.execute("UPDATE follow_me_steps SET rings = 9")
    await office.change("UPDATE dial_schemas SET context = 'x' WHERE name LIKE 'Входящая: м%'")
    await office.build()
    await slow.commit()
    await other.close()
    assert await office.changes() == ["follow_me_steps"]


async def test_two_do_not_build_the_same_at_once(office: Office) -> None:
    assert await office.ledger.claim(1, 60) is not None
    assert (await office.build()).outcome is Outcome.BUSY
    assert await office.ledger.dirty(10) == []


async def test_a_lease_that_ran_out_is_taken_over_and_the_late_result_does_not_count(office: Office) -> None:
    late = await office.ledger.claim(1, 0)
    assert late is not None
    work = await office.ledger.read(late)
    assert work is not None
    assert (await office.build()).outcome is Outcome.DONE
    assert not await office.ledger.publish(late, work, [Result(work.hosts[0], error="late")])
    assert await office.connection.fetchval("SELECT error FROM dialplan_hosts") is None


class DiesBeforePublishing:
    """A ledger whose process is killed when it is about to publish."""

    def __init__(self, office: Office) -> None:
        self.dirty, self.mark, self.read = office.ledger.dirty, office.ledger.mark, office.ledger.read
        self.claim, self.give_up, self.exists = office.ledger.claim, office.ledger.give_up, office.ledger.exists

    async def publish(self, claim: Claim, work: Work, results: Sequence[Result]) -> bool:
        raise KeyboardInterrupt


async def test_a_crash_before_publishing_loses_nothing_and_repeats_nothing_harmful(office: Office) -> None:
    with pytest.raises(KeyboardInterrupt):
        await Regenerate(DiesBeforePublishing(office), office.contents)(1)
    assert (len(await office.releases()), len(office.contents.texts)) == (0, 1)
    await office.change("UPDATE dialplan_leases SET until = now()")
    assert len(await office.regenerate.sweep(10)) == 1
    assert (len(await office.releases()), len(office.contents.texts)) == (1, 1)
    assert await office.changes() == []


async def test_without_the_store_nothing_is_published_and_the_change_waits(office: Office) -> None:
    office.contents.down = True
    with pytest.raises(StoreUnavailable):
        await office.build()
    assert await office.releases() == []
    assert "lines" in await office.changes()


async def test_what_does_not_validate_is_never_published(office: Office) -> None:
    await office.build()
    good = await office.agent()
    await office.change("UPDATE lines SET line_id = '+375291' WHERE line_id = '0001363'")
    (result,) = (await office.build()).results
    assert result.error is not None
    assert "+375291" in result.error
    assert await office.agent() == good
    assert await office.connection.fetchval("SELECT error FROM dialplan_hosts") == result.error
    assert await office.changes() == []


async def test_an_error_is_over_when_the_setting_is_right_again(office: Office) -> None:
    await office.build()
    await office.change("UPDATE lines SET line_id = '+375291' WHERE line_id = '0001363'")
    await office.build()
    await office.change("UPDATE lines SET line_id = '0001363' WHERE line_id = '+375291'")
    await office.build()
    assert await office.connection.fetchval("SELECT error FROM dialplan_hosts") is None
    assert len(await office.releases()) == 1


async def test_a_failing_enterprise_does_not_stop_the_others(office: Office) -> None:
    await office.change(
        "INSERT INTO enterprises (number, name) VALUES ('0400', 'Другие')",
        "INSERT INTO pbx_hosts (enterprise_id, name, install) VALUES (2, 'theirs', 'whole-file')",
        "UPDATE pbx_hosts SET install = 'block-only' WHERE enterprise_id = 1",
        "INSERT INTO host_files VALUES (1, 1, 'x', '[1]')",
    )
    await office.regenerate.sweep(10)
    assert [release["enterprise_id"] for release in await office.releases()] == [2]


async def test_a_context_that_goes_stays_as_a_tombstone_for_a_day(office: Office) -> None:
    await office.build()
    before = await office.contexts()
    await office.change("DELETE FROM user_internal_phones WHERE number = '154'")
    await office.build()
    assert sorted(await office.contexts()) == sorted(before)
    await office.change("UPDATE dialplan_retired SET retired_at = retired_at - interval '25 hours'")
    assert len(await office.regenerate.sweep(10)) == 1
    assert len(await office.contexts()) == len(before) - 3
    assert await office.connection.fetchval("SELECT count(*) FROM dialplan_retired") == 0


async def test_a_context_that_comes_back_is_no_tombstone_any_more(office: Office) -> None:
    await office.build()
    first = await office.agent()
    await office.change("UPDATE lines SET enabled = false WHERE line_id = '3881848'")
    await office.build()
    await office.change("UPDATE lines SET enabled = true WHERE line_id = '3881848'")
    await office.build()
    assert (await office.agent()).sha256 == first.sha256
    assert await office.connection.fetchval("SELECT count(*) FROM dialplan_retired") == 0


async def test_each_host_gets_its_own_dialect_and_shape(office: Office) -> None:
    await office.change(
        "INSERT INTO pbx_hosts (enterprise_id, name, install, dialect, shape)"
        " VALUES (1, 'new', 'whole-file', 'asterisk22', 'compact'), (1, 'none', 'none', 'asterisk16', 'classic')"
    )
    await office.build()
    assert [(each["host_id"], each["dialect"]) for each in await office.releases()] == [
        (1, "asterisk16"),
        (2, "asterisk22"),
    ]


INFRA = Path(__file__).parents[2] / "infra"
HOST_FILE = """
[from-out-office]
exten => _X.,1,Answer()
 same => n,GotoIf($["${EXTEN}" = "0001363"]?reception,${EXTEN},1)
 same => n,Goto(shop,${EXTEN},1)
[reception]
exten => _X.,1,Hangup()
[shop]
exten => _X.,1,Hangup()
"""


MACROS = [
    (path.name, path.read_text())
    for path in (
        INFRA / "asterisk" / "asterisk16" / "extensions_custom.conf",
        INFRA / "asterisk" / "common" / "smart_redirect_calls.conf",
    )
]


async def test_a_host_without_the_macros_gets_no_block_that_would_call_them(office: Office) -> None:
    await office.change("UPDATE pbx_hosts SET install = 'block-only'")
    await office.reports.files(await office.agent(), [("extensions.conf", HOST_FILE)])
    assert "missing_routine" in str((await office.build()).results[0].error)


async def test_a_block_waits_for_the_host_s_own_file_and_falls_back_into_it(office: Office) -> None:
    await office.change("UPDATE pbx_hosts SET install = 'block-only'")
    assert "own extensions.conf" in str((await office.build()).results[0].error)
    assert await office.reports.files(await office.agent(), [("extensions.conf", HOST_FILE), *MACROS])
    await office.regenerate.sweep(10)
    text = await office.text()
    assert "[from-out-office]" not in text
    assert "Goto(reception,${EXTEN},1)" in text


async def test_after_a_rollback_new_releases_wait_for_the_next_deploy(office: Office) -> None:
    await office.build()
    first = await office.agent()
    await office.change(
        "UPDATE dialplan_hosts SET pinned = true", "UPDATE lines SET enabled = false WHERE line_id = '3881848'"
    )
    assert (await office.build()).results[0].release is not None
    assert await office.agent() == first
