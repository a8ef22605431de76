"""What is Bitrix24's own: three kinds, chained pages, companies' names, errors by their code."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from smart_redirect.adapters.crm import bitrix24
from smart_redirect.adapters.crm.bitrix24_errors import TokenExpired
from smart_redirect.adapters.crm.bitrix24_people import writings
from smart_redirect.adapters.crm.outbound import Outbound
from smart_redirect.adapters.memory_tokens import MemoryTokens
from smart_redirect.domain.crm import Gone, Page, Person
from smart_redirect.domain.phone import normalise
from smart_redirect.errors import CrmLimited, CrmMalformed, CrmRefused, CrmUnavailable
from smart_redirect.usecases.ports_crm import Access, Crm
from tests.fakes.crm.bitrix24 import CODE, Bitrix24
from tests.fakes.crm.server import Misdeed, serving
from tests.fakes.crm.vendor import Customer

ANNA = Customer("Белова", "Анна", ("+375291112255",), "17")
ASKED = "+375291112255"


async def at_once() -> None:
    """No turn is waited for."""


@dataclass
class Portal:
    """A portal and our adapter on it."""

    vendor: Bitrix24
    http: Outbound
    port: int

    def open(self, **settings: object) -> Crm:
        given = {**self.vendor.settings(self.port), **settings}
        return bitrix24.make(self.http, Access(given, "BY", at_once, MemoryTokens()))

    async def walk(self, cursor: str | None = None, **settings: object) -> tuple[dict[str, Person], str]:
        there: dict[str, Person] = {}
        while True:
            page: Page = await self.open(**settings).changes(cursor)
            there |= {each.external_id: each for each in page.changes if isinstance(each, Person)}
            cursor = page.cursor
            if not page.more:
                return there, cursor

    async def hits(self, work: Any) -> int:
        """Say how many requests some work costs."""
        self.vendor.fake.seen.clear()
        await work
        return len(self.vendor.fake.seen)

    def fill(self, count: int, kind: str = "contact") -> set[str]:
        return {
            self.vendor.add(Customer(f"Клиент{n}", "Иван", (f"8029{1000000 + n}",), "17"), kind) for n in range(count)
        }

    def later(self) -> None:
        """Let so much time pass that the window of the increments has nothing of before."""
        self.vendor.fake.tick(600)


@pytest.fixture
async def portal(outbound: Outbound) -> AsyncIterator[Portal]:
    vendor = Bitrix24()
    vendor.add_manager("17", "Иванова", "Анна", "150")
    async with serving(vendor.fake) as port:
        yield Portal(vendor, outbound, port)
    assert vendor.fake.refusals == []


# --- kinds and names


async def test_one_number_is_three_people_of_three_kinds(portal: Portal) -> None:
    given = {portal.vendor.add(ANNA, kind) for kind in ("contact", "lead")} | {portal.vendor.add_company("Ромашка")}
    there, _ = await portal.walk()
    assert set(there) == given == {"contact:101", "lead:101", "company:101"}
    assert [key for key, each in there.items() if each.is_lead] == ["lead:101"]
    assert [key for key, each in there.items() if each.is_company] == ["company:101"]


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"TITLE": "Заявка"}, "Белова Анна"),
        ({"TITLE": "Заявка", "NAME": None, "LAST_NAME": None}, "Заявка"),
        ({"TITLE": "Заявка", "COMPANY_TITLE": "Ромашка"}, "Ромашка Белова Анна"),
    ],
)
async def test_a_lead_is_a_person_before_it_is_a_request(portal: Portal, fields: dict[str, Any], name: str) -> None:
    lead = portal.vendor.add(ANNA, "lead")
    portal.vendor.change(lead, **fields)
    there, _ = await portal.walk()
    assert there[lead].name == name


@pytest.mark.parametrize("value", [False, "false", 0])
async def test_leads_can_be_left_out(portal: Portal, value: object) -> None:
    lead, contact = portal.vendor.add(ANNA, "lead"), portal.vendor.add(ANNA)
    crm = portal.open(leads=value)
    assert set((await portal.walk(leads=value))[0]) == {contact}
    assert await crm.people((lead,)) == (Gone(lead),)
    assert [each.external_id for each in (await crm.lookup(ASKED, 5.0)).people] == [contact]
    assert not any("lead" in each for each in portal.vendor.fake.commands)


async def test_a_walk_of_leads_that_are_left_out_meanwhile_ends(portal: Portal) -> None:
    portal.fill(60, "lead")
    page = await portal.open().changes(None)
    there, cursor = await portal.walk(page.cursor, leads=False)
    assert (there, "lead" in cursor) == ({}, False)


async def test_a_company_has_its_phones_and_its_title(portal: Portal) -> None:
    company = portal.vendor.add_company("ООО «Ромашка»", ("+375172001122",))
    there, _ = await portal.walk()
    assert (there[company].name, there[company].phones, there[company].responsible_id) == (
        "ООО «Ромашка»",
        ("+375172001122",),
        "17",
    )


async def test_the_new_name_of_a_company_reaches_its_contacts(portal: Portal) -> None:
    employee = portal.vendor.add(Customer("Белова", "Анна", ("+375291112255",), "17", company="Ромашка"))
    portal.vendor.add(ANNA)
    _, cursor = await portal.walk()
    portal.later()
    cursor = (await portal.walk(cursor))[1]
    portal.vendor.change("company:101", TITLE="Василёк")
    changed, _ = await portal.walk(cursor)
    assert {key: each.name for key, each in changed.items()} == {
        "company:101": "Василёк",
        employee: "Василёк Белова Анна",
    }


@pytest.mark.parametrize("pages", [1, 10])
async def test_all_contacts_of_all_renamed_companies_are_read_again(portal: Portal, pages: int) -> None:
    given = [portal.vendor.add(Customer(f"К{n}", "", (), "17", company=f"Ф{n}")) for n in range(120)]
    for each in given[:60]:
        portal.vendor.change(each, COMPANY_ID="101")
    _, cursor = await portal.walk()
    portal.later()
    cursor = (await portal.walk(cursor))[1]
    for number in range(101, 221):
        portal.vendor.change(f"company:{number}", TITLE=f"Новая{number}")
    changed, _ = await portal.walk(cursor, pages=pages)
    assert {key for key in changed if key.startswith("contact:")} == set(given)
    assert all(changed[key].name.startswith("Новая") for key in given)


# --- pages


@pytest.mark.parametrize("count", [0, 49, 50, 51, 549, 550, 551, 1230])
async def test_a_walk_meets_everybody_wherever_its_pages_end(portal: Portal, count: int) -> None:
    given = portal.fill(count)
    there, _ = await portal.walk()
    assert set(there) == given


async def test_a_walk_reads_ten_pages_with_a_request(portal: Portal) -> None:
    portal.fill(1049)
    # One page of each kind, two times ten of contacts; the increments with what was made in their two minutes.
    assert await portal.hits(portal.walk()) == 1 + 2 + 2


async def test_a_sync_without_changes_is_one_request(portal: Portal) -> None:
    portal.fill(200)
    _, cursor = await portal.walk()
    portal.later()
    _, cursor = await portal.walk(cursor)
    portal.later()
    assert await portal.hits(portal.walk(cursor)) == 1


async def test_many_changes_at_once_come_all(portal: Portal) -> None:
    given = portal.fill(1230)
    _, cursor = await portal.walk()
    portal.later()
    cursor = (await portal.walk(cursor))[1]
    for each in given:
        portal.vendor.change(each, ASSIGNED_BY_ID="18")
    changed, _ = await portal.walk(cursor)
    assert set(changed) == given
    assert {each.responsible_id for each in changed.values()} == {"18"}


async def test_who_is_changed_between_two_pages_moves_nobody_out_of_sight(portal: Portal) -> None:
    given = portal.fill(700)
    page = await portal.open().changes(None)
    portal.vendor.delete("contact:102")
    portal.vendor.change("contact:101", LAST_NAME="Новый")
    portal.later()
    there, _ = await portal.walk(page.cursor)
    met = {each.external_id for each in page.changes} | set(there)
    assert (met, there["contact:101"].name) == (given, "Новый Иван")


async def test_a_portal_that_knows_no_references_is_walked_page_by_page(portal: Portal) -> None:
    given = portal.fill(230)
    portal.vendor.fake.knows_references = False
    there, _ = await portal.walk()
    assert set(there) == given


async def test_the_longest_usual_rows_fit_into_an_answer(portal: Portal) -> None:
    long = Customer("Ж" * 50, "Ж" * 50, ("+375291112255", "+375291112256", "+375291112257"), "17")
    given = [portal.vendor.add(long) for _ in range(600)]
    for each in given:
        portal.vendor.row(each)["SECOND_NAME"] = "Ж" * 50
    there, _ = await portal.walk()
    assert set(there) == set(given)


async def test_rows_that_are_too_long_can_be_read_in_fewer_pages(portal: Portal) -> None:
    many = Customer("Ж" * 50, "Ж" * 50, tuple(f"+37529{1000000 + n}" for n in range(30)), "17")
    given = {portal.vendor.add(many) for _ in range(600)}
    with pytest.raises(CrmMalformed, match="1 MB"):
        await portal.walk()
    assert set((await portal.walk(pages=2))[0]) == given


async def test_pages_that_stand_still_are_malformed(portal: Portal) -> None:
    page = json.dumps({"result": {"result": {"contact0": [{"ID": "5"}]}}, "time": {}})

    async def again(_: Request) -> Response:
        return Response(page, media_type="application/json")

    portal.vendor.fake.misdeeds.append(again)
    at = {"since": "", "following": "2026-11-20T12:00:00+03:00", "left": {"contact": 9}, "contact": 0, "done": 0}
    with pytest.raises(CrmMalformed, match="do not go on"):
        await portal.open().changes(json.dumps(at))


async def test_ids_of_all_kinds_are_told_with_the_kind(portal: Portal) -> None:
    given = portal.fill(2051) | portal.fill(3, "lead") | {portal.vendor.add_company("Ромашка")}
    crm, found, cursor, hits = portal.open(), list[str](), None, 0
    while hits == 0 or cursor is not None:
        page = await crm.ids(cursor)
        found, cursor, hits = [*found, *page.external_ids], page.cursor, hits + 1
    assert (sorted(found), hits) == (sorted(given), 4)


@pytest.mark.parametrize("cursor", ["", "[]", '{"kind": "deal", "after": 0}', '{"kind": "lead"}'])
async def test_a_foreign_cursor_of_the_ids_is_refused(portal: Portal, cursor: str) -> None:
    with pytest.raises(CrmMalformed):
        await portal.open().ids(cursor)


async def test_people_of_all_kinds_are_read_with_one_request(portal: Portal) -> None:
    given = (portal.vendor.add(ANNA), portal.vendor.add(ANNA, "lead"), portal.vendor.add_company("Ромашка"))
    found = await portal.open().people((*given, "101", "deal:5", "contact:x", "contact:999"))
    assert [type(each) for each in found] == [Person] * 3 + [Gone] * 4
    assert len(portal.vendor.fake.seen) == 1


# --- look-ups


async def test_a_stranger_costs_one_request_and_an_owner_two(portal: Portal) -> None:
    portal.vendor.add(ANNA)
    assert await portal.hits(portal.open().lookup("+375337777777", 5.0)) == 1
    assert await portal.hits(portal.open().lookup(ASKED, 5.0)) == 2
    assert "telephony.externalCall.searchCrmEntities" not in portal.vendor.fake.commands


async def test_a_caller_is_found_with_the_name_of_his_company(portal: Portal) -> None:
    portal.vendor.add(ANNA)
    portal.vendor.add(Customer("Белова", "Анна", ("8 029 111-22-55",), "17", company="Ромашка"))
    portal.vendor.add(ANNA, "lead")
    found = await portal.open().lookup(ASKED, 5.0)
    assert [(each.name, each.is_lead) for each in found.people] == [
        ("Белова Анна", False),
        ("Ромашка Белова Анна", False),
        ("Белова Анна", True),
    ]


async def test_one_whose_digits_are_alike_is_another(portal: Portal) -> None:
    portal.vendor.add(Customer("Чужой", "Номер", ("+291112255",), "17"))
    found = await portal.open().lookup(ASKED, 5.0)
    assert (found.people, len(portal.vendor.fake.seen)) == ((), 2)


@pytest.mark.parametrize(("status", "responsible"), [("CLOSED", None), ("OPENED", "17"), ("NOT_INSTALLED", "17")])
async def test_one_who_is_not_at_work_gets_no_calls_if_so_wished(
    portal: Portal, status: str, responsible: str | None
) -> None:
    portal.vendor.add(ANNA)
    portal.vendor.fake.at_work[17] = status
    found = await portal.open(skip_absent=True).lookup(ASKED, 5.0)
    assert [each.responsible_id for each in found.people] == [responsible]
    assert found.extensions == (("17", "150"),)
    assert [each.responsible_id for each in (await portal.open().lookup(ASKED, 5.0)).people] == ["17"]


@pytest.mark.parametrize(
    ("phone", "country", "written"),
    [
        ("+375291112233", "BY", {"+375291112233", "375291112233", "80291112233", "0291112233", "291112233"}),
        ("+79161234567", "RU", {"+79161234567", "79161234567", "89161234567", "9161234567"}),
        ("+79161234567", "BY", {"+79161234567", "79161234567"}),
    ],
)
def test_a_phone_is_searched_as_it_may_be_written(phone: str, country: str, written: set[str]) -> None:
    assert written <= set(writings(phone, country))
    assert {normalise(each, country) for each in writings(phone, country)} == {phone}
    assert len(writings(phone, country)) <= 20


# --- managers


async def test_one_who_was_dismissed_is_not_active(portal: Portal) -> None:
    portal.vendor.add_manager("18", "Сидоров", "Пётр", "151")
    portal.vendor.retire("18")
    assert {each.id: (each.name, each.extension, each.is_active) for each in await portal.open().managers()} == {
        "17": ("Иванова Анна", "150", True),
        "18": ("Сидоров Пётр", "151", False),
    }


# --- credentials


@pytest.mark.parametrize("end", ["", "/", "/profile", "/profile.json"])
async def test_an_address_may_be_pasted_as_bitrix24_shows_it(portal: Portal, end: str) -> None:
    url = f"https://portal.example.test:{portal.port}/rest/1/{CODE}{end}"
    assert await portal.open(webhook_url=url).managers()


@pytest.mark.parametrize(
    "url",
    [
        f"http://portal.example.test/rest/1/{CODE}/",
        "https://portal.example.test/",
        f"https://portal.example.test/rest/{CODE}/",
        f"https://user@portal.example.test/rest/1/{CODE}/",
        f"https://portal.example.test/rest/1/{CODE}/?x=1",
    ],
)
def test_what_is_no_address_of_a_webhook_is_refused_and_not_shown(portal: Portal, url: str) -> None:
    with pytest.raises(CrmRefused, match="webhook_url") as caught:
        portal.open(webhook_url=url)
    assert CODE not in str(caught.value)


# --- errors


def saying(status: int, code: str, **more: object) -> Misdeed:
    async def say(_: Request) -> Response:
        return JSONResponse({"error": code, "error_description": f"{CODE} {ASKED}", **more}, status)

    return say


@pytest.mark.parametrize(
    ("status", "code", "kind", "text"),
    [
        (401, "NO_AUTH_FOUND", CrmRefused, "credentials"),
        (401, "INVALID_CREDENTIALS", CrmRefused, "no such webhook"),
        (401, "expired_token", CrmRefused, "expired"),
        (401, "ACCESS_DENIED", CrmRefused, "plan"),
        (403, "insufficient_scope", CrmRefused, "crm and user_brief"),
        (404, "ERROR_METHOD_NOT_FOUND", CrmRefused, "scope"),
        (402, "SOMETHING", CrmRefused, "402"),
        (503, "QUERY_LIMIT_EXCEEDED", CrmLimited, "2 s"),
        (200, "QUERY_LIMIT_EXCEEDED", CrmLimited, "2 s"),
        (429, "OPERATION_TIME_LIMIT", CrmLimited, "600 s"),
        (503, "OVERLOAD_LIMIT", CrmLimited, "support"),
        (500, "INTERNAL_SERVER_ERROR", CrmUnavailable, "INTERNAL_SERVER_ERROR"),
        (400, "ERROR_CORE", CrmMalformed, "ERROR_CORE"),
        (400, "", CrmMalformed, "error"),
        (400, f"{CODE} is odd", CrmMalformed, "error$"),
    ],
)
async def test_an_error_is_told_by_its_code(portal: Portal, status: int, code: str, kind: type, text: str) -> None:
    portal.vendor.fake.misdeeds.append(saying(status, code))
    with pytest.raises(kind, match=text) as caught:
        await portal.open().changes(None)
    assert type(caught.value) in {kind, TokenExpired}
    assert CODE not in str(caught.value)


@pytest.mark.parametrize(
    ("code", "kind"),
    [("insufficient_scope", CrmRefused), ("QUERY_LIMIT_EXCEEDED", CrmLimited), ("OPERATION_TIME_LIMIT", CrmLimited)],
)
@pytest.mark.parametrize("method", ["crm.contact.list", "crm.duplicate.findbycomm", "user.get"])
async def test_an_error_within_a_batch_is_one_too(portal: Portal, method: str, code: str, kind: type) -> None:
    portal.vendor.fake.errors[method] = code
    ask: dict[str, Callable[[Crm], Any]] = {
        "crm.contact.list": lambda crm: crm.changes(None),
        "crm.duplicate.findbycomm": lambda crm: crm.lookup(ASKED, 5.0),
        "user.get": lambda crm: crm.managers(),
    }
    with pytest.raises(kind):
        await ask[method](portal.open())


async def test_a_scope_that_is_missing_is_told(portal: Portal) -> None:
    portal.vendor.fake.scopes = {"crm"}
    with pytest.raises(CrmRefused, match=r"user\.get.*crm and user_brief are needed"):
        await portal.open().managers()


async def test_a_kind_that_the_user_may_not_read_is_named_and_empties_nothing(portal: Portal) -> None:
    portal.vendor.fake.forbidden = {"lead"}
    for ask in (portal.open().changes(None), portal.open().ids('{"kind": "lead", "after": 0}')):
        with pytest.raises(CrmRefused, match=r"crm\.lead\.list.*the setting leads"):
            await ask
    assert (await portal.walk(leads=False))[0] == {}


async def test_a_look_up_that_is_cut_off_is_no_answer(portal: Portal) -> None:
    async def slow(_: Request) -> Response:
        await asyncio.sleep(0.2)
        return JSONResponse({})

    portal.vendor.fake.misdeeds.append(slow)
    with pytest.raises(CrmUnavailable, match="in time"):
        await portal.open().lookup(ASKED, 0.05)
