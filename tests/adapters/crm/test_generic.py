"""Somebody's own CRM: asked as the settings say, read by their paths, walked again and again where it has a list."""

import asyncio
import json
from base64 import b64encode
from collections.abc import AsyncIterator, Callable
from functools import partial
from urllib.parse import parse_qsl, unquote

import pytest
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse

from smart_redirect.adapters.crm.generic import make
from smart_redirect.adapters.crm.outbound import Outbound
from smart_redirect.adapters.memory_tokens import MemoryTokens
from smart_redirect.adapters.postgres.live import PostgresLive
from smart_redirect.domain.crm import Found, Gone, Ids, Person
from smart_redirect.domain.crm_mirror import Owner
from smart_redirect.errors import CrmMalformed, CrmRefused, CrmUnavailable
from smart_redirect.usecases.ports_crm import Access, Crm
from smart_redirect.usecases.sync_crm import Outcome
from tests.adapters.crm.mirror_of import mirror_of, rows_of
from tests.adapters.crm.reading import no_wait
from tests.fakes.crm.generic import Generic
from tests.fakes.crm.own import OwnFake
from tests.fakes.crm.server import serving
from tests.fakes.crm.vendor import Customer
from tests.usecases.mirrored import KEY, Row, stop_after

PHONE = "+375291112233"
HOST = "https://crm.example.test:{port}"
LIVE: dict[str, object] = {"live": True, "url": HOST + "/find?p={phone}", "name_path": "name"}
OLGA = {"name": "Ольга", "manager": 17, "ext": "150"}
Open = Callable[..., Crm]


@pytest.fixture
def own() -> OwnFake:
    return OwnFake(answer=lambda _: OLGA)


@pytest.fixture
async def opened(own: OwnFake, outbound: Outbound) -> AsyncIterator[Open]:
    """Open a live connection to the company's server, with settings of the test's own."""
    async with serving(own) as port:

        def open_with(country: str = "BY", now: float = 0.0, **settings: object) -> Crm:
            given = {name: _on(port, value) for name, value in {**LIVE, **settings}.items()}
            return make(outbound, Access(given, country, no_wait, MemoryTokens()), lambda: now)

        yield open_with


def _on(port: int, value: object) -> object:
    return value.replace("{port}", str(port)) if isinstance(value, str) else value


async def found(crm: Crm, phone: str = PHONE) -> Found:
    return await crm.lookup(phone, 5.0)


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("/find?p={phone}", "/find?p=375291112233"),
        ("/find/{phone_plus}.json", "/find/%2B375291112233.json"),
        ("/find?p=8{phone_national}&key={token}", "/find?p=8291112233&key=%26a%3Db"),
        ("/find?p={number}", "/find?p=375291112233"),
    ],
)
async def test_the_phone_goes_where_the_address_says(own: OwnFake, opened: Open, url: str, target: str) -> None:
    await found(opened(url=HOST + url, token="&a=b"))
    assert (own.came[0].method, own.came[0].target) == ("GET", target)


async def test_a_body_of_text_is_a_form(own: OwnFake, opened: Open) -> None:
    body = "number={phone_plus}&key={token}&empty="
    await found(opened(url=HOST + "/find", method="POST", body=body, token="&a=b"))
    assert own.came[0].headers["content-type"] == "application/x-www-form-urlencoded"
    given = dict(parse_qsl(own.came[0].body, keep_blank_values=True))
    assert given == {"number": PHONE, "key": "&a=b", "empty": ""}


async def test_any_other_body_is_json(own: OwnFake, opened: Open) -> None:
    body = {"filter": [{"phone": "{phone}", "exact": True}], "key": "{token}"}
    await found(opened(url=HOST + "/find", method="POST", body=body, token='"}'))
    assert own.came[0].headers["content-type"] == "application/json"
    assert json.loads(own.came[0].body) == {"filter": [{"phone": "375291112233", "exact": True}], "key": '"}'}


