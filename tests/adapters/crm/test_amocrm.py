"""What is amoCRM's own: single-use refresh tokens, companies and their contacts, lists that move while they are read."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from smart_redirect.adapters.crm import amocrm
from smart_redirect.adapters.crm.outbound import Outbound
from smart_redirect.adapters.memory_tokens import MemoryTokens
from smart_redirect.domain.crm import Gone, Person
from smart_redirect.errors import CrmLimited, CrmRefused, CrmUnavailable
from smart_redirect.usecases.ports_crm import Access, Crm
from tests.adapters.crm.reading import all_changes, no_wait
from tests.fakes.crm.amocrm import CLIENT, TOKEN, AmoCrm
from tests.fakes.crm.server import serving
from tests.fakes.crm.vendor import Customer

OLGA = Customer("Петрова", "Ольга", ("80291112233",), "17")


@dataclass
class Sub:
    """An account with OAuth and the adapter on it; `tokens` are what all processes share."""

    vendor: AmoCrm
    http: Outbound
    port: int
    tokens: MemoryTokens = field(default_factory=MemoryTokens)

    def open(self, *, oauth: bool = False, **given: object) -> Crm:
        settings = self.vendor.settings(self.port)
        if oauth:
            settings = {"url": settings["url"], **CLIENT, "refresh_token": "amo-S3cret-refresh-0"}
        return amocrm.make(self.http, Access({**settings, **given}, "BY", no_wait, self.tokens))

    async def fed(self, cursor: str | None = None) -> tuple[dict[str, Person | None], str]:
        return await all_changes(self.open, cursor)


@pytest.fixture
async def sub(outbound: Outbound) -> AsyncIterator[Sub]:
    vendor = AmoCrm()
    async with serving(vendor.fake) as port:
        yield Sub(vendor, outbound, port)
    assert vendor.fake.refusals == []


# --- OAuth


async def test_the_first_request_gets_tokens_and_the_next_ones_have_them(sub: Sub) -> None:
    for _ in range(3):
        await sub.open(oauth=True).managers()
    assert sub.vendor.fake.refreshes == 1


async def test_many_at_once_refresh_once(sub: Sub) -> None:
    """Two refreshes at once would lose the tokens for good."""
    await asyncio.gather(*(sub.open(oauth=True).managers() for _ in range(8)))
    assert sub.vendor.fake.refreshes == 1


async def test_a_token_that_has_ended_is_renewed_once_and_the_request_repeated(sub: Sub) -> None:
    await sub.open(oauth=True).managers()
    sub.vendor.fake.tokens = set()
    sub.vendor.add(OLGA)
    page = await sub.open(oauth=True).changes(None)
    assert (len(page.changes), sub.vendor.fake.refreshes) == (1, 2)


async def test_the_new_refresh_token_is_the_one_that_is_used_next(sub: Sub) -> None:
    for _ in range(4):
        await sub.open(oauth=True).managers()
        sub.vendor.fake.tokens = set()
    assert sub.vendor.fake.refreshes == 4


async def test_a_refresh_token_that_is_used_up_is_told_and_not_tried_for_ever(sub: Sub) -> None:
    sub.vendor.fake.refresh = "amo-S3cret-used-by-somebody-else"
    with pytest.raises(CrmRefused, match="connect the integration anew"):
        await sub.open(oauth=True).managers()
    assert len(sub.vendor.fake.seen) == 1


async def test_a_look_up_renews_nothing_because_it_may_be_cut_off(sub: Sub) -> None:
    sub.vendor.add(OLGA)
    with pytest.raises(CrmUnavailable, match="renewed first"):
        await sub.open(oauth=True).lookup("+375291112233", 5.0)
    await sub.open(oauth=True).managers()
    sub.vendor.fake.tokens = set()
    with pytest.raises(CrmUnavailable, match="renewed first"):
        await sub.open(oauth=True).lookup("+375291112233", 5.0)
    assert sub.vendor.fake.refreshes == 1
    await sub.open(oauth=True).managers()
    assert len((await sub.open(oauth=True).lookup("+375291112233", 5.0)).people) == 1


async def test_a_token_of_the_credentials_saves_the_first_refresh(sub: Sub) -> None:
    await sub.open(oauth=True, access_token=TOKEN).managers()
    assert sub.vendor.fake.refreshes == 0


@pytest.mark.parametrize("missing", [*sorted(CLIENT.keys() - {"client_id"}), "refresh_token"])
async def test_a_credential_that_is_missing_is_named(sub: Sub, missing: str) -> None:
    with pytest.raises(CrmRefused, match=missing):
        sub.open(oauth=True, **{missing: ""})


# --- refusals


@pytest.mark.parametrize(("status", "error"), [(401, CrmRefused), (402, CrmRefused), (403, CrmRefused)])
async def test_refusals_in_the_vendor_s_shape(sub: Sub, status: int, error: type[Exception]) -> None:
    async def refuse(_: Request) -> Response:
        return sub.vendor.fake.problem(status, "no")

    sub.vendor.fake.misdeeds.append(refuse)
    with pytest.raises(error, match=str(status)):
        await sub.open().changes(None)


async def test_an_address_that_is_blocked_waits_long(sub: Sub) -> None:
    async def block(_: Request) -> Response:
        return HTMLResponse("<html>Forbidden</html>", 403)

    sub.vendor.fake.misdeeds.append(block)
    with pytest.raises(CrmLimited) as caught:
        await sub.open().changes(None)
    assert caught.value.seconds == 600.0


# --- companies


async def test_a_company_that_is_renamed_renames_its_contacts(sub: Sub) -> None:
    olga = sub.vendor.add(Customer(OLGA.last, OLGA.first, OLGA.phones, "17", company="Старая"))
    _, cursor = await sub.fed()
    sub.vendor.put("companies", int(olga.partition(":")[2]) + 50_000, "Новая", (), None)
    person = (await sub.fed(cursor))[0][olga]
    assert person is not None
    assert person.name == "Новая Петрова Ольга"


async def test_a_company_with_a_phone_is_somebody_too(sub: Sub) -> None:
    sub.vendor.put("companies", 900, "Ромашка", ("+375172000000",), "18")
    told, _ = await sub.fed()
    person = told["company:900"]
    assert person is not None
    assert (person.name, person.responsible_id, person.is_company) == ("Ромашка", "18", True)
    found = await sub.open().lookup("+375172000000", 5.0)
    assert [each.external_id for each in found.people] == ["company:900"]


async def test_a_contact_with_a_whole_name_only_is_shown_by_it(sub: Sub) -> None:
    sub.vendor.put("contacts", 900, "Ольга из Минска", ("+375291112233",), None)
    sub.vendor.fake.rows["contacts"][900]["companies"] = []
    person = (await sub.fed())[0]["contact:900"]
    assert person is not None
    assert person.name == "Ольга из Минска"


# --- lists


async def test_a_bulk_import_of_one_second_is_read_to_its_end(sub: Sub) -> None:
    ids = [sub.vendor.add(OLGA) for _ in range(350)]
    for row in sub.vendor.fake.rows["contacts"].values():
        row["updated_at"] = 1_700_000_000
    told, cursor = await sub.fed()
    assert set(ids) <= told.keys()
    late = sub.vendor.add(OLGA)
    sub.vendor.fake.rows["contacts"][int(late.partition(":")[2])]["updated_at"] = 1_700_000_001
    assert late in (await sub.fed(cursor))[0]


async def test_one_who_is_edited_while_the_list_is_read_hides_nobody(sub: Sub) -> None:
    ids = [sub.vendor.add(OLGA) for _ in range(250)]
    first = await sub.open().changes(None)
    for each in ids[:20]:
        sub.vendor.edit(each, OLGA)
    rest, _ = await sub.fed(first.cursor)
    assert {each.external_id for each in first.changes} | rest.keys() == set(ids)


async def test_one_who_is_marked_as_deleted_is_gone(sub: Sub) -> None:
    olga = sub.vendor.add(OLGA)
    sub.vendor.fake.rows["contacts"][int(olga.partition(":")[2])]["is_deleted"] = True
    page = await sub.open().changes(None)
    assert page.changes == (Gone(olga),)
    assert await sub.open().people((olga,)) == (Gone(olga),)


@pytest.mark.parametrize(("has_events", "requests"), [(True, 3), (False, 2)])
async def test_an_idle_sync_costs_two_requests_and_one_for_the_events(
    sub: Sub, has_events: bool, requests: int
) -> None:
    sub.vendor.fake.has_events = has_events
    sub.vendor.add(OLGA)
    _, cursor = await sub.fed()
    sub.vendor.fake.seen.clear()
    await sub.fed(cursor)
    assert len(sub.vendor.fake.seen) == requests
