"""One call through the use cases: memory first, one read, the right answer when the database is away or changed."""

from dataclasses import replace

import pytest

from smart_redirect.domain.decision import Reason
from smart_redirect.domain.enterprise import Extension, Mode
from smart_redirect.errors import DatabaseUnavailable, TokenUnknown
from tests.usecases.desk import QUESTION, TOKEN, Desk, enterprise

CONTEXT = "mngr31_0001363_1"


async def test_a_cold_call_reads_twice_and_a_warm_one_once() -> None:
    desk = Desk()
    assert (await desk.ask()).context == CONTEXT
    assert desk.database.reads == 2
    await desk.ask()
    assert desk.database.reads == 3


async def test_a_changed_setting_takes_effect_at_the_next_call_without_another_read() -> None:
    desk = Desk()
    await desk.ask()
    desk.database.save(enterprise(mode=Mode.NAME_ONLY))
    assert (await desk.ask()).reason is Reason.MODE_NAME_ONLY
    assert desk.database.reads == 3


async def test_the_switch_for_all_takes_effect_at_the_next_call() -> None:
    desk = Desk()
    await desk.ask()
    desk.database.all_switched_off = True
    assert (await desk.ask()).reason is Reason.SWITCHED_OFF


async def test_a_withdrawn_token_is_refused_at_the_next_call() -> None:
    desk = Desk()
    await desk.ask()
    desk.database.save(enterprise(tokens={}))
    with pytest.raises(TokenUnknown):
        await desk.ask()


async def test_an_enterprise_that_is_gone_is_refused() -> None:
    desk = Desk()
    await desk.ask()
    desk.database.enterprises.clear()
    with pytest.raises(TokenUnknown):
        await desk.ask()


async def test_without_the_database_routes_last_a_minute_and_names_five() -> None:
    desk = Desk()
    await desk.ask()
    desk.database.down = True
    desk.now += 59
    assert (await desk.ask()).context == CONTEXT
    desk.now += 60
    decision = await desk.ask()
    assert (decision.context, decision.name, decision.reason) == (None, "Петрова | Приёмная", Reason.NO_FACTS)
    desk.now += 300
    assert (await desk.ask()).name == "Приёмная"


async def test_settings_serve_for_an_hour_without_the_database_and_then_names_only() -> None:
    desk = Desk()
    await desk.ask()
    desk.database.down = True
    desk.now += 3601
    assert (await desk.ask()).reason is Reason.STALE_SETTINGS


async def test_a_cold_call_without_the_database_is_unavailable() -> None:
    desk = Desk()
    desk.database.down = True
    with pytest.raises(DatabaseUnavailable):
        await desk.ask()


async def test_cleared_caches_are_not_used() -> None:
    desk = Desk()
    other = QUESTION._replace(phone="80445550000")
    await desk.ask()
    desk.database.cache_epoch += 1
    await desk.ask(other)
    desk.database.down = True
    assert (await desk.ask()).reason is Reason.NO_FACTS


@pytest.mark.parametrize("phone", ["", "anonymous", "Ivan Petrov", "150", "0001363", "+375291110000", "9" * 128])
async def test_callers_without_identity_get_no_route(phone: str) -> None:
    line = replace(enterprise().lines["0001363"], number="8029 111-00-00")
    desk = Desk(enterprise(lines={"0001363": line}, extensions=(Extension("150", 31, 25),)))
    decision = await desk.ask(QUESTION._replace(phone=phone))
    assert (decision.reason, decision.context) == (Reason.NO_IDENTITY, None)


async def test_the_record_says_what_was_decided() -> None:
    desk = Desk()
    await desk.ask()
    (record,) = desk.log.records
    assert (record.phone, record.line_id, record.facts_source) == ("+375291112233", "0001363", "database")
    assert record.decision.trace[-1].context == CONTEXT


@pytest.mark.parametrize(
    ("trunk_id", "shown"),
    [
        ("0001363", "0001363"),
        ("0001399", "0001399"),
        ("80447654321", "80***4321"),
        ("Ivan", "text(4)"),
        ("", "text(0)"),
    ],
)
async def test_what_a_comma_in_a_name_put_into_the_line_is_masked(trunk_id: str, shown: str) -> None:
    desk = Desk()
    await desk.ask(QUESTION._replace(line_id=trunk_id))
    assert [record.line_id for record in desk.log.records] == [shown]


async def test_a_token_may_be_quoted() -> None:
    assert (await Desk().ask(token=f' "{TOKEN}" ')).context == CONTEXT
