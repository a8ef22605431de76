"""Lists of a CRM that never end are given up, before they fill the memory of the process that answers calls."""

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

import pytest

from smart_redirect.adapters.crm import amocrm, bitrix24, generic, moysklad, retailcrm
from smart_redirect.adapters.crm.bounds import MOST_MANAGERS, MOST_OF_A_COMPANY, End, in_turns
from smart_redirect.adapters.crm.json_values import MOST_ROWS, Json
from smart_redirect.adapters.crm.outbound import Answer, Outbound, Query
from smart_redirect.adapters.memory_tokens import MemoryTokens
from smart_redirect.errors import CrmMalformed
from smart_redirect.usecases.ports_crm import Access, Crm
from tests.adapters.crm.reading import no_wait

MANY = 10**9
UUID = "7c0e5f6a-0001-11ee-0a80-000000000001"
Row = dict[str, Any]
Respond = Callable[[str, Sequence[Row]], object]


class Endless(Outbound):
    """A CRM each of whose pages is full, and followed by another one."""

    def __init__(self, respond: Respond, rows: int) -> None:
        self._respond, self._rows, self._ids, self.sent = respond, rows, count(1), 0

    async def send(self, query: Query) -> Answer:
        self.sent += 1
        ids = [next(self._ids) for _ in range(self._rows)]
        rows = [{"id": each, "ID": str(each), "name": "x" * 1000} for each in ids]
        return Answer(200, {}, json.dumps(self._respond(query.url, rows)).encode())


@dataclass(frozen=True)
class Vendor:
    """How a vendor's adapter is opened, and how its lists look."""

    make: Callable[[Outbound, Access], Crm]
    settings: Mapping[str, object]
    respond: Respond


def bitrix_page(_: str, rows: Sequence[Row]) -> object:
    lists = {f"user{number}": rows[number * 50 : number * 50 + 50] for number in range(max(1, len(rows) // 50))}
    return {"result": {"result": lists}}


def moysklad_page(url: str, rows: Sequence[Row]) -> object:
    cut = {"meta": {"size": MANY}, "rows": []}
    given = [{"id": UUID, "contactpersons": cut}] if url.endswith("/counterparty") else rows
    return {"rows": given, "meta": {"size": MANY}}


def retailcrm_page(_: str, rows: Sequence[Row]) -> object:
    lists = {"users": rows, "customersCorporate": rows, "customers": [{"id": 1, "isContact": True}]}
    return {"success": True, "pagination": {"totalPageCount": MANY, "totalCount": MANY}, **lists}


URL = {"url": "https://crm.example.test", "token": "t", "api_key": "k", "long_lived_token": "l"}
LIST = {"list_url": "https://x.example.test/", "person_url": "https://x.example.test/{id}", "phones_path": "p"}
PATHS = {"id_path": "id", "name_path": "name", "managers_url": "https://x.example.test/m?p={page}"}
VENDORS = {
    "amocrm": Vendor(amocrm.make, URL, lambda _, rows: {"_embedded": {"users": rows}, "_links": {"next": {}}}),
    "bitrix24": Vendor(bitrix24.make, {"webhook_url": "https://crm.example.test/rest/1/abc"}, bitrix_page),
    "generic": Vendor(generic.make, {**LIST, **PATHS}, lambda _, rows: rows),
    "moysklad": Vendor(moysklad.make, URL, moysklad_page),
    "retailcrm": Vendor(retailcrm.make, URL, retailcrm_page),
}


def opened(name: str, rows: int) -> tuple[Crm, Endless]:
    vendor = VENDORS[name]
    http = Endless(vendor.respond, rows)
    return vendor.make(http, Access(vendor.settings, "BY", no_wait, MemoryTokens())), http


@pytest.mark.parametrize("name", VENDORS)
async def test_managers_without_an_end_are_malformed(name: str) -> None:
    crm, http = opened(name, rows=250)
    with pytest.raises(CrmMalformed, match="does not end"):
        await crm.managers()
    assert http.sent <= MOST_MANAGERS / 250 + 1


@pytest.mark.parametrize("name", ["amocrm", "generic", "moysklad", "retailcrm"])
async def test_short_pages_without_an_end_are_too(name: str) -> None:
    crm, http = opened(name, rows=1)
    with pytest.raises(CrmMalformed, match="does not end"):
        await crm.managers()
    assert http.sent <= MOST_MANAGERS / 20 + 1


@pytest.mark.parametrize(("name", "person", "most"), [("moysklad", UUID, 11), ("retailcrm", "1", 52)])
async def test_contact_persons_and_companies_without_an_end_are_malformed(name: str, person: str, most: int) -> None:
    crm, http = opened(name, rows=100)
    with pytest.raises(CrmMalformed, match="does not end"):
        await crm.people((person,))
    assert http.sent <= most + 1


def test_a_page_may_be_as_long_as_the_longest_and_no_longer() -> None:
    page = Json({"rows": [{}] * MOST_ROWS, "others": [{}] * (MOST_ROWS + 1)})
    assert len(page.rows("rows")) == MOST_ROWS
    with pytest.raises(CrmMalformed, match="more others than a page may have"):
        page.rows("others")


def test_a_list_may_be_as_long_as_the_limit_and_no_longer() -> None:
    end = End(MOST_OF_A_COMPANY)
    for _ in range(MOST_OF_A_COMPANY // 100):
        end.count(100)
    with pytest.raises(CrmMalformed):
        end.count(0)


async def test_rows_are_read_in_turns_and_in_order() -> None:
    read, most = 0, 0

    def one(row: Json) -> int:
        nonlocal read
        read += 1
        return row.count or 0

    task = asyncio.ensure_future(in_turns(one, map(Json, range(1, 101))))
    while not task.done():
        read = 0
        await asyncio.sleep(0)
        most = max(most, read)
    assert (await task, most) == (tuple(range(1, 101)), 20)
