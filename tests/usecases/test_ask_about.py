"""The operator's questions about a caller are answered as a call would be, with source and age."""

import asyncio
from time import monotonic
from typing import Any

import pytest

from smart_redirect.adapters.memory_crm import MemoryCrm, PacedCrm
from smart_redirect.adapters.postgres.about import PostgresAbout
from smart_redirect.adapters.postgres.budgets import PostgresBudgets
from smart_redirect.adapters.postgres.live import PostgresLive
from smart_redirect.domain.crm import Manager, Person
from smart_redirect.domain.facts import Contact
from smart_redirect.errors import BodyMalformed, CrmLimited, CrmRefused, NotFound
from smart_redirect.usecases.ask_about import Answer, AskAbout, Origin
from smart_redirect.usecases.ask_crms import AskCrms
from smart_redirect.usecases.ports_mirror import Account, Key, OpenCrm, Turn
from tests.usecases.mirrored import KEY, Mirrored

PHONE = "8 (029) 111-22-33"
SECOND = Key(1, 2)
OFFICE = """
    INSERT INTO users (enterprise_id, id, last_name) VALUES (1, 25, 'Иванова');
    INSERT INTO user_internal_phones (enterprise_id, id, user_id, number) VALUES (1, 31, 25, '150'), (1, 32, 25, '151');
    INSERT INTO contacts (enterprise_id, phone, name) VALUES (1, '+375291112233', 'Ольга из книги')"""


def asking(open_crm: OpenCrm, mirrored: Mirrored) -> AskCrms:
    return AskCrms(open_crm, PostgresBudgets(mirrored.pool), PostgresLive(mirrored.pool), monotonic)


@pytest.fixture
async def ask(mirrored: Mirrored) -> AskAbout:
    await mirrored.pool.execute(OFFICE)
    await mirrored.connect(SECOND)
    crms = asking(mirrored.open, mirrored)
    return AskAbout(PostgresAbout(mirrored.pool), crms)


async def have(mirrored: Mirrored, key: Key, person: Person, *managers: Manager) -> MemoryCrm:
    crm = mirrored.crms[key]
    crm.users = managers
    crm.save(person)
    await mirrored.sync(key)
    return crm


async def test_a_name_is_that_of_the_first_connection_that_has_one(ask: AskAbout, mirrored: Mirrored) -> None:
    await have(mirrored, KEY, Person("1", "", (PHONE,)))
    await have(mirrored, SECOND, Person("1", "Петрова Ольга", (PHONE,)))
    found = await ask.name("0001", PHONE)
    assert (found.value, found.source) == ("Петрова Ольга", "CRM")
    assert found.origin is not None
    assert found.origin.kind == "mirror"
    assert 0 <= (found.origin.age or 0) < 60


async def test_without_a_crm_s_word_our_own_contacts_count(ask: AskAbout) -> None:
    found = await ask.name("0001", PHONE)
    assert (found.value, found.source, found.origin) == ("Ольга из книги", "contacts", None)


async def test_one_whom_nobody_knows_has_no_name(ask: AskAbout) -> None:
    assert (await ask.name("0001", "+375337777777")).value == ""


async def test_an_extension_is_that_of_the_first_responsible_who_has_one_of_ours(
    ask: AskAbout, mirrored: Mirrored
) -> None:
    await have(mirrored, KEY, Person("1", "О", (PHONE,), "17"), Manager("17", "Чужая", "999"))
    await have(mirrored, SECOND, Person("1", "О", (PHONE,), "18"), Manager("18", "Своя", "151"))
    found = await ask.extension("0001", PHONE)
    assert (found.value, found.passed_over) == ("151", ("CRM: extension_not_of_enterprise",))


async def test_an_extension_by_hand_wins_and_says_so(ask: AskAbout, mirrored: Mirrored) -> None:
    await have(mirrored, KEY, Person("1", "О", (PHONE,), "17"), Manager("17", "А", "151"))
    await mirrored.pool.execute("INSERT INTO user_extensions VALUES (1, 1, '17', '150')")
    found = await ask.extension("0001", PHONE)
    assert (found.value, found.source) == ("150", "CRM, by hand")


async def test_without_a_responsible_it_is_said_why(ask: AskAbout, mirrored: Mirrored) -> None:
    await have(mirrored, KEY, Person("1", "О", (PHONE,)))
    found = await ask.extension("0001", PHONE)
    assert (found.value, found.passed_over) == ("", ("CRM: no_responsible",))


async def test_a_live_look_up_s_word_is_told_as_live(ask: AskAbout, mirrored: Mirrored) -> None:
    await have(mirrored, KEY, Person("1", "О", (PHONE,)))
    await mirrored.pool.execute("UPDATE crm_contacts SET expires_at = now() + interval '1 minute'")
    origin = (await ask.name("0001", PHONE)).origin
    assert origin is not None
    # It is believed for five minutes, so one that ends in a minute is four minutes old.
    assert (origin.kind, round(origin.age or 0)) == ("live", pytest.approx(240, abs=5))


async def test_whom_the_mirror_lacks_is_looked_up_as_a_call_would(mirrored: Mirrored) -> None:
    async def live(*_: object) -> tuple[Contact, ...]:
        return (Contact(1, "Живая Вера", "17", "150"),)

    await mirrored.pool.execute(OFFICE)
    ask = AskAbout(PostgresAbout(mirrored.pool), asking(mirrored.open, mirrored), live)
    assert await ask.name("0001", PHONE) == Answer("Живая Вера", "CRM", Origin("live", 0.0))
    assert (await ask.extension("0001", PHONE)).value == "150"


