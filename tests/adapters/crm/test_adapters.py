"""One contract for the adapters of all vendors, each against a strict fake of its vendor."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from smart_redirect.adapters.crm.phones import has_phone
from smart_redirect.domain.crm import Found, Gone, Merged, Person
from smart_redirect.domain.crm_mirror import owner
from smart_redirect.domain.phone import normalise
from smart_redirect.domain.phone_fields import numbers_in
from smart_redirect.errors import CrmLimited, CrmMalformed, CrmRefused, CrmUnavailable
from smart_redirect.usecases.pace import OutOfTime
from smart_redirect.usecases.ports_crm import Crm
from tests.adapters.crm.account import Account, apply
from tests.fakes.crm.server import broken_json, cut, fail, hang, html, other_json, redirect, too_much
from tests.fakes.crm.vendor import Customer

OLGA = Customer("Петрова", "Ольга", ("8 (029) 111-22-33", "+375 17 200-11-22"), "17")
ALIKE = Customer("Чужая", "Анна", ("+48 29 111 22 33",), "18")
MANY = 230


def phones_of(person: Person) -> set[str | None]:
    return {normalise(number, "BY") for each in person.phones for number in numbers_in(each)}


async def all_ids(crm: Crm) -> tuple[str, ...]:
    page = await crm.ids(None)
    found = list(page.external_ids)
    while page.cursor is not None:
        page = await crm.ids(page.cursor)
        found += page.external_ids
    return tuple(found)


async def test_a_walk_meets_everybody_on_all_pages(account: Account) -> None:
    given = account.fill(MANY)
    there, _ = await account.walk()
    assert set(there) == set(given)
    assert {each: there[each].name for each in given} == {each: f"{of.last} Иван" for each, of in given.items()}
    assert {phone for each in there.values() for phone in phones_of(each)} == {
        f"+37529{1000000 + n}" for n in range(MANY)
    }
    assert {each.responsible_id for each in there.values()} == {"17"}


async def test_a_person_has_name_phones_and_responsible_as_text(account: Account) -> None:
    olga, without = account.vendor.add(OLGA), account.vendor.add(Customer("Один", "", ("291112244",)))
    there, _ = await account.walk()
    assert (there[olga].name, there[olga].responsible_id) == ("Петрова Ольга", "17")
    assert phones_of(there[olga]) >= {"+375291112233", "+375172001122"}
    assert (there[without].name, there[without].responsible_id) == ("Один", None)


async def test_the_format_of_names_is_the_connections_own(account: Account) -> None:
    olga = account.vendor.add(OLGA)
    page = await account.open(name_format="{first} {last}").changes(None)
    while not page.changes:
        page = await account.open(name_format="{first} {last}").changes(page.cursor)
    assert [each.name for each in page.changes if each.external_id == olga] == ["Ольга Петрова"]  # type: ignore[union-attr]


async def test_one_of_a_company_has_its_name_first(account: Account) -> None:
    anna = account.vendor.add(Customer("Белова", "Анна", ("+375291112255",), "17", company="Ромашка"))
    there, _ = await account.walk()
    assert there[anna].name.startswith("Ромашка")


async def test_an_empty_account_is_walked_too(account: Account) -> None:
    there, cursor = await account.walk()
    assert there == {}
    assert (await account.walk(cursor))[0] == {}


async def test_what_changes_during_the_walk_is_not_lost(account: Account) -> None:
    given = list(account.fill(MANY))
    first = await account.open().changes(None)
    account.vendor.edit(given[0], Customer("Новый", "Олег", ("+375291119999",), "18"))
    late = account.vendor.add(OLGA)
    there: dict[str, Person] = {}
    apply(there, first.changes)
    rest, _ = await account.walk(first.cursor)
    there |= rest
    assert (there[given[0]].name, there[given[0]].responsible_id) == ("Новый Олег", "18")
    assert there[late].name == "Петрова Ольга"


async def test_an_edit_comes_with_the_next_changes(account: Account) -> None:
    olga, other = account.vendor.add(OLGA), account.vendor.add(ALIKE)
    _, cursor = await account.walk()
    account.vendor.edit(olga, Customer("Петрова", "Ольга", ("+375447654321",), "18"))
    changed, _ = await account.walk(cursor)
    assert (changed[olga].responsible_id, phones_of(changed[olga])) == ("18", {"+375447654321"})
    assert other not in changed or changed[other].responsible_id == "18"


async def test_a_page_may_be_read_twice(account: Account) -> None:
    account.fill(5)
    _, cursor = await account.walk()
    account.vendor.add(OLGA)
    assert (await account.walk(cursor))[0].keys() == (await account.walk(cursor))[0].keys()


async def test_one_who_was_deleted_is_told_or_missed(account: Account) -> None:
    given = list(account.fill(MANY))
    _, cursor = await account.walk()
    account.vendor.delete(given[7])
    there, _ = await account.walk(cursor, given[7])
    ids = await all_ids(account.open())
    assert (given[7] not in there) is account.vendor.feeds_deletions
    assert set(ids) == (set(given) - {given[7]} if account.vendor.sweeps else set())


async def test_one_who_was_merged_leaves_his_phones_to_the_other(account: Account) -> None:
    if not account.vendor.merges:
        pytest.skip("this vendor has no merges")
    joined, survivor = account.vendor.add(OLGA), account.vendor.add(ALIKE)
    there, cursor = await account.walk()
    account.vendor.merge(joined, survivor)
    page = await account.open().changes(cursor)
    apply(there, page.changes)
    if account.vendor.tells_merges:
        assert joined not in there
        assert any(isinstance(each, Gone | Merged) for each in page.changes)
    assert joined not in await all_ids(account.open())
    assert phones_of(there[survivor]) >= {"+375291112233", "+48291112233"}


async def test_people_are_read_by_id_and_the_gone_are_gone(account: Account) -> None:
    given = list(account.fill(60))
    account.vendor.delete(given[3])
    found = await account.open().people((*given[:50], "no such id, surely"))
    assert [each.external_id for each in found[:51]] == [*given[:50], "no such id, surely"]
    assert all(isinstance(each, Gone) for each in found[51:])
    assert [each.external_id for each in found[:51] if isinstance(each, Gone)] == [given[3], "no such id, surely"]


async def test_nobody_to_read_costs_no_request(account: Account) -> None:
    assert await account.open().people(()) == ()
    assert account.vendor.fake.seen == []


async def test_a_caller_is_found_whatever_the_phone_looks_like(account: Account) -> None:
    olga = replace(OLGA, phones=("80291112233",)) if account.vendor.searches_text else OLGA
    for customer in (ALIKE, olga):
        account.vendor.add(customer)
    found = await account.open().lookup("+375291112233", 5.0)
    mine = [each for each in found.people if "+375291112233" in phones_of(each)]
    assert [(each.name, each.responsible_id) for each in mine] == [("Петрова Ольга", "17")]
    assert set(found.extensions) <= {("17", "150"), ("18", "")}


async def test_a_field_may_hold_several_phones_and_words(account: Account) -> None:
    olga = account.vendor.add(Customer("Петрова", "Ольга", ("80291112233, +375447654321 Иван, доб. 12",), "17"))
    there, _ = await account.walk()
    assert set(owner(there[olga], "BY").phones) == {"+375291112233", "+375447654321"}
    [found] = (await account.open().lookup("+375447654321", 5.0)).people or [there[olga]]
    assert has_phone(found, "+375447654321", "BY")


async def test_a_caller_whom_nobody_knows_is_not_found(account: Account) -> None:
    account.vendor.add(OLGA)
    found = await account.open().lookup("+375337777777", 5.0)
    assert [each for each in found.people if "+375337777777" in phones_of(each)] == []


async def test_a_look_up_has_no_more_than_its_time(account: Account) -> None:
    account.vendor.fake.misdeeds += [hang] * 5
    began = asyncio.get_running_loop().time()
    with pytest.raises(CrmUnavailable):
        await account.open().lookup("+375291112233", 0.1)
    assert asyncio.get_running_loop().time() - began < 1.0


async def test_managers_are_told_on_all_pages(account: Account) -> None:
    for number in range(1000, 1000 + 320):
        account.vendor.add_manager(str(number), f"Менеджер{number}", "Олег", None)
    account.vendor.retire("18")
    found = {each.id: each for each in await account.open().managers()}
    assert found["17"].extension == ("150" if account.vendor.tells_extensions else None)
    assert ("Иванова" in found["17"].name, found["17"].is_active) == (True, True)
    assert len(found.keys() & {str(number) for number in range(1000, 1320)}) == 320
    assert "18" not in found or not found["18"].is_active


async def test_credentials_that_are_void_are_refused(account: Account, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    account.vendor.revoke()
    with pytest.raises(CrmRefused) as caught:
        await account.open().changes(None)
    assert not shows_secret(account, caught, caplog)


async def test_settings_that_lack_something_say_what(account: Account) -> None:
    given = dict.fromkeys(account.vendor.settings(account.port), "")
    with pytest.raises(CrmRefused) as caught:
        await account.open(**given).changes(None)
    assert any(name in str(caught.value) for name in given)


@pytest.mark.parametrize("ask", ["changes", "lookup", "managers"])
async def test_a_limit_is_told_with_its_seconds(account: Account, ask: str) -> None:
    account.vendor.fake.misdeeds.append(account.vendor.limited)
    with pytest.raises(CrmLimited) as caught:
        await asked(account, ask)
    assert caught.value.seconds == pytest.approx(account.vendor.limited_for, abs=1.5)


@pytest.mark.parametrize("misdeed", [html, broken_json, other_json, redirect, too_much])
@pytest.mark.parametrize("ask", ["changes", "lookup", "people"])
async def test_an_answer_that_cannot_be_used_is_malformed(account: Account, ask: str, misdeed: Any) -> None:
    account.vendor.fake.misdeeds += [misdeed] * 3
    with pytest.raises(CrmMalformed):
        await asked(account, ask)


@pytest.mark.parametrize("misdeed", [fail, cut])
@pytest.mark.parametrize("ask", ["changes", "lookup", "managers"])
async def test_a_failure_is_no_answer(account: Account, ask: str, misdeed: Any) -> None:
    account.vendor.fake.misdeeds += [misdeed] * 3
    with pytest.raises(CrmUnavailable):
        await asked(account, ask)


async def test_no_error_and_no_log_shows_a_secret(account: Account, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    for misdeed in (html, other_json, redirect, fail, cut, account.vendor.limited):
        account.vendor.fake.misdeeds[:] = [misdeed] * 3
        with pytest.raises(CrmUnavailable) as caught:
            await asked(account, "lookup")
        assert not shows_secret(account, caught, caplog)


async def test_each_request_waits_for_its_turn(account: Account) -> None:
    account.fill(MANY)
    await account.walk()
    await account.open().managers()
    await account.open().lookup("+375291112233", 5.0)
    assert account.turns == len(account.vendor.fake.seen)


async def test_the_budget_keeps_what_the_vendor_publishes_and_without_it_the_fake_complains(account: Account) -> None:
    account.fill(MANY)
    await account.walk()
    for _ in range(60):
        await account.open().lookup("+375291112233", 5.0)
    assert account.vendor.fake.refusals == []
    account.wait_for_turns = False
    for _ in range(60):
        await account.open().lookup("+375291112233", 5.0)
    assert bool(account.vendor.fake.refusals) is (account.vendor.fake.limit is not None)
    account.vendor.fake.refusals.clear()


async def test_a_run_that_is_out_of_time_ends_before_its_next_request(account: Account) -> None:
    account.stop_after = 0
    with pytest.raises(OutOfTime):
        await account.open().changes(None)
    assert account.vendor.fake.seen == []


async def test_a_cursor_that_is_not_its_own_is_refused(account: Account) -> None:
    for cursor in ("", "x", "[]", '{"a": 1}', "null"):
        with pytest.raises(CrmMalformed):
            await account.open().changes(cursor)


async def asked(account: Account, name: str) -> object:
    crm = account.open()
    if name == "lookup":
        found: Found = await crm.lookup("+375291112233", 5.0)
        return found
    if name == "people":
        return await crm.people((account.vendor.add(OLGA),))
    return await (crm.managers() if name == "managers" else crm.changes(None))


def shows_secret(account: Account, caught: Any, caplog: pytest.LogCaptureFixture) -> bool:
    shown = f"{caught.value!r} {caught.value.__cause__!r} {caplog.text}"
    return any(secret in shown for secret in account.vendor.secrets) or "375291112233" in shown
