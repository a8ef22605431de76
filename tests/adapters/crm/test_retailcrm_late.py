"""What RetailCRM shows late is not lost: transactions that take long, lists behind their history, companies left."""

from smart_redirect.domain.crm import Gone
from smart_redirect.usecases.sync_crm import Outcome
from tests.adapters.crm.shop import LONG, OLGA, PAVEL, Shop
from tests.adapters.crm.test_adapters import all_ids
from tests.fakes.crm.vendor import Customer
from tests.usecases.mirrored import Mirrored


async def test_a_row_that_commits_after_one_with_a_higher_id_is_read(shop: Shop) -> None:
    olga, pavel = shop.vendor.add(OLGA), shop.vendor.add(PAVEL)
    _, cursor = await shop.fed()
    shop.vendor.fake.commits_late = True
    shop.vendor.edit(olga, Customer("Новая", "Ольга", OLGA.phones, "18"))
    shop.vendor.fake.commits_late = False
    shop.vendor.edit(pavel, PAVEL)
    _, cursor = await shop.fed(cursor)
    shop.vendor.fake.wait(60)
    shop.vendor.fake.catch_up()
    person = (await shop.fed(cursor))[0][olga]
    assert person is not None
    assert (person.name, person.responsible_id) == ("Новая Ольга", "18")


async def test_one_who_commits_late_while_everybody_is_read_first_is_met(shop: Shop) -> None:
    shop.vendor.add(PAVEL)
    shop.vendor.fake.commits_late = True
    olga = shop.vendor.add(OLGA)
    shop.vendor.fake.commits_late = False
    shop.vendor.add(PAVEL)
    _, cursor = await shop.fed()
    shop.vendor.fake.wait(60)
    shop.vendor.fake.catch_up()
    assert olga in (await shop.fed(cursor))[0]


async def test_one_whom_the_lists_do_not_show_yet_is_read_again_and_not_gone(shop: Shop) -> None:
    shop.vendor.add(PAVEL)
    _, cursor = await shop.fed()
    shop.vendor.fake.lags = True
    olga = shop.vendor.add(OLGA)
    told, cursor = await shop.fed(cursor)
    assert olga not in told
    shop.vendor.fake.wait(60)
    shop.vendor.fake.catch_up()
    assert (await shop.fed(cursor))[0][olga] is not None


async def test_one_whom_the_lists_still_show_is_gone_as_soon_as_they_do_not(shop: Shop) -> None:
    olga = shop.vendor.add(OLGA)
    _, cursor = await shop.fed()
    shop.vendor.fake.lags = True
    shop.vendor.delete(olga)
    _, cursor = await shop.fed(cursor)
    shop.vendor.fake.wait(60)
    shop.vendor.fake.catch_up()
    assert (await shop.fed(cursor))[0] == {olga: None}


async def test_one_who_is_in_the_history_and_nowhere_else_is_gone_in_the_end(shop: Shop) -> None:
    _, cursor = await shop.fed()
    shop.vendor.fake.change("customers", 77)
    told, cursor = await shop.fed(cursor)
    assert told == {}
    shop.vendor.fake.wait(LONG)
    assert (await shop.open().changes(cursor)).changes == (Gone("77"),)


async def test_what_has_settled_is_not_read_again(shop: Shop) -> None:
    _, cursor = await shop.fed()
    olga = shop.vendor.add(OLGA)
    for _ in range(2):
        told, cursor = await shop.fed(cursor)
        assert set(told) == {olga}
    shop.vendor.fake.wait(LONG)
    _, cursor = await shop.fed(cursor)
    shop.vendor.fake.seen.clear()
    assert (await shop.fed(cursor))[0] == {}
    assert len(shop.vendor.fake.seen) == 2


async def test_a_feed_that_is_busy_is_read_to_its_end_and_not_again_from_its_beginning(shop: Shop) -> None:
    olga = shop.vendor.add(OLGA)
    _, cursor = await shop.fed()
    for _ in range(2500):
        shop.vendor.fake.change("customers", int(olga))
    told, cursor = await shop.fed(cursor)
    shop.vendor.fake.seen.clear()
    again, _ = await shop.fed(cursor)
    assert set(told) == set(again) == {olga}
    # Of 25 pages the last ten, with the people of each, and the other history.
    assert len(shop.vendor.fake.seen) <= 22