@pytest.mark.parametrize(
    ("settings", "name", "value"),
    [
        (
            {"auth": "basic", "user": "1С", "password": "п:1"},
            "authorization",
            "Basic " + b64encode("1С:п:1".encode()).decode(),
        ),
        ({"auth": "bearer", "token": "t0"}, "authorization", "Bearer t0"),
        ({"auth": "header", "auth_header": "X-Api-Key", "token": "t0"}, "x-api-key", "t0"),
        ({"auth": "none", "token": "t0"}, "authorization", None),
    ],
)
async def test_we_say_who_we_are(
    own: OwnFake, opened: Open, settings: dict[str, object], name: str, value: str | None
) -> None:
    await found(opened(**settings))
    assert own.came[0].headers.get(name) == value


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"url": ""}, "url"),
        ({"url": "https://{phone}.example.test/"}, "url"),
        ({"url": HOST + "/find"}, "placeholder"),
        ({"name_path": ""}, "name_path"),
        ({"name_path": "a[?]"}, "name_path"),
        ({"contract": "soap"}, "contract"),
        ({"method": "DELETE"}, "method"),
        ({"method": "POST", "body": "p={fone}"}, "body"),
        ({"auth": "oauth"}, "auth"),
        ({"auth": "basic", "user": "x"}, "password"),
        ({"auth": "bearer", "token": "ключ"}, "token"),
        ({"auth": "header", "auth_header": "Host", "token": "t"}, "auth_header"),
        ({"auth": "header", "auth_header": "X: y", "token": "t"}, "auth_header"),
        ({"formats": "{phone},{phone_plus},8{phone_national},0{phone_national}"}, "formats"),
        ({"formats": ["{token}"]}, "formats"),
        ({"responsible_is": "boss"}, "responsible_is"),
        ({"live": False}, "live"),
        ({"list_url": HOST + "/all"}, "id_path"),
        ({"list_url": HOST + "/all", "id_path": "id", "phones_path": "p"}, "person_url"),
    ],
)
async def test_settings_that_cannot_work_are_refused_with_their_name(
    opened: Open, settings: dict[str, object], text: str
) -> None:
    with pytest.raises(CrmRefused, match=text):
        opened(**settings)


async def test_a_record_is_read_by_its_paths(own: OwnFake, opened: Open) -> None:
    own.answer = lambda _: {
        "ok": 1,
        "who": {"n": "Петрова", "org": "Ромашка"},
        "m": [{"id": 17, "tel": 150}],
        "at": 1.7e12,
    }
    crm = opened(
        found_path="ok", name_path="who.n", company_path="who.org", responsible_path="m[0].id", extension_path="m[0].tel",
        updated_path="at",
    )  # fmt: skip
    person = Person("phone:375291112233:0", "Ромашка Петрова", (PHONE,), "17", 1.7e9, is_company=True)
    assert await found(crm) == Found((person,), (("17", "150"),))


@pytest.mark.parametrize("value", [None, False, 0, "", "0", "false", [], {}])
async def test_what_is_not_found_is_nobody(own: OwnFake, opened: Open, value: object) -> None:
    own.answer = lambda _: {"found": value, "name": "Ольга"}
    assert await found(opened(found_path="found")) == Found()


@pytest.mark.parametrize("answer", [{}, {"name": None}, {"name": "", "x": 1}])
async def test_who_has_nothing_that_the_paths_lead_to_is_nobody(own: OwnFake, opened: Open, answer: object) -> None:
    own.answer = lambda _: answer
    assert await found(opened()) == Found()


async def test_404_is_nobody_unless_it_is_a_page(own: OwnFake, opened: Open) -> None:
    own.answer = lambda _: JSONResponse({"error": "unknown"}, 404)
    assert await found(opened()) == Found()
    own.answer = lambda _: HTMLResponse("<h1>Not Found</h1>", 404)
    with pytest.raises(CrmMalformed):
        await found(opened())


async def test_a_list_of_records_may_be_the_answer(own: OwnFake, opened: Open) -> None:
    own.answer = lambda _: [{"name": "Один", "id": 1}, {"name": "Два", "id": 2}, {"name": "Снова", "id": 2}]
    crm = opened(rows_path="$", id_path="id")
    assert [(each.external_id, each.name) for each in (await found(crm)).people] == [("1", "Один"), ("2", "Два")]


