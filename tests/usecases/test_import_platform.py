"""An enterprise is taken over from a platform's database, on real PostgreSQL on both sides."""

import json
from collections.abc import AsyncIterator, Iterator

import asyncpg
import pytest

from smart_redirect.adapters.platform.source import PlatformError
from smart_redirect.domain.token import token_hash
from tests.conftest import Server
from tests.fakes.platform_import import KEY, SCHEMA, Desk, connect, remarks

CALLER = "+375291112233"
HISTORY = "SELECT phone, first_call, first_extension, first_user_id, last_call, last_extension, last_user_id FROM caller_history"


@pytest.fixture
def platform_url(postgres: Server, database_names: Iterator[str]) -> Iterator[str]:
    name = next(database_names)
    postgres.execute(f"CREATE DATABASE {name} TEMPLATE template0")
    yield postgres.url(name)
    postgres.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
async def desk(platform_url: str, database_url: str) -> AsyncIterator[Desk]:
    desk = Desk(await connect(platform_url), await connect(database_url))
    await desk.there(SCHEMA)
    yield desk
    await desk.platform.close()
    await desk.ours.close()


async def test_people_keep_their_ids_and_their_follow_me(desk):
    await desk.run()
    users = await desk.here("SELECT id, last_name, follow_me_number, follow_me_enabled FROM users ORDER BY id")
    phones = await desk.here("SELECT id, user_id, number, outgoing_schema_id FROM user_internal_phones ORDER BY id")
    steps = await desk.here("SELECT user_id, step, rings, numbers FROM follow_me_steps ORDER BY step")
    assert users == [(25, "Иванов", 255, True), (26, "Кравец", None, False)]
    assert phones == [(31, 25, "150", "c-out"), (32, 26, "152", None), (33, 25, "151", None), (34, None, "160", None)]
    assert steps == [(25, 1, 3, ["150", "151"]), (25, 2, 20, ["150", "80291234567"])]


async def test_lines_keep_their_zeros_and_get_their_schemes_and_settings(desk):
    await desk.run()
    lines = await desk.here(
        "SELECT line_id, kind, name, in_schema_id, out_schema_id, enabled, do_routing, algorithms, line_name_order,"
        " customer_name_order, shop_name_order FROM lines ORDER BY line_id"
    )
    assert lines == [
        ("0001363", "gsm", "А1 приёмная", "a-in", "c-out", True, True, ["crm"], 1, 2, None),
        ("0001366", "gsm", "МТС", None, None, False, False, [], None, None, None),
        ("3881848", "sip", "Городской", "a-in", "c-out", True, False, ["first_call"], None, None, 2),
    ]


async def test_schemes_are_stored_as_the_platform_stores_them(desk):
    graph = """{"nodes": [{"id": "1", "type": "custom", "position": {"x": 0.5, "y": -12}, "data": {"z": null, "a": "Ж\\"\\n"}},
        {"id": "2", "type": "dial", "data": {"managers": [{"userId": 25, "phone": "150"}], "waitingRings": 3}}],
        "edges": [{"id": "e1-2", "source": "1", "target": "2", "sourceHandle": "0"}], "viewport": {"zoom": 0.75}}"""
    await desk.platform.execute("UPDATE dial_schemas SET schema_data = $1 WHERE schema_id = 'a-in'", graph)
    await desk.run()
    assert json.loads(
        (await desk.here("SELECT data::text FROM dial_schemas WHERE schema_id = 'a-in'"))[0][0]
    ) == json.loads(graph)
    assert not (await desk.run()).changed_anything


async def test_what_only_the_operator_can_take_over_is_named(desk):
    await desk.there("UPDATE sip_unit SET incoming_transform = '+375{9}' WHERE id = 3")
    await desk.there("UPDATE gsm_lines SET shop = 'Салон на Немиге'")
    outcome = await desk.run()
    assert [row for fate, row, reason in remarks(outcome, "sip_unit") if fate == "by hand" and "+375{9}" in reason] == [
        "3"
    ]
    assert [row for fate, row, reason in remarks(outcome, "gsm_lines") if "shop_lines does not link" in reason] == ["8"]