async def test_a_first_load_of_a_busy_account_goes_back_no_further_than_that(shop: Shop) -> None:
    olga = shop.vendor.add(OLGA)
    for _ in range(2500):
        shop.vendor.fake.change("customers", int(olga))
    assert set((await shop.fed())[0]) == {olga}
    assert len(shop.vendor.fake.seen) <= 40


async def test_a_history_without_times_is_read_as_one_that_has_settled(shop: Shop) -> None:
    _, cursor = await shop.fed()
    olga = shop.vendor.add(OLGA)
    shop.vendor.fake.histories["customers"][-1]["createdAt"] = None
    told, cursor = await shop.fed(cursor)
    assert set(told) == {olga}
    assert (await shop.fed(cursor))[0] == {}


async def test_a_cursor_of_the_release_before_is_gone_on_from(shop: Shop) -> None:
    olga = shop.vendor.add(OLGA)
    before = '{"customers": 8, "corporate": 8, "walk": 0, "contacts": 0, "passes": 1}'
    assert set((await shop.fed(before))[0]) == {olga}


async def test_a_sweep_walks_everybody(shop: Shop) -> None:
    given = [shop.vendor.add(OLGA) for _ in range(130)]
    assert list(await all_ids(shop.open())) == given


async def test_a_sweep_mends_what_no_history_ever_told(shop: Shop, mirrored: Mirrored) -> None:
    lost, stays = shop.vendor.add(OLGA), shop.vendor.add(PAVEL)
    await shop.sync(mirrored)
    shop.vendor.fake.put("customers", int(lost), None)
    shop.vendor.add(OLGA)
    shop.vendor.fake.histories["customers"].pop()
    assert await shop.sync(mirrored) is Outcome.DONE
    assert {row[1] for row in await mirrored.rows()} == {stays, "103"}


async def test_one_who_has_left_a_company_is_without_it(shop: Shop) -> None:
    olga, pavel = shop.vendor.add(OLGA), shop.vendor.add(PAVEL)
    shop.vendor.fake.link(7000, "Ромашка", [int(olga), int(pavel)], 18)
    shop.vendor.fake.wait(LONG)
    _, cursor = await shop.fed()
    shop.vendor.fake.link(7000, "Ромашка", [int(olga)], 18)
    told, _ = await shop.fed(cursor)
    assert {each.name for each in told.values() if each} == {"Ромашка Петрова Ольга", "Белов Павел"}


async def test_everybody_is_read_again_once_a_day_at_most_for_those_who_leave_companies(shop: Shop) -> None:
    olga, pavel = shop.vendor.add(OLGA), shop.vendor.add(PAVEL)
    shop.vendor.fake.link(7000, "Ромашка", [int(pavel)], 18)
    shop.vendor.fake.link(7001, "Лютик", [int(olga)], 18)
    shop.vendor.fake.wait(LONG)
    _, cursor = await shop.fed()
    shop.vendor.fake.unlink(7000)
    _, cursor = await shop.fed(cursor)
    shop.vendor.fake.unlink(7001)
    told, cursor = await shop.fed(cursor)
    assert told == {}
    shop.vendor.fake.wait(86_400)
    assert {each.name for each in (await shop.fed(cursor))[0].values() if each} == {"Петрова Ольга", "Белов Павел"}


async def test_reading_everybody_again_leaves_time_for_the_changes(shop: Shop) -> None:
    given = [shop.vendor.add(OLGA) for _ in range(2300)]
    shop.vendor.fake.link(7000, "Ромашка", [int(given[-1])], 18)
    shop.vendor.fake.wait(LONG)
    _, cursor = await shop.fed()
    shop.vendor.fake.unlink(7000)
    told, cursor = await shop.fed(cursor)
    assert len(told) == 2000
    shop.vendor.edit(given[0], PAVEL)
    told, _ = await shop.fed(cursor)
    assert {each.name for each in (told[given[0]], told[given[-1]]) if each} == {"Белов Павел", "Петрова Ольга"}


async def test_rows_that_are_long_come_in_pages_that_are_short(shop: Shop) -> None:
    given = [shop.vendor.add(OLGA) for _ in range(110)]
    for each in given[:100]:
        row = shop.vendor.fake.customers[int(each)]
        shop.vendor.fake.put("customers", int(each), {**row, "customFields": {"comment": "ж" * 6000}})
    told, cursor = await shop.fed()
    assert set(told) == set(given)
    assert list(await all_ids(shop.open())) == given
    assert len(await shop.open().people(tuple(given))) == 110
    shop.vendor.edit(given[0], PAVEL)
    assert set((await shop.fed(cursor))[0]) >= {given[0]}
