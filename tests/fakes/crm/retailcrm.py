"""A strict fake of RetailCRM's API v5: customers, corporate customers, their histories, users, telephony."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from tests.fakes.crm.server import FakeCrm, Strict, packed
from tests.fakes.crm.vendor import Customer

KEY = "rcrm-S3cret-key"
MODULE = "smart-redirect"
NOW = "2026-11-20 12:00:00"
_CUSTOMERS = {"ids", "name", "isContact"}
_CORPORATE = {"ids", "contactIds"}
_HISTORY = {"sinceId", "startDate", "endDate"}
_FILTER = re.compile(r"filter\[(\w+)\](\[\d*\])?")


@dataclass
class RetailCrmFake(FakeCrm):
    """One account."""

    customers: dict[int, dict[str, Any]] = field(default_factory=dict)
    corporate: dict[int, dict[str, Any]] = field(default_factory=dict)
    histories: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: {"customers": [], "corporate": []})
    users: dict[int, dict[str, Any]] = field(default_factory=dict)
    codes: dict[int, str] = field(default_factory=dict)
    key: str = KEY
    has_telephony: bool = True

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

    def change(self, kind: str, number: int, **record: Any) -> None:
        """Write a row of a history."""
        rows = self.histories[kind]
        base = {"id": len(rows) * 3 + 11, "createdAt": NOW, "source": "user", "field": record.pop("field", "phones")}
        rows.append({**base, "customer": {"id": number}, **record})

    def link(self, corporate_id: int, name: str, contacts: Sequence[int], manager: int | None) -> None:
        """Make a corporate customer, or change the one there is."""
        people = [{"id": each * 10, "customer": {"id": each}} for each in contacts]
        row = {"id": corporate_id, "type": "customer_corporate", "nickName": name, "customerContacts": people}
        self.corporate[corporate_id] = row | ({"managerId": manager} if manager else {})
        for each in contacts:
            self.customers[each]["isContact"] = True
        self.change("corporate", corporate_id, field="nick_name")

    def unlink(self, corporate_id: int) -> None:
        """Delete a corporate customer."""
        del self.corporate[corporate_id]
        self.change("corporate", corporate_id, deleted=True, field="id")

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

    def page(self, request: Request, name: str, rows: Sequence[dict[str, Any]]) -> Response:
        """Answer one page: 20 rows unless the request says 50 or 100."""
        limit = request.query_params.get("limit", "20")
        self.require(limit in {"20", "50", "100"}, f"limit must be 20, 50 or 100, not {limit}")
        size, number = int(limit), int(request.query_params.get("page", "1"))
        self.require(number >= 1, "page begins with 1")
        pages = -(-len(rows) // size)
        paging = {"limit": size, "totalCount": len(rows), "currentPage": number, "totalPageCount": pages}
        part = list(rows[(number - 1) * size : number * size])
        return packed(request, {"success": True, "generatedAt": NOW, "pagination": paging, name: part})

    async def list_customers(self, request: Request) -> Response:
        if barred := self.barred(request):
            return barred
        filters = self.allow(request, _CUSTOMERS, {"page", "limit"})
        rows = [self.customers[each] for each in sorted(self.customers)]
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
        rows = [self.corporate[each] for each in sorted(self.corporate)]
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
        answer: dict[str, Any] = {"success": True}
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


def _has(row: dict[str, Any], text: str) -> bool:
    """Match a full name, or the digits of a phone anywhere in them."""
    digits = re.sub(r"\D", "", text)
    phones = (re.sub(r"\D", "", each["number"]) for each in row["phones"])
    name = f"{row.get('lastName', '')} {row.get('firstName', '')}"
    return any(digits in each for each in phones) if digits else text.lower() in name.lower()


def _contacts(row: dict[str, Any]) -> set[str]:
    return {str(each["customer"]["id"]) for each in row["customerContacts"]}


async def _over_limit(_: Request) -> Response:
    return JSONResponse({"success": False, "errorMsg": "API limit exceeded"}, 503, headers={"Retry-After": "7"})


class RetailCrm:
    """The vendor, for the contract test."""

    name = "retailcrm"
    secrets = (KEY,)
    feeds_deletions = True
    tells_extensions = True
    merges = True
    limited_for = 7.0

    def __init__(self) -> None:
        self.fake = RetailCrmFake()
        self.limited = _over_limit

    def settings(self, port: int) -> dict[str, object]:
        return {"url": f"https://shop.example.test:{port}", "api_key": KEY, "module": MODULE}

    def revoke(self) -> None:
        self.fake.key = "another"

    def add(self, customer: Customer) -> str:
        number = max(self.fake.customers, default=100) + 1
        self.fake.customers[number] = {"id": number}
        self.edit(str(number), customer)
        self.fake.histories["customers"][-1]["created"] = True
        return str(number)

    def edit(self, external_id: str, customer: Customer) -> None:
        number = int(external_id)
        self.fake.customers[number] = {
            "id": number,
            "type": "customer",
            "createdAt": NOW,
            "isContact": bool(customer.company),
            "lastName": customer.last,
            "firstName": customer.first,
            "phones": [{"number": each} for each in customer.phones],
        } | ({"managerId": int(customer.manager)} if customer.manager else {})
        self.fake.change("customers", number)
        if customer.company:
            self.fake.link(5000 + number, customer.company, [number], None)

    def delete(self, external_id: str) -> None:
        del self.fake.customers[int(external_id)]
        self.fake.change("customers", int(external_id), deleted=True, field="id")

    def merge(self, external_id: str, into: str) -> None:
        joined, survivor = self.fake.customers.pop(int(external_id)), self.fake.customers[int(into)]
        survivor["phones"] = [*survivor["phones"], *joined["phones"]]
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