async def test_shops_departments_and_the_token_come_along(desk):
    await desk.run()
    assert await desk.here("SELECT shop_id, line_id FROM shop_lines ORDER BY 2") == [(1, "0001363"), (1, "3881848")]
    assert await desk.here("SELECT department_id, internal_id FROM department_members") == [(1, 31)]
    assert await desk.here("SELECT token_hash, key_id FROM call_tokens") == [(token_hash(KEY, "375291234567"), 1)]
    assert await desk.here("SELECT number, name, mode FROM enterprises") == [("0367", "Северный ветер", "routing+name")]


async def test_the_primary_crm_is_asked_first(desk):
    await desk.run()
    connections = await desk.here("SELECT vendor, position, enabled FROM crm_connections ORDER BY position")
    managers = await desk.here(
        "SELECT c.vendor, u.manager_id, u.extension FROM user_extensions u JOIN crm_connections c"
        " ON c.id = u.connection_id ORDER BY 1"
    )
    assert connections == [("uon", 1, True), ("retailcrm", 2, True)]
    assert managers == [("retailcrm", "17", "150"), ("uon", "5", "152")]


async def test_contacts_have_e164_phones_and_names(desk):
    await desk.run()
    contacts = await desk.here("SELECT phone, name FROM contacts ORDER BY phone")
    # The walk is in the order of the phones, so the one without a plus stands first or last by collation.
    assert [phone for phone, _ in contacts] == ["+375172223344", CALLER]
    assert contacts[0][1] == "ООО «Упаковка»"


async def test_calls_have_who_talked_and_when_whatever_zone_the_platform_writes(desk):
    await desk.run()
    calls = await desk.here(
        "SELECT unique_id, extract(epoch FROM started_at)::int, caller, call_type, status, talks::text"
        " FROM calls ORDER BY unique_id"
    )
    assert calls == [
        ("1795331398.1", 1795331398, CALLER, 0, "answered", '[["150", 1795331408.0, 31, 25]]'),
        ("1795417798.2", 1795417798, CALLER, 0, "answered", '[["152", 1795417820.0, 32, 26]]'),
        ("1795417799.3", 1795417799, CALLER, 0, "no_answer", "[]"),
        ("1795417800.4", 1795417800, CALLER, 1, "answered", '[["151", 1795417810.0, 33, 25]]'),
        ("1795417801.5", 1795417801, None, 2, "answered", '[["150", 1795417810.0, 31, 25]]'),
    ]


@pytest.mark.parametrize("zone", ["UTC", "Europe/Minsk", "Asia/Vladivostok"])
async def test_a_wrong_time_zone_makes_no_difference_where_unique_ids_tell_the_time(desk, zone):
    await desk.run(time_zone=zone)
    assert await desk.here(
        "SELECT extract(epoch FROM answered_at)::int FROM calls WHERE unique_id = '1795331398.1'"
    ) == [(1795331408,)]


async def test_the_history_has_the_first_and_the_last_answered_inbound_call(desk):
    await desk.run()
    # The first is older than calls are kept: it is in the history alone. The outgoing call is later, and not counted.
    assert await desk.here(HISTORY) == [(CALLER, "0/1753000000.8", "151", 25, "0/1795417798.2", "152", 26)]


@pytest.mark.parametrize("batch", [1, 3, 1000])
async def test_a_second_run_changes_nothing_and_says_so(desk, batch):
    first = await desk.run(batch)
    before = await desk.everything()
    second = await desk.run(batch)
    assert (first.changed_anything, second.changed_anything) == (True, False)
    assert await desk.everything() == before
    assert second.report.remarks == first.report.remarks


@pytest.mark.parametrize("batch", [1, 3, 1000])
async def test_a_dry_run_writes_nothing_and_reports_the_same(desk, batch):
    before = await desk.everything()
    dry = await desk.run(batch, dry_run=True)
    assert await desk.everything() == before
    real = await desk.run(batch)
    assert (dry.tallies, dry.report.remarks, dry.report.skipped) == (
        real.tallies,
        real.report.remarks,
        real.report.skipped,
    )