@pytest.mark.parametrize("answer", [[1], {"name": []}, "x"])
async def test_a_list_of_something_else_is_no_answer(own: OwnFake, opened: Open, answer: object) -> None:
    own.answer = lambda _: answer
    with pytest.raises(CrmMalformed):
        await found(opened(rows_path="$"))


@pytest.mark.parametrize(
    ("settings", "responsible", "extensions"),
    [
        ({"responsible_path": "manager"}, "17", ()),
        ({"responsible_path": "manager", "extension_path": "ext"}, "17", (("17", "150"),)),
        ({"extension_path": "ext"}, "150", (("150", "150"),)),
        ({"responsible_path": "ext", "responsible_is": "extension"}, "150", (("150", "150"),)),
        ({"responsible_path": "ext", "responsible_is": "login"}, "150", ()),
        ({}, None, ()),
    ],
)
async def test_a_responsible_is_an_id_a_login_or_an_extension(
    opened: Open, settings: dict[str, object], responsible: str | None, extensions: tuple[tuple[str, str], ...]
) -> None:
    told = await found(opened(**settings))
    assert ([each.responsible_id for each in told.people], told.extensions) == ([responsible], extensions)


async def test_formats_are_tried_until_one_is_found(own: OwnFake, opened: Open) -> None:
    own.answer = lambda request: OLGA if request.query_params["p"] == "80291112233" else {}
    crm = opened(url=HOST + "/find?p={number}", formats="{phone_plus}, 80{phone_national}, {phone}")
    assert [each.name for each in (await found(crm)).people] == ["Ольга"]
    assert [each.target for each in own.came] == ["/find?p=%2B375291112233", "/find?p=80291112233"]


async def test_a_phone_of_somebody_else_is_not_the_answer_yet(own: OwnFake, opened: Open) -> None:
    own.answer = lambda request: {"name": "Ольга", "tel": request.query_params["p"]}
    crm = opened(url=HOST + "/find?p={number}", formats=["48{phone_national}", "{phone}"], phones_path="tel")
    assert [each.phones for each in (await found(crm)).people] == [("375291112233",)]


async def test_national_numbers_are_not_asked_for_callers_from_abroad(own: OwnFake, opened: Open) -> None:
    crm = opened(url=HOST + "/find?p={phone_national}")
    assert await found(crm, "+48291112233") == Found()
    assert own.came == []


async def test_all_formats_together_have_the_time_of_one(own: OwnFake, opened: Open) -> None:
    async def slowly(_: Request) -> JSONResponse:
        await asyncio.sleep(0.2)
        return JSONResponse({})

    own.misdeeds += [slowly] * 3
    crm = opened(url=HOST + "/find?p={number}", formats="{phone},{phone_plus},8{phone_national}")
    with pytest.raises(CrmUnavailable):
        await crm.lookup(PHONE, 0.3)
    assert len(own.seen) == 2


async def test_a_live_connection_sends_nothing_but_look_ups(own: OwnFake, opened: Open) -> None:
    crm = opened()
    page = await crm.changes(None)
    assert (page.changes, page.more, await crm.changes(page.cursor)) == ((), False, page)
    assert (await crm.ids(None), await crm.people(("phone:1:0",)), await crm.managers()) == (Ids((), None), (), ())
    assert own.came == []


async def test_a_live_connection_knows_its_cursor(opened: Open) -> None:
    with pytest.raises(CrmMalformed):
        await opened().changes("{}")


# --- with a list


LISTED: dict[str, object] = {
    "list_url": HOST + "/all?from={offset}", "list_path": "rows", "person_url": HOST + "/one/{id}", "id_path": "id",
    "phones_path": ["tel", "tels[*]"], "url": "",
}  # fmt: skip


def row(number: int) -> dict[str, object]:
    return {"id": number, "name": f"Клиент {number}", "tel": f"8 029 {1000000 + number}"}


async def test_a_list_rests_until_it_is_due(own: OwnFake, opened: Open) -> None:
    own.answer = lambda request: {"rows": [row(1)] if request.query_params["from"] == "0" else []}
    page = await opened(now=1000.0, **LISTED).changes(None)
    page = await opened(now=1000.0, **LISTED).changes(page.cursor)
    assert (page.more, len(own.came)) == (False, 2)
    early = await opened(now=4599.0, **LISTED).changes(page.cursor)
    assert (early.changes, early.cursor, early.more, len(own.came)) == ((), page.cursor, False, 2)
    assert len((await opened(now=4600.0, **LISTED).changes(page.cursor)).changes) == 1


