"""What is RetailCRM's own: corporate customers, two histories, telephony, and the mirror that all of it makes."""

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse

from smart_redirect.errors import CrmMalformed, CrmRefused
from smart_redirect.usecases.sync_crm import Outcome
from tests.adapters.crm.shop import LONG, OLGA, PAVEL, Shop
from tests.fakes.crm.server import html
from tests.fakes.crm.vendor import Customer
from tests.usecases.mirrored import Mirrored


async def test_a_contact_person_has_the_company_s_name_and_its_manager_if_none_of_his_own(shop: Shop) -> None:
    pavel, olga = shop.vendor.add(PAVEL), shop.vendor.add(OLGA)
    shop.vendor.fake.link(7000, "ООО «Ромашка»", [int(pavel), int(olga)], 18)
    told, _ = await shop.fed()
    assert {(each.name, each.responsible_id) for each in told.values() if each} == {
        ("ООО «Ромашка» Белов Павел", "18"),
        ("ООО «Ромашка» Петрова Ольга", "17"),
    }


async def test_of_two_companies_the_one_with_a_manager_counts(shop: Shop) -> None:
    pavel = shop.vendor.add(PAVEL)
    shop.vendor.fake.link(7000, "Без менеджера", [int(pavel)], None)
    shop.vendor.fake.link(7001, "С менеджером", [int(pavel)], 18)
    person = (await shop.fed())[0][pavel]
    assert person is not None
    assert (person.name, person.responsible_id, person.is_company) == ("С менеджером Белов Павел", "18", True)


async def test_a_company_that_changes_changes_its_people(shop: Shop) -> None:
    pavel = shop.vendor.add(PAVEL)
    _, cursor = await shop.fed()
    shop.vendor.fake.link(7000, "Новое имя", [int(pavel)], 17)
    person = (await shop.fed(cursor))[0][pavel]
    assert person is not None
    assert (person.name, person.responsible_id) == ("Новое имя Белов Павел", "17")


async def test_a_company_s_change_is_read_in_the_same_run_as_a_customer_s(shop: Shop) -> None:
    olga, pavel = shop.vendor.add(OLGA), shop.vendor.add(PAVEL)
    shop.vendor.fake.link(7000, "Ромашка", [int(pavel)], 18)
    _, cursor = await shop.fed()
    shop.vendor.edit(olga, OLGA)
    shop.vendor.fake.link(7000, "Ромашка", [int(pavel)], 17)
    told, _ = await shop.fed(cursor)
    assert {(each.name, each.responsible_id) for each in told.values() if each} == {
        ("Петрова Ольга", "17"),
        ("Ромашка Белов Павел", "17"),
    }


async def test_a_list_without_its_number_of_pages_ends_nothing(shop: Shop) -> None:
    async def without_pages(_: Request) -> JSONResponse:
        return JSONResponse({"success": True, "history": [], "customers": []})

    shop.vendor.fake.misdeeds.append(without_pages)
    with pytest.raises(CrmMalformed):
        await shop.open().changes(None)


async def test_a_company_that_is_gone_leaves_its_people_without_it(shop: Shop) -> None:
    pavel = shop.vendor.add(PAVEL)
    shop.vendor.fake.link(7000, "Ромашка", [int(pavel)], 18)
    _, cursor = await shop.fed()
    shop.vendor.fake.unlink(7000)
    person = (await shop.fed(cursor))[0][pavel]
    assert person is not None
    assert (person.name, person.responsible_id) == ("Белов Павел", None)


async def test_a_history_of_many_rows_is_followed_to_its_end_and_each_is_read_once(shop: Shop) -> None:
    ids = [shop.vendor.add(OLGA) for _ in range(3)]
    _, cursor = await shop.fed()
    for _ in range(150):
        for each in ids:
            shop.vendor.edit(each, PAVEL)
    shop.vendor.fake.seen.clear()
    told, after = await shop.fed(cursor)
    assert {each.name for each in told.values() if each} == {"Белов Павел"}
    # Five pages of history with the people of each, and the other history.
    assert len(shop.vendor.fake.seen) <= 12
    shop.vendor.fake.wait(LONG)
    _, settled = await shop.fed(after)
    assert (await shop.fed(settled))[0] == {}


async def test_an_idle_sync_costs_two_requests(shop: Shop) -> None:
    shop.vendor.add(OLGA)
    shop.vendor.fake.wait(LONG)
    _, cursor = await shop.fed()
    shop.vendor.fake.seen.clear()
    await shop.fed(cursor)
    assert len(shop.vendor.fake.seen) == 2


async def test_one_who_is_deleted_and_merged_within_a_page_is_gone_once(shop: Shop) -> None:
    olga, pavel = shop.vendor.add(OLGA), shop.vendor.add(PAVEL)
    _, cursor = await shop.fed()
    shop.vendor.merge(olga, pavel)
    shop.vendor.delete(pavel)
    assert (await shop.fed(cursor))[0] == {olga: None, pavel: None}


async def test_a_look_up_by_telephony_is_one_request_and_brings_the_extension(shop: Shop) -> None:
    shop.vendor.add(OLGA)
    found = await shop.open().lookup("+375291112233", 5.0)
    assert (found.people[0].responsible_id, found.extensions) == ("17", (("17", "150"),))
    assert len(shop.vendor.fake.seen) == 1


async def test_without_the_telephony_module_a_look_up_knows_the_responsible_only(shop: Shop) -> None:
    shop.vendor.fake.has_telephony = False
    shop.vendor.add(OLGA)
    found = await shop.open().lookup("+375291112233", 5.0)
    assert (found.people[0].responsible_id, found.extensions) == ("17", ())


async def test_a_module_that_is_not_there_is_named(shop: Shop) -> None:
    with pytest.raises(CrmRefused, match="integration module another"):
        await shop.open(module="another").managers()


async def test_without_a_module_managers_have_no_extensions(shop: Shop) -> None:
    assert {each.extension for each in await shop.open(module=None).managers()} == {None}


async def test_an_account_that_does_not_exist_is_told_of_a_page(shop: Shop) -> None:
    shop.vendor.fake.misdeeds.append(html)
    with pytest.raises(CrmMalformed, match="such an account"):
        await shop.open().changes(None)


async def test_the_mirror_is_what_the_crm_is_after_edits_merges_and_deletions(shop: Shop, mirrored: Mirrored) -> None:
    ids = [shop.vendor.add(Customer("К", str(n), (f"8029{2000000 + n}",), "17")) for n in range(130)]
    assert await shop.sync(mirrored) is Outcome.DONE
    assert {(row[2], row[3]) for row in await mirrored.rows()} == {(n, str(m)) for n, m in shop.expected()}
    shop.vendor.merge(ids[0], ids[1])
    shop.vendor.delete(ids[2])
    shop.vendor.edit(ids[3], Customer("К", "3", (), "17"))
    shop.vendor.edit(ids[4], Customer("К", "4", ("8029 2000003",), "18"))
    assert await shop.sync(mirrored) is Outcome.DONE
    rows = await mirrored.rows()
    assert {(row[2], row[3]) for row in rows} == {(n, str(m)) for n, m in shop.expected()}
    assert {row[1] for row in rows if row[0] in {"+375292000000", "+375292000003"}} == {ids[1], ids[4]}


async def test_managers_reach_the_mirror_with_their_extensions(shop: Shop, mirrored: Mirrored) -> None:
    await shop.sync(mirrored)
    rows = await mirrored.pool.fetch("SELECT id, extension FROM crm_managers ORDER BY id")
    assert [tuple(row) for row in rows] == [("17", "150"), ("18", "151")]
