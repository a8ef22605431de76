"""A strict fake of U-ON.Travel's API: the key in the path, pages by number, days in the feed, 404 for nobody."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from tests.fakes.crm.limits import Window
from tests.fakes.crm.server import FakeCrm, packed
from tests.fakes.crm.vendor import Customer

KEY = "uonS3cretKey"
NOBODY: Mapping[str, bytes] = {
    "result": b'{"result": 404}',
    "list": b'{"users": []}',
    "error": b'{"error": "not found"}',
    "empty": b"",
}
"""Bodies of a 404 that means that there is nobody: no page describes them."""
MOSCOW = timezone(timedelta(hours=3))
_DAY = re.compile(r"\d{4}-\d\d-\d\d")


@dataclass
class UonFake(FakeCrm):
    """One account."""

    users: dict[int, dict[str, Any]] = field(default_factory=dict)
    managers: dict[int, dict[str, Any]] = field(default_factory=dict)
    key: str = KEY
    page_size: int = 100
    nobody: str = "result"
    """How it says so."""
    pages_managers: bool = True
    """Whether `page` of manager.json is heard: the documents do not have it, one service sends it."""

    def routes(self) -> Sequence[BaseRoute]:
        return [
            Route("/{key}/users/{page}.json", self.list_users),
            Route("/{key}/user/phone/{phone}.json", self.by_phone),
            Route("/{key}/user/updated/{first}/{last}/{page}.json", self.updated),
            Route("/{key}/user/{id}.json", self.one),
            Route("/{key}/manager.json", self.list_managers),
            Route("/{path:path}", self.not_found, methods=["GET", "POST"]),
        ]

    def refused(self, text: str) -> Response:
        return JSONResponse({"result": 400, "error": text}, 400)

    def barred(self, request: Request, *params: str) -> Response | None:
        """Refuse parameters that there are not, and a key that is wrong."""
        for name in request.query_params:
            self.require(name in params, f"no such parameter: {name}")
        self.require("authorization" not in request.headers, "the key belongs into the path")
        if request.path_params["key"] != self.key:
            return JSONResponse({"result": 403, "error": "API key is wrong"}, 403)
        return None

    def missing(self) -> Response:
        """What it says where nobody is."""
        return Response(NOBODY[self.nobody], 404, media_type="application/json")

    def page(self, request: Request, text: str, rows: Sequence[dict[str, Any]]) -> Response:
        """Answer one page; one that is beyond the last is 404, the first of an empty list too and says what it means."""
        self.require(text.isdigit() and int(text) >= 1, f"pages are numbers from 1, not {text}")
        part = list(rows[(int(text) - 1) * self.page_size : int(text) * self.page_size])
        if not part:
            return self.missing() if rows else JSONResponse({"result": 404, "users": []}, 404)
        return packed(request, {"result": 200, "users": part})

    async def list_users(self, request: Request) -> Response:
        rows = [self.users[each] for each in sorted(self.users)]
        return self.barred(request) or self.page(request, request.path_params["page"], rows)

    async def updated(self, request: Request) -> Response:
        if barred := self.barred(request):
            return barred
        first, last = request.path_params["first"], request.path_params["last"]
        self.require(_DAY.fullmatch(first) and _DAY.fullmatch(last), "days are YYYY-MM-DD")
        self.require(date.fromisoformat(first) <= date.fromisoformat(last), "the first day comes first")
        rows = [row for row in self.users.values() if first <= row["u_date_update"][:10] <= last]
        return self.page(request, request.path_params["page"], rows)

    async def by_phone(self, request: Request) -> Response:
        if barred := self.barred(request):
            return barred
        digits = request.path_params["phone"]
        self.require(digits.isascii() and digits.isdigit(), "phones are digits alone")
        rows = [row for row in self.users.values() if _has(row, digits[-9:])]
        return packed(request, {"result": 200, "users": rows}) if rows else self.missing()

    async def one(self, request: Request) -> Response:
        if barred := self.barred(request):
            return barred
        self.require(request.path_params["id"].isdigit(), "ids are numbers")
        row = self.users.get(int(request.path_params["id"]))
        return packed(request, {"result": 200, "user": [row]}) if row else self.missing()

    async def list_managers(self, request: Request) -> Response:
        rows = [self.managers[each] for each in sorted(self.managers)]
        number = request.query_params.get("page", "1") if self.pages_managers else "1"
        return self.barred(request, "page") or self.page(request, number, rows)


def moscow_now() -> str:
    """The time as the account writes it."""
    return datetime.now(UTC).astimezone(MOSCOW).strftime("%Y-%m-%d %H:%M:%S")


def _has(row: dict[str, Any], digits: str) -> bool:
    phones = (re.sub(r"\D", "", row[name] or "") for name in ("u_phone", "u_phone_mobile", "u_phone_home"))
    return any(each.endswith(digits) for each in phones)


async def _over_limit(_: Request) -> Response:
    return JSONResponse({"result": 429, "error": "Too many requests"}, 429)


class Uon:
    """The vendor, for the contract test."""

    name = "uon"
    secrets = (KEY,)
    feeds_deletions = False
    tells_merges = False
    searches_text = False
    sweeps = True
    tells_extensions = False
    merges = False
    limited_for = 5.0

    def __init__(self) -> None:
        self.fake = UonFake(limit=Window(10, 1.0))
        self.limited = _over_limit

    def settings(self, port: int) -> dict[str, object]:
        return {"url": f"https://api.example.test:{port}", "api_key": KEY}

    def revoke(self) -> None:
        self.fake.key = "another"

    def add(self, customer: Customer) -> str:
        number = max(self.fake.users, default=100) + 1
        self.edit(str(number), customer)
        return str(number)

    def edit(self, external_id: str, customer: Customer) -> None:
        phones = [*customer.phones, "", "", ""]
        self.fake.users[int(external_id)] = {
            "u_id": int(external_id),
            "u_surname": customer.last,
            "u_name": customer.first,
            "u_sname": "",
            "u_phone": phones[0],
            "u_phone_mobile": phones[1],
            "u_phone_home": phones[2] or None,
            "u_company": customer.company,
            "manager_id": customer.manager or "0",
            "u_date_update": moscow_now(),
        }

    def delete(self, external_id: str) -> None:
        del self.fake.users[int(external_id)]

    def merge(self, external_id: str, into: str) -> None:
        raise NotImplementedError("nothing is known of merges in U-ON")

    def add_manager(self, manager_id: str, last: str, first: str, extension: str | None) -> None:
        number = int(manager_id)
        row = {"u_id": number, "u_surname": last, "u_name": first, "u_email": "a@b.by", "role_id": 2, "active": 1}
        self.fake.managers[number] = row | {"ip_internal_number": extension or ""}

    def retire(self, manager_id: str) -> None:
        self.fake.managers[int(manager_id)]["active"] = 0


VENDOR = Uon
