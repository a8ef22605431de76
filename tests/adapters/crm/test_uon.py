"""What is U-ON's own: pages that just end, days instead of times, 404 for nobody, and a key in the path."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from time import time

import pytest
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from smart_redirect.adapters.crm.outbound import Outbound
from smart_redirect.adapters.crm.uon import Uon, make
from smart_redirect.adapters.memory_tokens import MemoryTokens
from smart_redirect.domain.crm import Gone, Person
from smart_redirect.domain.crm_mirror import written_phones
from smart_redirect.errors import CrmLimited, CrmMalformed, CrmRefused
from smart_redirect.usecases.ports_crm import Access
from smart_redirect.usecases.sync_crm import Outcome
from tests.adapters.crm.mirror_of import mirror_of, rows_of
from tests.adapters.crm.reading import no_wait
from tests.adapters.crm.test_adapters import all_ids
from tests.fakes.crm.server import serving
from tests.fakes.crm.uon import KEY, NOBODY
from tests.fakes.crm.uon import Uon as Account
from tests.fakes.crm.vendor import Customer
from tests.usecases.mirrored import Row, stop_after

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC).timestamp()
DAY = 86_400.0
OLGA = Customer("Петрова", "Ольга", ("8 (029) 111-22-33",), "17")
Open = Callable[..., Uon]


@pytest.fixture
def account() -> Account:
    return Account()


@pytest.fixture
async def opened(account: Account, outbound: Outbound) -> AsyncIterator[Open]:
    """Open the adapter on the account, at a time and with settings of the test's own."""
    async with serving(account.fake) as port:

        def open_at(now: float | None = None, **settings: object) -> Uon:
            access = Access({**account.settings(port), **settings}, "BY", no_wait, MemoryTokens())
            return make(outbound, access, time if now is None else lambda: now)

        yield open_at
    assert account.fake.refusals == []


def answering(document: object, status: int = 200) -> Callable[[Request], Awaitable[Response]]:
    async def answer(_: Request) -> Response:
        return JSONResponse(document, status)

    return answer


def paths(account: Account) -> list[str]:
    return [each.removeprefix(f"GET /{KEY}") for each in account.fake.seen]


async def to_end(opened: Open, cursor: str | None, now: float) -> str:
    page = await opened(now).changes(cursor)
    while page.more:
        page = await opened(now).changes(page.cursor)
    return page.cursor


async def test_a_page_is_one_request(account: Account, opened: Open) -> None:
    account.add(OLGA)
    page = await opened().changes(None)
    assert (len(page.changes), page.more, page.done, page.total) == (1, True, 1, None)
    assert paths(account) == ["/users/1.json"]


async def test_the_feed_is_read_from_a_day_before_to_a_day_after(account: Account, opened: Open) -> None:
    cursor = await to_end(opened, None, NOON)
    await to_end(opened, cursor, NOON + 3 * DAY)
    assert paths(account)[1:] == [
        "/user/updated/2026-11-19/2026-11-21/1.json",
        "/user/updated/2026-11-19/2026-11-24/1.json",
    ]


async def test_the_next_feed_begins_on_the_day_when_this_one_did(account: Account, opened: Open) -> None:
    account.fake.page_size = 1
    for _ in range(2):
        account.add(OLGA)
    cursor = await to_end(opened, None, time())
    page = await opened(time()).changes(cursor)
    ended = json.loads(await to_end(opened, page.cursor, time() + 5 * DAY))
    assert ended["since"] == datetime.fromtimestamp(time(), UTC).date().isoformat()


async def test_a_walk_over_midnight_loses_nothing(account: Account, opened: Open) -> None:
    late = account.add(OLGA)
    cursor = await to_end(opened, None, time() + 0.5 * DAY)
    feed = await opened(time() + DAY).changes(cursor)
    assert [each.external_id for each in feed.changes] == [late]


async def test_a_page_that_comes_again_ends_the_walk(account: Account, opened: Open) -> None:
    rows = {"users": [{"u_id": 1, "u_surname": "Один"}, {"u_id": 2, "u_surname": "Два"}]}
    account.fake.misdeeds += [answering(rows)] * 2
    first = await opened().changes(None)
    second = await opened().changes(first.cursor)
    assert (len(first.changes), second.changes, json.loads(second.cursor)["walk"]) == (2, (), 0)


