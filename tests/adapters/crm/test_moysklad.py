"""What is MoySklad's own: contact persons, archived rows, the Phone API, times of Moscow, limits in milliseconds."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from time import monotonic

import pytest

from smart_redirect.adapters.crm import moysklad
from smart_redirect.adapters.crm.moysklad_cursor import Cursor, resumed
from smart_redirect.adapters.crm.outbound import Outbound
from smart_redirect.adapters.memory_tokens import MemoryTokens
from smart_redirect.adapters.postgres.budgets import PostgresBudgets
from smart_redirect.adapters.postgres.mirror import PostgresMirror
from smart_redirect.domain.crm import Found, Gone, Ids, Person
from smart_redirect.domain.crm_mirror import written_phones
from smart_redirect.errors import CrmMalformed, CrmRefused
from smart_redirect.usecases.in_slices import owners_of
from smart_redirect.usecases.pace import Pace
from smart_redirect.usecases.ports_crm import Access, Crm
from smart_redirect.usecases.ports_mirror import Account, Turn
from smart_redirect.usecases.sync_crm import Outcome, Rhythm, SyncCrm
from tests.adapters.crm.reading import no_wait
from tests.fakes.crm.moysklad import LOGIN, PASSWORD, MoySklad
from tests.fakes.crm.server import serving
from tests.fakes.crm.vendor import Customer
from tests.usecases.mirrored import EVERY_TIME, KEY, Mirrored

FIRM = Customer("", "", ("+375 17 200-00-00",), "17", company="ООО «Ромашка»")
OLGA = Customer("Петрова", "Ольга", ("8 (029) 111-22-33; 8 017 200 11 22",), "17")


@dataclass
class Shop:
    """An account and the adapter on it."""

    vendor: MoySklad
    http: Outbound
    port: int

    def open(self, **given: object) -> Crm:
        settings = {**self.vendor.settings(self.port), **given}
        return moysklad.make(self.http, Access(settings, "BY", no_wait, MemoryTokens()))

    def open_account(self, account: Account, turn: Turn) -> Crm:
        access = Access(self.vendor.settings(self.port), account.country, turn, MemoryTokens())
        return moysklad.make(self.http, access)

    async def fed(self, cursor: str | None = None) -> tuple[dict[str, Person], str]:
        told: dict[str, Person] = {}
        while True:
            page = await self.open().changes(cursor)
            told |= {each.external_id: each for each in page.changes if isinstance(each, Person)}
            cursor = page.cursor
            if not page.more:
                return told, cursor

    async def sync(self, mirrored: Mirrored, rhythm: Rhythm = EVERY_TIME) -> Outcome:
        pace = Pace(PostgresBudgets(mirrored.pool), monotonic)
        return await SyncCrm(PostgresMirror(mirrored.pool), self.open_account, pace, rhythm)(KEY)


@pytest.fixture
async def shop(outbound: Outbound) -> AsyncIterator[Shop]:
    vendor = MoySklad()
    async with serving(vendor.fake) as port:
        yield Shop(vendor, outbound, port)
    assert vendor.fake.refusals == []


async def test_with_a_counterparty_that_is_gone_go_its_contact_persons(shop: Shop) -> None:
    firm = shop.vendor.add(FIRM)
    [pavel] = shop.vendor.set_persons(firm, ("Белов Павел", "8 029 111-22-55"))
    shop.vendor.delete_at_once(firm)
    gone = await shop.open().people((firm,))
    assert gone[0] == Gone(firm)
    assert Gone(pavel) in gone


async def test_a_contact_person_is_somebody_with_the_company_s_name_and_responsible(shop: Shop) -> None:
    firm = shop.vendor.add(FIRM)
    [pavel] = shop.vendor.set_persons(firm, ("Белов Павел", "8 029 111-22-55"))
    told, _ = await shop.fed()
    assert (told[firm].name, told[firm].phones) == ("ООО «Ромашка»", ("+375 17 200-00-00",))
    assert (told[pavel].name, told[pavel].responsible_id) == ("ООО «Ромашка» Белов Павел", "17")
    assert await shop.open().people((pavel,)) == (told[pavel],)


async def test_a_contact_person_is_found_by_a_look_up_if_the_search_sees_his_digits(shop: Shop) -> None:
    shop.vendor.fake.strips = True
    firm = shop.vendor.add(FIRM)
    [pavel] = shop.vendor.set_persons(firm, ("Белов Павел", "8 029 111-22-55"))
    found = await shop.open().lookup("+375291112255", 5.0)
    assert pavel in {each.external_id for each in found.people}


async def test_several_phones_in_the_one_field_are_several(shop: Shop) -> None:
    olga = shop.vendor.add(OLGA)
    assert written_phones((await shop.fed())[0][olga]) == ("8 (029) 111-22-33", "8 017 200 11 22")


async def test_a_list_of_contact_persons_that_is_cut_is_read_to_its_end(shop: Shop) -> None:
    firm = shop.vendor.add(FIRM)
    shop.vendor.fake.inlined = 2
    ids = shop.vendor.set_persons(firm, *((f"Лицо {n}", f"8 029 333-00-{n:02}") for n in range(7)))
    assert set(ids) <= (await shop.fed())[0].keys()


async def test_archived_counterparties_are_kept_and_come_after_all_others(shop: Shop) -> None:
    firm, olga = shop.vendor.add(FIRM), shop.vendor.add(Customer("Петрова", "Ольга", FIRM.phones))
    shop.vendor.set_persons(firm, ("Белов Павел", FIRM.phones[0]))
    shop.vendor.fake.counterparties[firm]["archived"] = True
    told, _ = await shop.fed()
    assert len(told) == 3
    owners = await owners_of(Found(tuple(told.values())), "BY", "+375172000000")
    assert owners[0].external_id == olga


async def test_a_look_up_finds_who_is_archived(shop: Shop) -> None:
    shop.vendor.fake.strips = True
    shop.vendor.fake.counterparties[shop.vendor.add(OLGA)]["archived"] = True
    assert [each.name for each in (await shop.open().lookup("+375291112233", 5.0)).people] == ["Петрова Ольга"]


@pytest.mark.parametrize(("phone", "requests"), [("375291112233", 2), ("8 (029) 111-22-33", 2), ("291112233", 1)])
async def test_a_search_by_beginnings_of_words_is_helped_by_the_phone_s_end(
    shop: Shop, phone: str, requests: int
) -> None:
    shop.vendor.add(Customer("Петрова", "Ольга", (phone,)))
    found = await shop.open().lookup("+375291112233", 5.0)
    assert len(found.people) == (0 if " " in phone else 1)
    assert len(shop.vendor.fake.seen) == requests


async def test_a_search_that_sees_the_digits_of_a_formatted_phone_finds_it_at_once(shop: Shop) -> None:
    shop.vendor.fake.strips = True
    olga = shop.vendor.add(Customer("Петрова", "Ольга", ("8 (029) 111-22-33",)))
    found = await shop.open().lookup("+375291112233", 5.0)
    assert ([each.external_id for each in found.people], len(shop.vendor.fake.seen)) == ([olga], 1)


async def test_no_import_is_read_again_with_every_run(shop: Shop) -> None:
    for _ in range(130):
        shop.vendor.add(OLGA)
    for row in shop.vendor.fake.counterparties.values():
        row["updated"] = "2026-11-05 10:00:00.123"
    _, cursor = await shop.fed()
    shop.vendor.fake.seen.clear()
    assert (await shop.fed(cursor))[0] == {}
    assert len(shop.vendor.fake.seen) == 2


@pytest.mark.parametrize(
    ("ago", "back"), [(30.0, 90.0), (-5.0, 120.0), (-9999.0, 120.0), (120.0, 0.0), (599.0, 0.0), (600.0, -1.0)]
)
def test_two_minutes_are_read_again_as_long_as_they_are_fresh(ago: float, back: float) -> None:
    newest = datetime(2026, 11, 5, 10, 0)
    now = datetime(2026, 11, 5, 7, 0, tzinfo=UTC).timestamp() + ago
    resumed_at = datetime.fromisoformat(resumed(str(newest), lambda: now))
    assert newest - resumed_at == timedelta(seconds=back)


async def test_extensions_come_from_the_phone_api_if_there_is_a_token(shop: Shop) -> None:
    shop.vendor.add_manager("17", "Иванова", "Анна", "150")
    assert [each.extension for each in await shop.open().managers()] == ["150"]
    assert [each.extension for each in await shop.open(phone_token="").managers()] == [None]


async def test_a_phone_token_that_is_void_is_refused(shop: Shop) -> None:
    with pytest.raises(CrmRefused):
        await shop.open(phone_token="another").managers()


async def test_login_and_password_go_as_basic(shop: Shop) -> None:
    shop.vendor.add_manager("17", "Иванова", "Анна", "150")
    by_login = shop.open(token="", login=LOGIN, password=PASSWORD)
    assert [each.id for each in await by_login.managers()] == ["17"]
    with pytest.raises(CrmRefused, match="401, error 1056"):
        await shop.open(token="", login=LOGIN, password="another").managers()


async def test_a_bulk_import_of_one_second_is_read_to_its_end(shop: Shop) -> None:
    ids = [shop.vendor.add(OLGA) for _ in range(350)]
    for row in shop.vendor.fake.counterparties.values():
        row["updated"] = "2026-11-05 10:00:00.123"
    assert set(ids) == (await shop.fed())[0].keys()


async def test_one_who_is_edited_while_the_list_is_read_hides_nobody(shop: Shop) -> None:
    ids = [shop.vendor.add(OLGA) for _ in range(250)]
    first = await shop.open().changes(None)
    for each in ids[:20]:
        shop.vendor.edit(each, OLGA)
    rest, _ = await shop.fed(first.cursor)
    assert {each.external_id for each in first.changes if isinstance(each, Person)} | rest.keys() == set(ids)


@pytest.mark.parametrize(
    "external_id", ["x;archived=true", "a/b/c", "/x", "", "ж" * 36, "101", f"{'0' * 8}-0000-0000-0000-{'0' * 12}/x"]
)
async def test_an_id_that_is_none_changes_no_filter(shop: Shop, external_id: str) -> None:
    assert await shop.open().people((external_id,)) == (Gone(external_id),)
    assert shop.vendor.fake.seen == []


async def lost(shop: Shop, cursor: str | None) -> tuple[list[str], str]:
    """Follow the changes; return which counterparties they call gone, and the cursor."""
    gone: list[str] = []
    while True:
        page = await shop.open().changes(cursor)
        gone += [each.external_id for each in page.changes if isinstance(each, Gone) and "/" not in each.external_id]
        cursor = page.cursor
        if not page.more:
            return gone, cursor


async def test_many_deleted_at_once_are_all_told(shop: Shop) -> None:
    ids = [shop.vendor.add(OLGA) for _ in range(80)]
    _, cursor = await lost(shop, None)
    shop.vendor.delete_at_once(*ids[:60])
    assert set((await lost(shop, cursor))[0]) == set(ids[:60])


async def test_many_deletions_one_by_one_are_each_told_once(shop: Shop) -> None:
    ids = [shop.vendor.add(OLGA) for _ in range(230)]
    _, cursor = await lost(shop, None)
    for each in ids:
        shop.vendor.delete(each)
    gone, cursor = await lost(shop, cursor)
    assert sorted(gone) == sorted(ids)
    assert (await lost(shop, cursor))[0] == []


async def test_a_run_in_which_nothing_changed_takes_two_requests(shop: Shop) -> None:
    shop.vendor.delete(shop.vendor.add(OLGA))
    _, cursor = await lost(shop, None)
    shop.vendor.fake.seen.clear()
    await lost(shop, cursor)
    assert len(shop.vendor.fake.seen) == 2


@pytest.mark.parametrize("count", [3, 130])
async def test_deletions_of_just_now_are_asked_for_again_and_read_once(shop: Shop, count: int) -> None:
    shop.vendor.fake.start = datetime.now(UTC).replace(tzinfo=None) + timedelta(hours=3)
    ids = [shop.vendor.add(OLGA) for _ in range(count)]
    _, cursor = await lost(shop, None)
    for each in ids:
        shop.vendor.delete(each)
    gone, cursor = await lost(shop, cursor)
    shop.vendor.fake.seen.clear()
    assert (len(gone), (await lost(shop, cursor))[0]) == (count, [])
    assert not [each for each in shop.vendor.fake.seen if each.endswith("/events")]


async def test_a_deletion_before_the_right_is_told_when_the_right_is_given(shop: Shop) -> None:
    shop.vendor.fake.may_audit = False
    olga = shop.vendor.add(OLGA)
    _, cursor = await lost(shop, None)
    shop.vendor.delete(olga)
    gone, cursor = await lost(shop, cursor)
    shop.vendor.fake.may_audit = True
    assert (gone, (await lost(shop, cursor))[0]) == ([], [olga])


async def test_without_the_right_all_ids_are_told_and_with_it_none(shop: Shop) -> None:
    firm = shop.vendor.add(FIRM)
    persons = shop.vendor.set_persons(firm, ("Белов Павел", "8 029 111-22-55"), ("Чернов Олег", ""))
    others = [shop.vendor.add(OLGA) for _ in range(130)]
    assert await shop.open().ids(None) == Ids((), None)
    shop.vendor.fake.may_audit = False
    first = await shop.open().ids(None)
    second = await shop.open().ids(first.cursor)
    assert {*first.external_ids, *second.external_ids} == {firm, *persons, *others}
    assert second.cursor is None


async def test_a_cursor_of_the_audit_that_is_none_is_refused(shop: Shop) -> None:
    with pytest.raises(CrmMalformed):
        await shop.open().changes(Cursor(deleted="yesterday").text)


@pytest.mark.parametrize("may_audit", [True, False])
async def test_the_mirror_is_what_the_account_is(shop: Shop, mirrored: Mirrored, may_audit: bool) -> None:
    shop.vendor.fake.may_audit = may_audit
    firm, other, olga, twin = (shop.vendor.add(each) for each in (FIRM, FIRM, OLGA, OLGA))
    shop.vendor.set_persons(firm, ("Белов Павел", "8 029 111-22-55"), ("Чернов Олег", "8 029 111-22-66"))
    shop.vendor.set_persons(other, ("Белов Пётр", "8 029 111-22-77"))
    assert await shop.sync(mirrored) is Outcome.DONE
    assert len(await mirrored.rows()) == 9
    shop.vendor.set_persons(firm, ("Чернов Олег", "8 029 111-22-66, 8 029 111-22-55"))
    shop.vendor.edit(olga, Customer("Новая", "Ольга", ("+375 29 111-22-88",), "18"))
    shop.vendor.delete(other)
    shop.vendor.merge(twin, olga)
    assert await shop.sync(mirrored) is Outcome.DONE
    assert {(row[0], row[1]) for row in await mirrored.rows()} == {
        *(("+375172000000", firm), ("+375291112266", f"{firm}/0"), ("+375291112255", f"{firm}/0")),
        *(("+375291112288", olga), ("+375291112233", olga), ("+375172001122", olga)),
    }


async def test_who_leaves_or_is_deleted_is_gone_without_a_sweep(shop: Shop, mirrored: Mirrored) -> None:
    firm, other = shop.vendor.add(FIRM), shop.vendor.add(OLGA)
    shop.vendor.set_persons(firm, ("Белов Павел", "8 029 111-22-55"), ("Чернов Олег", "8 029 111-22-66"))
    shop.vendor.set_persons(other, ("Белов Пётр", "8 029 111-22-77"))
    await shop.sync(mirrored)
    shop.vendor.set_persons(firm, ("Чернов Олег", "8 029 111-22-66"))
    shop.vendor.delete(other)
    assert await shop.sync(mirrored, Rhythm(sync=0.0)) is Outcome.DONE
    assert {row[0] for row in await mirrored.rows()} == {"+375172000000", "+375291112266"}