async def test_one_of_our_own_numbers_is_no_caller(ask: AskAbout, mirrored: Mirrored) -> None:
    await mirrored.pool.execute(
        "INSERT INTO lines (enterprise_id, line_id, kind, name) VALUES (1, '375291112233', 'sip', 'x')"
    )
    with pytest.raises(BodyMalformed, match="own"):
        await ask.name("0001", PHONE)


@pytest.mark.parametrize(
    ("number", "phone", "error"),
    [
        ("9999", PHONE, NotFound),
        ("00\0", PHONE, NotFound),
        ("0001", "150", BodyMalformed),
        ("0001", "x", BodyMalformed),
    ],
)
async def test_what_cannot_be_answered_is_told(ask: AskAbout, number: str, phone: str, error: type[Exception]) -> None:
    for question in (ask.name, ask.extension, ask.directly):
        with pytest.raises(error):
            await question(number, phone)


# --- the CRMs themselves


async def test_each_connection_says_what_it_knows_or_why_it_does_not(ask: AskAbout, mirrored: Mirrored) -> None:
    mirrored.crms[KEY].users = (Manager("17", "А", "150"),)
    mirrored.crms[KEY].tells_extensions = True
    mirrored.crms[KEY].save(Person("1", "Петрова Ольга", (PHONE,), "17"))
    mirrored.crms[SECOND].failure = CrmRefused("refuses the key")
    first, second = await ask.directly("0001", PHONE)
    assert ([each.name for each in first.owners], first.extensions, first.error) == (
        ["Петрова Ольга"],
        (("17", "150"),),
        "",
    )
    assert (second.owners, second.error) == ((), "CrmRefused: refuses the key")
    assert first.ms >= 0


async def test_extensions_of_responsibles_come_from_whoever_knows_them(ask: AskAbout, mirrored: Mirrored) -> None:
    await have(mirrored, KEY, Person("1", "О", (PHONE,), "17"), Manager("17", "А", "151"))
    await have(mirrored, SECOND, Person("1", "О", (PHONE,), "18"), Manager("18", "Ушёл", "152", is_active=False))
    assert [each.extensions for each in await ask.directly("0001", PHONE)] == [(("17", "151"),), ()]
    await mirrored.pool.execute("INSERT INTO user_extensions VALUES (1, 1, '17', '150'), (1, 2, '18', '150')")
    assert [each.extensions for each in await ask.directly("0001", PHONE)] == [(("17", "150"),), (("18", "150"),)]


async def test_an_error_that_is_not_ours_is_not_shown(ask: AskAbout, mirrored: Mirrored) -> None:
    mirrored.crms[KEY].failure = ValueError("s3cret")
    assert [each.error for each in await ask.directly("0001", PHONE)] == ["ValueError", ""]


async def test_a_crm_that_hangs_costs_no_more_than_its_time(mirrored: Mirrored, ask: AskAbout) -> None:
    class Hanging(PacedCrm):
        async def lookup(self, phone: str, seconds: float) -> Any:
            await self._turn()
            await asyncio.sleep(3600)

    def open_hanging(account: Account, turn: Turn) -> PacedCrm:
        return Hanging(MemoryCrm(), turn)

    crms = asking(open_hanging, mirrored)
    [told] = await crms([Account(KEY, "memory", "BY", {})], "+375291112233", 0.05)
    assert told.error == "no answer in time"


async def test_a_budget_that_is_used_up_is_told_and_the_reserve_is_left_to_calls(mirrored: Mirrored) -> None:
    crms = asking(mirrored.open, mirrored)
    account = Account(KEY, "memory", "BY", {"requests_per_second": 0.001, "burst": 2})
    told = [(await crms([account], "+375291112233"))[0].error for _ in range(2)]
    assert told[0] == ""
    assert "budget" in told[1]


async def test_a_question_waits_for_its_turn_as_long_as_there_is_time(mirrored: Mirrored) -> None:
    account = Account(KEY, "memory", "BY", {"requests_per_second": 20, "burst": 2})
    for _ in range(3):
        [told] = await asking(mirrored.open, mirrored)([account], "+375291112233")
        assert told.error == ""


async def test_a_connection_whose_breaker_is_open_is_not_asked(ask: AskAbout, mirrored: Mirrored) -> None:
    await mirrored.sync(KEY)
    await mirrored.pool.execute("UPDATE crm_sync SET open_until = now() + interval '1 hour'")
    assert [each.account.key for each in await ask.directly("0001", PHONE)] == [SECOND]


async def test_a_limit_that_a_question_meets_keeps_syncs_and_further_questions_away(
    ask: AskAbout, mirrored: Mirrored
) -> None:
    mirrored.crms[KEY].failure = CrmLimited(60)
    assert [each.error[:10] for each in await ask.directly("0001", PHONE)] == ["CrmLimited", ""]
    assert [each.account.key for each in await ask.directly("0001", PHONE)] == [SECOND]
    assert mirrored.crms[KEY].calls == 1


async def test_a_budget_that_is_used_up_keeps_nobody_away(ask: AskAbout, mirrored: Mirrored) -> None:
    scarce = '{"requests_per_second": 0.001, "burst": 1}'
    await mirrored.pool.execute("UPDATE crm_connections SET settings = $1 WHERE id = 1", scarce)
    for _ in range(2):
        told, _ = await ask.directly("0001", PHONE)
    assert "budget" in told.error


async def test_a_vendor_that_the_enterprise_does_not_have_is_told(ask: AskAbout) -> None:
    with pytest.raises(NotFound, match="bitrix24"):
        await ask.directly("0001", PHONE, "bitrix24")