async def test_a_404_of_something_in_between_is_no_end(account: Account, opened: Open) -> None:
    async def missing(_: Request) -> Response:
        return HTMLResponse("<h1>404 Not Found</h1>", 404)

    account.fake.misdeeds += [missing, answering({"detail": "no route"}, 404)]
    for _ in range(2):
        with pytest.raises(CrmMalformed):
            await opened().changes(None)


@pytest.mark.parametrize(
    ("document", "error"),
    [
        ({"result": 403, "error": "API key is wrong"}, CrmRefused),
        ({"result": "429"}, CrmLimited),
        ({"result": 500}, CrmMalformed),
        ({"result": 200}, CrmMalformed),
        ({"users": [{"u_surname": "Без номера"}]}, CrmMalformed),
        (None, CrmMalformed),
    ],
)
async def test_a_failure_may_come_as_200(
    account: Account, opened: Open, document: object, error: type[Exception]
) -> None:
    account.fake.misdeeds.append(answering(document))
    with pytest.raises(error):
        await opened().changes(None)


@pytest.mark.parametrize("nobody", NOBODY)
async def test_a_404_that_is_no_page_means_nobody_however_it_is_said(
    account: Account, opened: Open, nobody: str
) -> None:
    account.fake.nobody = nobody
    gone, stays = account.add(OLGA), account.add(Customer("Белов", "Павел", ("+375291112255",)))
    cursor = await to_end(opened, None, time())
    account.delete(gone)
    assert (await opened().lookup("+375291112233", 5.0)).people == ()
    assert (await opened().people((gone,))) == (Gone(gone),)
    assert await to_end(opened, cursor, time() + 3 * DAY)
    assert await all_ids(opened()) == (stays,)


@pytest.mark.parametrize("ask", ["lookup", "people"])
async def test_a_404_that_is_a_page_is_an_error(opened: Open, account: Account, ask: str) -> None:
    async def missing(_: Request) -> Response:
        return HTMLResponse("<h1>404 Not Found</h1>", 404)

    account.fake.misdeeds.append(missing)
    with pytest.raises(CrmMalformed):
        await (opened().lookup("+375291112233", 5.0) if ask == "lookup" else opened().people(("5",)))


async def test_nobody_may_come_as_200_too(account: Account, opened: Open) -> None:
    account.fake.misdeeds += [answering({"result": 404})] * 2
    assert (await opened().lookup("+375291112233", 5.0)).people == ()
    assert await opened().people(("5",)) == (Gone("5"),)


async def test_all_owners_of_a_phone_are_told(account: Account, opened: Open) -> None:
    both = [account.add(OLGA), account.add(Customer("Петров", "Иван", OLGA.phones, "0"))]
    found = (await opened().lookup("+375291112233", 5.0)).people
    assert [(each.external_id, each.responsible_id) for each in found] == [(both[0], "17"), (both[1], None)]


async def test_several_phones_in_one_field_are_several(account: Account, opened: Open) -> None:
    account.add(Customer("Петрова", "Ольга", ("8 029 1112233, 8 017 2001122;", "+375 44 7654321")))
    (olga,) = (await opened().changes(None)).changes
    assert isinstance(olga, Person)
    assert written_phones(olga) == ("8 029 1112233", "8 017 2001122", "+375 44 7654321")


async def test_latin_names_serve_where_there_are_no_others(account: Account, opened: Open) -> None:
    account.add(Customer("", "", ("8 029 1112233",)))
    account.fake.users[101] |= {"u_surname_en": "PETROVA", "u_name_en": "OLGA", "u_name": None}
    (olga,) = (await opened().changes(None)).changes
    assert isinstance(olga, Person)
    assert olga.name == "PETROVA OLGA"


async def test_who_is_marked_as_deleted_is_gone(account: Account, opened: Open) -> None:
    account.fake.users[int(account.add(OLGA))]["deleted"] = 1
    assert (await opened().changes(None)).changes == (Gone("101"),)
    assert await opened().people(("101",)) == (Gone("101"),)
    assert (await opened().ids(None)).external_ids == ()