async def test_offsets_count_rows(own: OwnFake, opened: Open) -> None:
    own.answer = lambda request: {"rows": [row(n) for n in range(5)][int(request.query_params["from"]) :][:2]}
    ids = await opened(**LISTED).ids(None)
    page = await opened(**LISTED).changes(None)
    page = await opened(**LISTED).changes(page.cursor)
    assert [each.target for each in own.came] == ["/all?from=0", "/all?from=0", "/all?from=2"]
    assert ids.external_ids == ("0", "1")


async def test_cursors_are_followed_to_where_there_is_none(own: OwnFake, opened: Open) -> None:
    follow = {"": "a b&c", "a b&c": "d", "d": None}
    own.answer = lambda r: {"rows": [row(len(own.came))], "next": follow[r.query_params["c"]]}
    crm = opened(**{**LISTED, "list_url": HOST + "/all?c={cursor}", "list_cursor_path": "next"})
    page, ids = await crm.ids(None), list[str]()
    while page.cursor:
        ids, page = [*ids, *page.external_ids], await crm.ids(page.cursor)
    assert [*ids, *page.external_ids] == ["1", "2", "3"]
    assert own.came[1].target == "/all?c=a%20b%26c"


async def test_a_list_in_one_piece_is_one_request(own: OwnFake, opened: Open) -> None:
    own.answer = lambda _: [row(1), row(2)]
    crm = opened(**{**LISTED, "list_url": HOST + "/all", "list_path": "$"})
    page = await crm.changes(None)
    assert (len(page.changes), page.more, len(own.came)) == (2, False, 1)


async def test_a_server_that_has_one_page_only_ends_where_it_comes_again(own: OwnFake, opened: Open) -> None:
    own.answer = lambda _: {"rows": [row(1), row(2)]}
    crm = opened(**LISTED)
    first = await crm.ids(None)
    assert await crm.ids(first.cursor) == Ids((), None)


async def test_a_404_ends_a_list_behind_its_first_page_only(own: OwnFake, opened: Open) -> None:
    own.answer = lambda r: {"rows": [row(1)]} if r.query_params["from"] == "0" else JSONResponse({}, 404)
    first = await opened(**LISTED).ids(None)
    assert await opened(**LISTED).ids(first.cursor) == Ids((), None)
    own.answer = lambda _: JSONResponse({"detail": "no route"}, 404)
    with pytest.raises(CrmMalformed):
        await opened(**LISTED).ids(None)


@pytest.mark.parametrize("answer", [{"rows": {}}, {}, [], {"rows": [5]}, {"rows": [{"name": "Без номера"}]}])
async def test_a_list_that_is_none_is_no_end(own: OwnFake, opened: Open, answer: object) -> None:
    own.answer = lambda _: answer
    with pytest.raises(CrmMalformed):
        await opened(**LISTED).changes(None)


async def test_phones_come_from_all_their_paths(own: OwnFake, opened: Open) -> None:
    own.answer = lambda _: {"rows": [row(1) | {"tels": ["8 017 2001122", None, 375447654321]}]}
    (person,) = (await opened(**LISTED).changes(None)).changes
    assert isinstance(person, Person)
    assert person.phones == ("8 029 1000001", "8 017 2001122", "375447654321")


@pytest.mark.parametrize(("answer", "gone"), [({"id": 5}, False), ({}, True), (None, True)])
async def test_one_person_is_read_by_id(own: OwnFake, opened: Open, answer: object, gone: bool) -> None:
    own.answer = lambda _: answer
    (person,) = await opened(**LISTED).people(("5",))
    assert (isinstance(person, Gone), own.came[0].target) == (gone, "/one/5")


