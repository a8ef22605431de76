"""A strict fake of RetailCRM's API v5: customers, corporate customers, their histories, users, telephony."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from tests.fakes.crm.limits import Window
from tests.fakes.crm.server import FakeCrm, Strict, packed
from tests.fakes.crm.vendor import Customer

KEY = "rcrm-S3cret-key"
MODULE = "smart-redirect"
NOW = datetime(2026, 11, 20, 12)
_CUSTOMERS = {"ids", "name", "isContact"}
_CORPORATE = {"ids", "contactIds"}
_HISTORY = {"sinceId", "startDate", "endDate"}
Row = dict[str, Any]
_FILTER = re.compile(r"filter\[(\w+)\](\[\d*\])?")


@dataclass
class RetailCrmFake(FakeCrm):
    """One account."""

    tables: dict[str, dict[int, Row]] = field(default_factory=lambda: {"customers": {}, "corporate": {}})
    histories: dict[str, list[Row]] = field(default_factory=lambda: {"customers": [], "corporate": []})
    lags: bool = False
    """Whether what is written reaches the histories at once and the lists not before `catch_up`, as on a replica."""
    commits_late: bool = False
    """Whether it has its id and its time at once and is seen not before `catch_up`, as in a long transaction."""
    now: datetime = NOW
    last_id: int = 8
    users: dict[int, Row] = field(default_factory=dict)
    codes: dict[int, str] = field(default_factory=dict)
    key: str = KEY
    has_telephony: bool = True
    shown: dict[str, dict[int, Row | None]] = field(default_factory=lambda: {"customers": {}, "corporate": {}})
    held: list[tuple[str, Row]] = field(default_factory=list)

    @property
    def customers(self) -> Mapping[int, Row]:
        """The customers as they are."""
        return self.tables["customers"]

    def routes(self) -> Sequence[BaseRoute]:
        return [
            Route("/api/v5/customers", self.list_customers),
            Route("/api/v5/customers-corporate", self.list_corporate),
            Route("/api/v5/customers/history", self.customers_history),
            Route("/api/v5/customers-corporate/history", self.corporate_history),
            Route("/api/v5/users", self.list_users),
            Route("/api/v5/integration-modules/{code}", self.module),
            Route("/api/v5/telephony/manager", self.telephony_manager),
            Route("/{path:path}", self.not_found, methods=["GET", "POST"]),
        ]

    def refused(self, text: str) -> Response:
        return JSONResponse({"success": False, "errorMsg": text}, 400)

    # --- what its users do

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.now += timedelta(seconds=seconds)

    def catch_up(self) -> None:
        """Let everybody see all that was written."""
        self.lags = self.commits_late = False
        for kind, row in self.held:
            self.histories[kind] = sorted([*self.histories[kind], row], key=lambda each: each["id"])
        self.held.clear()
        for shown in self.shown.values():
            shown.clear()

    def put(self, kind: str, number: int, row: Row | None) -> None:
        """Write somebody, or take him away."""
        if self.lags or self.commits_late:
            self.shown[kind].setdefault(number, self.tables[kind].get(number))
        self.tables[kind].pop(number, None)
        self.tables[kind] |= {} if row is None else {number: row}

    def change(self, kind: str, number: int, **record: Any) -> None:
        """Write a row of a history."""
        self.last_id += 3
        base = {"id": self.last_id, "createdAt": text_of(self.now), "source": "user", "field": "phones"}
        row = {**base, "customer": {"id": number}, **record}
        if self.commits_late:
            self.held.append((kind, row))
        else:
            self.histories[kind].append(row)

    def link(self, corporate_id: int, name: str, contacts: Sequence[int], manager: int | None) -> None:
        """Make a corporate customer, or change the one there is."""
        before = self.tables["corporate"].get(corporate_id, {"customerContacts": []})
        people = [{"id": each * 10, "customer": {"id": each}} for each in contacts]
        row = {"id": corporate_id, "type": "customer_corporate", "nickName": name, "customerContacts": people}
        self.put("corporate", corporate_id, row | ({"managerId": manager} if manager else {}))
        is_same = {int(each) for each in _contacts(before)} in (set(), set(contacts))
        self.change("corporate", corporate_id, field="nick_name" if is_same else "customer_contacts")
        self.flag()

    def unlink(self, corporate_id: int) -> None:
        """Delete a corporate customer."""
        self.put("corporate", corporate_id, None)
        self.change("corporate", corporate_id, deleted=True, field="id")
        self.flag()

    def flag(self) -> None:
        """Have everybody's `isContact` say whether he is one; it follows the links, and no history tells of it."""
        contacts = {int(each) for row in self.tables["corporate"].values() for each in _contacts(row)}
        for number, row in list(self.customers.items()):
            if row.get("isContact") is not (number in contacts):
                self.put("customers", number, {**row, "isContact": number in contacts})

    # --- the API

    def allow(self, request: Request, filters: set[str], others: set[str]) -> dict[str, list[str]]:
        """Check key and parameters; return the filters."""
        found: dict[str, list[str]] = {}
        for name, value in request.query_params.multi_items():
            matched = _FILTER.fullmatch(name)
            if matched:
                self.require(matched[1] in filters, f"no such filter: {name}")
                found.setdefault(matched[1], []).append(value)
            else:
                self.require(name in others, f"no such parameter: {name}")
        return found

    def barred(self, request: Request) -> Response | None:
        """Refuse a key that is missing or wrong, as the real one does."""
        self.require("apiKey" not in request.query_params, "the key belongs into the header, not into addresses")
        given = request.headers.get("x-api-key")
        if given is None:
            return JSONResponse({"success": False, "errorMsg": '"apiKey" is missing.'}, 403)
        if given != self.key:
            return JSONResponse({"success": False, "errorMsg": 'Wrong "apiKey" value.'}, 403)
        return None

    def page(self, request: Request, name: str, rows: Sequence[Row]) -> Response:
        """Answer one page: 20 rows unless the request says 50 or 100."""
        limit = request.query_params.get("limit", "20")
        self.require(limit in {"20", "50", "100"}, f"limit must be 20, 50 or 100, not {limit}")
        size, number = int(limit), int(request.query_params.get("page", "1"))
        self.require(number >= 1, "page begins with 1")
        pages = -(-len(rows) // size)
        paging = {"limit": size, "totalCount": len(rows), "currentPage": number, "totalPageCount": pages}
        part = list(rows[(number - 1) * size : number * size])
        return packed(request, {"success": True, "generatedAt": text_of(self.now), "pagination": paging, name: part})

    def visible(self, kind: str) -> list[Row]:
        """The rows that lists show."""
        shown = {**self.tables[kind], **self.shown[kind]}
        return [row for _, row in sorted(shown.items()) if row is not None]

    async def list_customers(self, request: Request) -> Response:
        if barred := self.barred(request):
            return barred
        filters = self.allow(request, _CUSTOMERS, {"page", "limit"})
        rows = self.visible("customers")
        if "ids" in filters:
            rows = [row for row in rows if str(row["id"]) in filters["ids"]]
        if "isContact" in filters:
            rows = [row for row in rows if row.get("isContact") is (filters["isContact"] == ["1"])]
        for text in filters.get("name", ()):
            rows = [row for row in rows if _has(row, text)]
        return self.page(request, "customers", rows)

    async def list_corporate(self, request: Request) -> Response:
        if barred := self.barred(request):
            return barred
        filters = self.allow(request, _CORPORATE, {"page", "limit"})
        rows = self.visible("corporate")
        if "ids" in filters:
            rows = [row for row in rows if str(row["id"]) in filters["ids"]]
        if "contactIds" in filters:
            rows = [row for row in rows if _contacts(row) & set(filters["contactIds"])]
        return self.page(request, "customersCorporate", rows)

    async def customers_history(self, request: Request) -> Response:
        return self.history(request, "customers")

    async def corporate_history(self, request: Request) -> Response:
        return self.history(request, "corporate")

    def history(self, request: Request, kind: str) -> Response:
        if barred := self.barred(request):
            return barred
        filters = self.allow(request, _HISTORY, {"page", "limit"})
        # Refused by the real one since 15 May 2023.
        if "sinceId" in filters and "page" in request.query_params:
            raise Strict("sinceId and page exclude each other")
        since = int(filters.get("sinceId", ["0"])[0])
        return self.page(request, "history", [row for row in self.histories[kind] if row["id"] > since])

    async def list_users(self, request: Request) -> Response:
        if barred := self.barred(request):
            return barred
        self.allow(request, {"active", "isManager"}, {"page", "limit"})
        return self.page(request, "users", [self.users[each] for each in sorted(self.users)])

    async def module(self, request: Request) -> Response:
        if barred := self.barred(request):
            return barred
        if request.path_params["code"] != MODULE:
            return JSONResponse({"success": False, "errorMsg": "Not found"}, 404)
        codes = [{"userId": each, "code": code} for each, code in self.codes.items()]
        telephony = {"telephony": {"additionalCodes": codes}}
        return packed(request, {"success": True, "integrationModule": {"code": MODULE, "integrations": telephony}})

    async def telephony_manager(self, request: Request) -> Response:
        if barred := self.barred(request):
            return barred
        self.allow(request, set(), {"phone", "details", "ignoreStatus"})
        self.require(request.query_params.get("phone"), "Parameter 'phone' is missing")
        answer: Row = {"success": True}
        found = [row for row in self.customers.values() if _has(row, request.query_params["phone"][-9:])]
        if found and self.has_telephony:
            manager = self.users.get(found[0].get("managerId", 0))
            if manager and (manager["online"] or request.query_params.get("ignoreStatus") == "1"):
                names = {name: manager.get(name) for name in ("id", "firstName", "lastName")}
                answer["manager"] = names | {"code": self.codes.get(manager["id"])}
            if request.query_params.get("details") == "1":
                kept = ("id", "firstName", "lastName", "patronymic", "phones")
                answer |= {"customer": {name: found[0].get(name) for name in kept}, "links": {"newOrderLink": "/x"}}
        return packed(request, answer)


def _has(row: Row, text: str) -> bool:
    """Match a full name, or the digits of a phone anywhere in them."""
    digits = re.sub(r"\D", "", text)
    phones = (re.sub(r"\D", "", each["number"]) for each in row["phones"])
    name = f"{row.get('lastName', '')} {row.get('firstName', '')}"
    return any(digits in each for each in phones) if digits else text.lower() in name.lower()


def _contacts(row: Row) -> set[str]:
    return {str(each["customer"]["id"]) for each in row["customerContacts"]}


def text_of(moment: datetime) -> str:
    """Write a time as the account does."""
    return moment.strftime("%Y-%m-%d %H:%M:%S")


async def _over_limit(_: Request) -> Response:
    return JSONResponse({"success": False, "errorMsg": "API limit exceeded"}, 503, headers={"Retry-After": "7"})


class RetailCrm:
    """The vendor, for the contract test."""

    name = "retailcrm"
    secrets = (KEY,)
    feeds_deletions = True
    tells_merges = True
    searches_text = False
    sweeps = True
    tells_extensions = True
    merges = True
    limited_for = 7.0

    def __init__(self) -> None:
        self.fake = RetailCrmFake(limit=Window(10, 1.0))
        self.last_number = 100
        self.limited = _over_limit

    def settings(self, port: int) -> dict[str, object]:
        return {"url": f"https://shop.example.test:{port}", "api_key": KEY, "module": MODULE}

    def revoke(self) -> None:
        self.fake.key = "another"

    def add(self, customer: Customer) -> str:
        self.last_number += 1
        self.write(self.last_number, customer, created=True)
        return str(self.last_number)

    def edit(self, external_id: str, customer: Customer) -> None:
        self.write(int(external_id), customer)

    def write(self, number: int, customer: Customer, **record: Any) -> None:
        """Write all that a customer has."""
        row = {
            "id": number,
            "type": "customer",
            "createdAt": text_of(self.fake.now),
            "isContact": False,
            "lastName": customer.last,
            "firstName": customer.first,
            "phones": [{"number": each} for each in customer.phones],
        }
        self.fake.put("customers", number, row | ({"managerId": int(customer.manager)} if customer.manager else {}))
        self.fake.change("customers", number, **record)
        if customer.company:
            self.fake.link(5000 + number, customer.company, [number], None)
        elif 5000 + number in self.fake.tables["corporate"]:
            self.fake.unlink(5000 + number)
        self.fake.flag()

    def delete(self, external_id: str) -> None:
        self.fake.put("customers", int(external_id), None)
        self.fake.change("customers", int(external_id), deleted=True, field="id")

    def merge(self, external_id: str, into: str) -> None:
        joined, survivor = self.fake.customers[int(external_id)], self.fake.customers[int(into)]
        self.fake.put("customers", int(external_id), None)
        self.fake.put("customers", int(into), {**survivor, "phones": [*survivor["phones"], *joined["phones"]]})
        self.fake.change("customers", int(external_id), combinedTo={"id": int(into)}, field="id")

    def add_manager(self, manager_id: str, last: str, first: str, extension: str | None) -> None:
        number = int(manager_id)
        names = {"id": number, "lastName": last, "firstName": first}
        self.fake.users[number] = {**names, "active": True, "isManager": True, "online": False, "status": "free"}
        if extension:
            self.fake.codes[number] = extension

    def retire(self, manager_id: str) -> None:
        self.fake.users[int(manager_id)]["active"] = False


VENDOR = RetailCrm