async def test_ids_that_are_no_numbers_are_asked_of_nobody(account: Account, opened: Open) -> None:
    assert await opened().people(("../manager", "５", "")) == (Gone("../manager"), Gone("５"), Gone(""))
    assert paths(account) == []


async def test_another_client_than_asked_for_is_no_answer(account: Account, opened: Open) -> None:
    account.fake.misdeeds.append(answering({"user": [{"u_id": 6}]}))
    with pytest.raises(CrmMalformed):
        await opened().people(("5",))


async def test_one_client_may_come_without_a_list(account: Account, opened: Open) -> None:
    account.fake.misdeeds.append(answering({"user": {"u_id": "5", "u_surname": "Пять"}}))
    (five,) = await opened().people(("5",))
    assert isinstance(five, Person)


async def test_managers_end_where_a_page_comes_again(account: Account, opened: Open) -> None:
    account.fake.pages_managers = False
    account.add_manager("17", "Иванова", "Анна", None)
    assert [each.name for each in await opened().managers()] == ["Иванова Анна"]
    assert paths(account) == ["/manager.json"] * 2


async def test_no_more_than_ten_pages_of_managers_are_read(account: Account, opened: Open) -> None:
    account.fake.page_size = 1
    for number in range(1, 15):
        account.add_manager(str(number), "Иванова", "Анна", None)
    assert len(await opened().managers()) == 10


async def test_extensions_are_read_from_the_field_that_the_settings_name(account: Account, opened: Open) -> None:
    account.add_manager("17", "Иванова", "Анна", "150")
    (told,) = await opened(extension_field="ip_internal_number").managers()
    (untold,) = await opened().managers()
    assert (told.extension, untold.extension) == ("150", None)


async def test_without_an_address_of_its_own_it_is_u_ons(authority_file: str) -> None:
    asked: list[str] = []

    async def resolve(host: str, port: int) -> Sequence[str]:
        asked.append(f"{host}:{port}")
        return ("127.0.0.1",)

    client = Outbound((), authority_file, resolve)
    with pytest.raises(CrmRefused):
        await make(client, Access({"api_key": KEY}, "BY", no_wait, MemoryTokens())).managers()
    await client.close()
    assert asked == ["api.u-on.ru:443"]


@pytest.mark.parametrize("key", ["../../other", "a?b", "a#b", "a b", "ключ", ".."])
async def test_a_key_that_would_change_the_path_is_refused(account: Account, opened: Open, key: str) -> None:
    with pytest.raises(CrmRefused) as caught:
        opened(api_key=key)
    assert ("api_key" in str(caught.value), key in str(caught.value)) == (True, False)


def expected(account: Account) -> set[Row]:
    found = set[Row]()
    for row in account.fake.users.values():
        phones = [row["u_phone"], row["u_phone_mobile"], row["u_phone_home"] or ""]
        manager = None if row["manager_id"] == "0" else row["manager_id"]
        found |= rows_of(str(row["u_id"]), f"{row['u_surname']} {row['u_name']}", phones, manager)
    return found


async def test_the_mirror_is_what_u_on_has(account: Account, outbound: Outbound, database_url: str) -> None:
    account.add_manager("17", "Иванова", "Анна", None)
    ids = [account.add(Customer(f"Клиент{n}", "Иван", (f"8 029 {1000000 + n}",), "17")) for n in range(230)]
    async with (
        serving(account.fake) as port,
        mirror_of(database_url, partial(make, outbound), account.settings(port)) as mirror,
    ):
        assert await mirror.sync(stop_after(3)) is Outcome.PAUSED
        assert await mirror.sync() is Outcome.DONE
        assert (len(await mirror.rows()), await mirror.rows()) == (230, expected(account))
        change(account, ids)
        assert await mirror.sync() is Outcome.DONE
        assert await mirror.rows() == expected(account)


def change(account: Account, ids: list[str]) -> None:
    """Edit, delete, add, and give one client's phone to another."""
    account.edit(ids[0], Customer("Новая", "Анна", ("8 044 7654321",)))
    account.edit(ids[1], Customer("Клиент1", "Иван", (), "18"))
    account.edit(ids[2], Customer("Клиент2", "Иван", ("8 029 1000001", "8 029 1000002"), "17"))
    for gone in (ids[7], ids[150]):
        account.delete(gone)
    account.add(OLGA)