async def test_odata_of_1c_is_such_a_list(own: OwnFake, opened: Open) -> None:
    own.answer = lambda _: {"value": [{"Ref_Key": "a-1", "Description": "Ромашка", "tel": "8 029 1112233"}]}
    place = HOST + "/odata/standard.odata/Catalog_Партнеры"
    given = {"list_url": place + "?$format=json&$skip={offset}", "person_url": place + "(guid'{id}')?$format=json"}
    crm = opened(**{**LISTED, **given, "list_path": "value", "id_path": "Ref_Key", "name_path": "Description"})
    assert (await crm.ids(None)).external_ids == ("a-1",)
    with pytest.raises(CrmMalformed):
        await crm.people(("a-1",))
    assert [unquote(each.target).rpartition("_")[2] for each in own.came] == [
        "Партнеры?$format=json&$skip=0", "Партнеры(guid'a-1')?$format=json",
    ]  # fmt: skip


async def test_whom_a_look_up_found_without_an_id_is_not_asked_for_by_it(own: OwnFake, opened: Open) -> None:
    own.answer = lambda _: row(5)
    (person,) = await opened(**LISTED).people(("phone:375291112233:0", "5"))
    assert (person.external_id, len(own.came)) == ("5", 1)


async def test_one_person_may_be_said_to_be_no_more(own: OwnFake, opened: Open) -> None:
    own.answer = lambda _: row(5) | {"active": False}
    assert await opened(**LISTED, found_path="active").people(("5",)) == (Gone("5"),)


async def test_another_person_than_asked_for_is_no_answer(own: OwnFake, opened: Open) -> None:
    own.answer = lambda _: row(6)
    with pytest.raises(CrmMalformed):
        await opened(**LISTED).people(("5",))


def expected(vendor: Generic) -> set[Row]:
    rows = set[Row]()
    for each in vendor.fake.clients.values():
        name = f"{each['name']['last']} {each['name']['first']}"
        rows |= rows_of(str(each["id"]), name, [phone["number"] for phone in each["phones"]], each["manager"])
    return rows


async def test_the_mirror_is_what_the_crm_has(outbound: Outbound, database_url: str) -> None:
    vendor = Generic()
    ids = [vendor.add(Customer(f"Клиент{n}", "Иван", (f"8 029 {1000000 + n}",), "17")) for n in range(230)]
    async with (
        serving(vendor.fake) as port,
        mirror_of(database_url, partial(make, outbound), vendor.settings(port)) as mirror,
    ):
        assert await mirror.sync(stop_after(3)) is Outcome.PAUSED
        assert await mirror.sync() is Outcome.DONE
        assert (len(await mirror.rows()), await mirror.rows()) == (230, expected(vendor))
        change(vendor, ids)
        assert await mirror.sync() is Outcome.DONE
        assert await mirror.rows() == expected(vendor)
        assert vendor.fake.refusals == []


def change(vendor: Generic, ids: list[str]) -> None:
    """Edit, delete, merge, add, and give one client's phone to another."""
    vendor.edit(ids[0], Customer("Новая", "Анна", ("8 044 7654321",)))
    vendor.edit(ids[1], Customer("Клиент1", "Иван", (), "18"))
    vendor.edit(ids[2], Customer("Клиент2", "Иван", ("8 029 1000001", "8 029 1000002"), "17"))
    vendor.delete(ids[7])
    vendor.merge(ids[150], ids[151])
    vendor.add(Customer("Петрова", "Ольга", ("8 (029) 111-22-33",), "17"))


async def test_a_sync_leaves_alone_whom_a_live_look_up_found(outbound: Outbound, database_url: str) -> None:
    settings = {**LIVE, "url": "https://crm.example.test/find?p={phone}"}
    async with mirror_of(database_url, partial(make, outbound), settings) as mirror:
        owner = Owner("phone:375291112233:0", "Ольга", (PHONE,), "17", 0.0)
        await PostgresLive(mirror.kept.pool).found(KEY, [owner], {"17": "150"}, 300.0)
        for _ in range(2):
            assert await mirror.sync() is Outcome.DONE
        assert await mirror.rows() == {(PHONE, owner.external_id, "Ольга", "17")}
        assert await mirror.kept.pool.fetchval("SELECT count(*) FROM crm_dirty") == 0
        assert await mirror.kept.pool.fetchval("SELECT count(*) FROM crm_contacts WHERE expires_at IS NOT NULL") == 1