async def test_every_row_that_is_left_out_is_named(desk):
    outcome = await desk.run()
    assert remarks(outcome, "calls") == [
        ("left out", "6", "it may not be over yet: import again later"),
        ("left out", "7", "its call_type is unknown"),
    ]
    assert ("left out", "4", "line 0001366 is there already; Asterisk cannot tell them apart") in remarks(
        outcome, "sip_unit"
    )
    assert [(fate, row) for fate, row, _ in remarks(outcome, "enterprises.integrations_config")] == [
        *(("by hand", "retailcrm"), ("by hand", "uon")),
        *(("left out", "retailcrm.user_extensions.19"), ("left out", "smart.lines.gsm:0009999")),
    ]
    assert not outcome.report.complete


async def test_no_secret_of_the_platform_reaches_our_database(desk):
    await desk.run()
    text = str(await desk.everything())
    assert [
        word for word in ("sip-secret", "trunk-secret", "key-1", "secret-word", "375291234567") if f'"{word}"' in text
    ] == []


async def test_nothing_of_another_enterprise_comes_along(desk):
    await desk.run()
    assert "Чуж" not in str(await desk.everything())


async def test_ids_that_came_along_are_never_given_out_again(desk):
    await desk.run()
    made = await desk.here("INSERT INTO users (enterprise_id) SELECT id FROM enterprises RETURNING id")
    assert made == [(27,)]


async def test_a_change_on_the_platform_comes_with_the_next_run_and_settings_of_ours_stay(desk):
    await desk.run()
    await desk.here("UPDATE lines SET shadow = true, area_code = '17'")
    await desk.there("UPDATE gsm_lines SET line_name = 'Новое' WHERE id = 7")
    outcome = await desk.run()
    assert (outcome.tallies["lines"].changed, outcome.tallies["lines"].same) == (1, 2)
    assert await desk.here("SELECT name, shadow, area_code FROM lines WHERE line_id = '0001363'") == [
        ("Новое", True, "17")
    ]


async def test_two_extensions_can_change_places(desk):
    await desk.run()
    await desk.there("UPDATE user_internal_phones SET phone_number = 'x' WHERE id = 31")
    await desk.there("UPDATE user_internal_phones SET phone_number = '150' WHERE id = 32")
    await desk.there("UPDATE user_internal_phones SET phone_number = '152' WHERE id = 31")
    await desk.run()
    assert await desk.here("SELECT id, number FROM user_internal_phones WHERE id < 33 ORDER BY 1") == [
        (31, "152"),
        (32, "150"),
    ]


async def test_steps_that_are_gone_go_and_what_only_we_have_stays(desk):
    await desk.run()
    await desk.here("INSERT INTO shops (enterprise_id, id, name) SELECT id, 90, 'Наш' FROM enterprises")
    await desk.there("UPDATE users SET follow_me_steps = follow_me_steps - 0 WHERE id = 25")
    outcome = await desk.run()
    assert outcome.tallies["follow_me_steps"].removed == 1
    assert (outcome.tallies["shops"].only_ours, outcome.tallies["shops"].removed) == (1, 0)


async def test_prune_removes_what_the_platform_does_not_have(desk):
    await desk.run()
    await desk.there("DELETE FROM department_members; DELETE FROM user_internal_phones WHERE id = 31")
    await desk.there("INSERT INTO user_internal_phones VALUES (40, 25, '150', 'x', '0367', NULL)")
    kept = await desk.run()
    reasons = [reason for _, row, reason in remarks(kept, "user_internal_phones") if row == "40"]
    assert reasons == ["its number belongs to row 31, which only our database has"]
    await desk.run(prune=True)
    assert await desk.here("SELECT id FROM user_internal_phones WHERE number = '150'") == [(40,)]


async def test_a_call_that_a_host_reported_itself_is_not_counted_twice(desk):
    await desk.run()
    await desk.ours.execute("DELETE FROM calls; DELETE FROM call_participants; DELETE FROM caller_history")
    await desk.here("INSERT INTO pbx_hosts (enterprise_id, name) SELECT id, 'pbx1' FROM enterprises")
    await desk.here(
        "INSERT INTO calls (enterprise_id, host_id, unique_id, started_at, status)"
        " SELECT enterprise_id, id, '1795417798.2', to_timestamp(1795417798), 'answered' FROM pbx_hosts"
    )
    await desk.run()
    assert await desk.here("SELECT count(*) FROM calls WHERE unique_id = '1795417798.2'") == [(1,)]
    assert (await desk.here(HISTORY))[0][4:6] == ("0/1795331398.1", "150")


