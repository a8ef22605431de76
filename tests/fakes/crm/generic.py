"""A strict fake of somebody's own CRM: a look-up by phone, a list in pages, one person by id, and managers."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from tests.fakes.crm.server import FakeCrm, packed
from tests.fakes.crm.vendor import Customer

TOKEN = "own-S3cret-token"
NOW = "2026-11-20T12:00:00+03:00"


@dataclass
class GenericFake(FakeCrm):
    """One company's server."""

    clients: dict[int, dict[str, Any]] = field(default_factory=dict)
    staff: dict[int, dict[str, Any]] = field(default_factory=dict)
    token: str = TOKEN
    page_size: int = 100
    ends_with_404: bool = False
    """Whether a page behind the last one is 404 instead of empty: frameworks differ."""

    def routes(self) -> Sequence[BaseRoute]:
        return [
            Route("/api/lookup", self.lookup),
            Route("/api/clients", self.list_clients),
            Route("/api/clients/{id}", self.one),
            Route("/api/staff", self.list_staff),
            Route("/{path:path}", self.not_found, methods=["GET", "POST"]),
        ]

    def barred(self, request: Request, param: str) -> Response | None:
        """Refuse parameters other than this one, and a token that is wrong."""
        self.require(set(request.query_params) == ({param} if param else set()), "other parameters than there are")
        self.require(request.headers.get("accept") == "application/json", "it speaks JSON only")
        if request.headers.get("authorization") != f"Bearer {self.token}":
            return JSONResponse({"error": "bad token"}, 401)
        return None

    def page(self, request: Request, rows: Sequence[dict[str, Any]]) -> Response:
        text = request.query_params["page"]
        self.require(text.isdigit() and int(text) >= 1, f"pages are numbers from 1, not {text}")
        part = list(rows[(int(text) - 1) * self.page_size : int(text) * self.page_size])
        if self.ends_with_404 and not part and text != "1":
            return JSONResponse({"detail": "Invalid page."}, 404)
        return packed(request, {"count": len(rows), "data": {"items": part}})

    async def lookup(self, request: Request) -> Response:
        if barred := self.barred(request, "phone"):
            return barred
        digits = request.query_params["phone"]
        self.require(re.fullmatch(r"\d{7,15}", digits), "phones are digits alone")
        rows = [row for row in self.clients.values() if _has(row, digits[-9:])]
        extensions = {str(each["id"]): each["ext"] for each in self.staff.values()}
        return packed(request, {"clients": [row | {"ext": extensions.get(str(row["manager"]))} for row in rows]})

    async def list_clients(self, request: Request) -> Response:
        rows = [self.clients[each] for each in sorted(self.clients)]
        return self.barred(request, "page") or self.page(request, rows)

    async def one(self, request: Request) -> Response:
        if barred := self.barred(request, ""):
            return barred
        number = request.path_params["id"]
        row = self.clients.get(int(number)) if number.isdigit() else None
        return packed(request, {"client": row}) if row else JSONResponse({"error": "no such client"}, 404)

    async def list_staff(self, request: Request) -> Response:
        rows = [self.staff[each] for each in sorted(self.staff)]
        return self.barred(request, "page") or self.page(request, rows)


def _has(row: dict[str, Any], digits: str) -> bool:
    return any(re.sub(r"\D", "", each["number"]).endswith(digits) for each in row["phones"])


async def _over_limit(_: Request) -> Response:
    return JSONResponse({"error": "slow down"}, 429, headers={"Retry-After": "7"})


class Generic:
    """The vendor, for the contract test."""

    name = "generic"
    secrets = (TOKEN,)
    feeds_deletions = False
    tells_merges = False
    searches_text = False
    sweeps = True
    tells_extensions = True
    merges = True
    limited_for = 7.0

    def __init__(self) -> None:
        self.fake = GenericFake()
        self.limited = _over_limit

    def settings(self, port: int) -> dict[str, object]:
        base = f"https://crm.example.test:{port}/api"
        return {
            "url": base + "/lookup?phone={phone}",
            "rows_path": "clients",
            "list_url": base + "/clients?page={page}",
            "list_path": "data.items",
            "list_seconds": 0,
            "person_url": base + "/clients/{id}",
            "person_path": "client",
            "id_path": "id",
            "last_path": "name.last",
            "first_path": "name.first",
            "company_path": "company",
            "phones_path": "phones[*].number",
            "responsible_path": "manager",
            "extension_path": "ext",
            "updated_path": "changed",
            "managers_url": base + "/staff?page={page}",
            "managers_path": "data.items",
            "manager_extension_path": "ext",
            "manager_active_path": "works",
            "auth": "bearer",
            "token": TOKEN,
        }

    def revoke(self) -> None:
        self.fake.token = "another"

    def add(self, customer: Customer) -> str:
        number = max(self.fake.clients, default=100) + 1
        self.edit(str(number), customer)
        return str(number)

    def edit(self, external_id: str, customer: Customer) -> None:
        self.fake.clients[int(external_id)] = {
            "id": int(external_id),
            "name": {"last": customer.last, "first": customer.first},
            "company": customer.company or None,
            "phones": [{"number": each} for each in customer.phones],
            "manager": customer.manager,
            "changed": NOW,
        }

    def delete(self, external_id: str) -> None:
        del self.fake.clients[int(external_id)]

    def merge(self, external_id: str, into: str) -> None:
        joined, survivor = self.fake.clients.pop(int(external_id)), self.fake.clients[int(into)]
        survivor["phones"] = [*survivor["phones"], *joined["phones"]]

    def add_manager(self, manager_id: str, last: str, first: str, extension: str | None) -> None:
        row = {"id": int(manager_id), "name": f"{last} {first}", "ext": extension, "works": True}
        self.fake.staff[int(manager_id)] = row

    def retire(self, manager_id: str) -> None:
        self.fake.staff[int(manager_id)]["works"] = False


VENDOR = Generic
