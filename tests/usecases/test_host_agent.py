"""Closure on a real database: only what a host says it has loaded is answered, and as soon as it says so."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import asyncpg
import pytest

from smart_redirect.adapters.postgres.pool import open_pool
from smart_redirect.domain.token import token_hash
from smart_redirect.errors import BodyMalformed, Conflict, TokenMissing, TokenUnknown, TooManyRequests
from smart_redirect.local.demo import load_demo
from smart_redirect.usecases.host_agent import AdmitAgent
from smart_redirect.usecases.ports_dialplan import Report
from tests.usecases.office import AGENT_KEY, KEY, Office

NEW = "INSERT INTO user_internal_phones (enterprise_id, id, user_id, number) VALUES (1, 40, 28, '157')"


@pytest.fixture
async def office(database_url: str) -> AsyncIterator[Office]:
    connection = await asyncpg.connect(database_url)
    await load_demo(connection, KEY, 1)
    await connection.execute("UPDATE pbx_hosts SET loaded_pool = NULL")
    pool = await open_pool(database_url, size=4)
    office = Office(pool, connection)
    await office.add_agent()
    await office.build()
    yield office
    await connection.close()
    pool.terminate()


async def installed(office: Office) -> None:
    await office.announce()
    await office.report(await office.contexts())


async def test_a_host_that_never_reported_is_sent_nowhere(office: Office) -> None:
    assert not await office.answers("152")


async def test_what_the_host_reports_is_answered_at_once(office: Office) -> None:
    await installed(office)
    assert await office.answers("152")


async def test_between_a_change_and_its_report_nothing_is_answered_that_is_not_loaded(office: Office) -> None:
    await installed(office)
    await office.change(NEW, "UPDATE lines SET enabled = false WHERE line_id = '3881848'")
    await office.build()
    assert (await office.answers("157"), await office.answers("152", "3881848")) == (False, True)
    await office.announce()
    assert (await office.answers("157"), await office.answers("152", "3881848")) == (False, False)
    await office.report(await office.contexts())
    assert (await office.answers("157"), await office.answers("152", "3881848")) == (True, False)


async def test_a_host_that_went_back_to_its_old_file_is_answered_by_that(office: Office) -> None:
    await installed(office)
    old, contexts = await office.agent(), await office.contexts()
    await office.change(NEW)
    await office.build()
    await office.announce()
    await office.report(contexts, release=old.release)
    assert (await office.answers("157"), await office.answers("152")) == (False, True)


async def test_contexts_that_are_not_those_of_the_release_are_asked_for_by_name(office: Office) -> None:
    await installed(office)
    there = [name for name in await office.contexts() if not name.startswith("mngr32_0001363")]
    assert (await office.report(there)).names
    assert not await office.answers("153")
    assert not (await office.report(there, listed=True)).names
    assert (await office.answers("152"), await office.answers("152", "0001366"), await office.answers("153")) == (
        False,
        True,
        True,
    )


async def test_a_list_that_was_sent_is_not_asked_for_again(office: Office) -> None:
    there = (await office.contexts())[:-1]
    await office.report(there, listed=True)
    before = await office.connection.fetchval("SELECT loaded_pool FROM pbx_hosts")
    assert not (await office.report(there)).names
    assert await office.connection.fetchval("SELECT loaded_pool FROM pbx_hosts") == before


async def test_a_chain_with_a_missing_step_is_not_answered(office: Office) -> None:
    there = [name for name in await office.contexts() if name != "mngr31_0001363_2"]
    await office.report(there, listed=True)
    assert (await office.answers("150"), await office.answers("150", "0001366")) == (False, True)


async def test_a_host_with_an_empty_dialplan_is_sent_nowhere(office: Office) -> None:
    await installed(office)
    await office.report([])
    assert not await office.answers("152")


async def test_a_report_that_changes_nothing_leaves_the_settings_alone(office: Office) -> None:
    await installed(office)
    query = "SELECT version FROM settings_versions WHERE enterprise_id = 1"
    before = await office.connection.fetchval(query)
    await office.report(await office.contexts())
    assert await office.connection.fetchval(query) == before


async def test_a_list_that_is_not_what_its_hash_says_is_refused(office: Office) -> None:
    names = ("mngr1_12_1",)
    lie = Report(None, None, 2, "0" * 64, names, "", "", "", None, None, False, None, datetime.now(UTC))
    with pytest.raises(BodyMalformed):
        await office.reports(await office.agent(), lie)


async def test_a_release_of_nobody_or_of_another_host_cannot_be_announced(office: Office) -> None:
    with pytest.raises(Conflict):
        await office.reports.announce(await office.agent(), "0" * 16)


async def test_only_a_key_that_was_given_out_admits(office: Office) -> None:
    admit = AdmitAgent(office.hosts, KEY, lambda: 0.0, failures_per_minute=2)
    assert (await admit(AGENT_KEY, "192.0.2.1")).host_id == 1
    with pytest.raises(TokenUnknown):
        await admit("demo-0367", "192.0.2.1")
    with pytest.raises(TokenMissing):
        await admit("", "192.0.2.1")
    with pytest.raises(TooManyRequests):
        await admit(AGENT_KEY, "192.0.2.1")
    assert (await admit(AGENT_KEY, "192.0.2.2")).enterprise_id == 1


async def test_an_agent_of_one_enterprise_has_nothing_of_another(office: Office) -> None:
    await office.change("INSERT INTO enterprises (number, name) VALUES ('0400', 'Другие')")
    await office.change("INSERT INTO pbx_hosts (enterprise_id, name, install) VALUES (2, 'theirs', 'whole-file')")
    query = "INSERT INTO agent_keys (key_hash, key_id, enterprise_id, host_id) VALUES ($1, 1, 2, 2)"
    await office.connection.execute(query, token_hash(KEY, "theirs"))
    ours = await office.agent()
    assert (await office.agent("theirs")).release is None
    with pytest.raises(Conflict):
        await office.reports.announce(await office.agent("theirs"), ours.release or "")