async def test_a_run_that_broke_off_is_finished_by_the_next(desk):
    whole = await desk.run(1) and await desk.everything()
    await desk.here("DELETE FROM calls WHERE unique_id > '1795417798'")
    await desk.here("DELETE FROM call_participants WHERE unique_id > '1795417798'")
    await desk.here("DELETE FROM caller_history")
    await desk.run(1)
    assert await desk.everything() == whole


async def test_integer_line_ids_need_a_setting_or_the_number_of_digits(desk):
    await desk.there("ALTER TABLE gsm_lines ALTER line_id TYPE integer USING line_id::integer")
    outcome = await desk.run()
    assert await desk.here("SELECT line_id FROM lines WHERE kind = 'gsm'") == [("0001363",)]
    assert [reason for _, row, reason in remarks(outcome, "gsm_lines") if "--gsm-digits" in reason and row == "8"]
    await desk.run(gsm_digits=7, prune=True)
    assert await desk.here("SELECT line_id FROM lines WHERE kind = 'gsm' ORDER BY 1") == [("0001363",), ("0001366",)]


async def test_optional_tables_may_be_missing(desk):
    await desk.there("DROP TABLE shop_lines, shop_sip_lines, department_members, call_participants, customers")
    await desk.there("DROP TABLE calls, shops, departments; ALTER TABLE users DROP follow_me_steps")
    outcome = await desk.run()
    assert ("calls", "the platform has no such table") in outcome.report.skipped
    assert await desk.here("SELECT count(*) FROM user_internal_phones") == [(4,)]


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("DROP TABLE dial_schemas", "the platform has no table dial_schemas"),
        ("ALTER TABLE gsm_lines DROP line_id", "the platform's table gsm_lines has no column line_id"),
        ("DELETE FROM enterprises WHERE false; UPDATE enterprises SET number = number || 'x'", "no enterprise 0367"),
    ],
)
async def test_what_cannot_be_read_is_named_and_nothing_is_written(desk, statement, message):
    await desk.there("ALTER TABLE users DROP CONSTRAINT users_enterprise_number_fkey")
    await desk.there(statement)
    before = await desk.everything()
    with pytest.raises(PlatformError, match=message):
        await desk.run()
    assert await desk.everything() == before


async def test_a_token_of_another_enterprise_stays_with_it(desk):
    await desk.here("INSERT INTO enterprises (number, name) VALUES ('0999', 'Другое')")
    await desk.ours.execute(
        "INSERT INTO call_tokens (token_hash, key_id, enterprise_id) SELECT $1, 1, id FROM enterprises",
        token_hash(KEY, "375291234567"),
    )
    outcome = await desk.run()
    assert ("left out", "0367", "its token (name2) is another enterprise's here") in remarks(outcome, "enterprises")


async def test_a_reader_that_may_only_select_a_few_columns_is_enough(desk, platform_url):
    await desk.there("CREATE ROLE reader_of_import; GRANT SELECT (id, phone_number, enterprise_number, user_id, outgoing_schema_id)"
                     " ON user_internal_phones TO reader_of_import")  # fmt: skip
    others = "enterprises, users, gsm_lines, sip_unit, dial_schemas, shops, shop_lines, shop_sip_lines, departments"
    await desk.there(
        f"GRANT SELECT ON {others}, department_members, customers, calls, call_participants TO reader_of_import"
    )
    await desk.there("SET ROLE reader_of_import")
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await desk.there("SELECT password FROM user_internal_phones")
        await desk.run()
    finally:
        await desk.there("RESET ROLE; DROP OWNED BY reader_of_import; DROP ROLE reader_of_import")
    assert await desk.here("SELECT count(*) FROM user_internal_phones") == [(4,)]
