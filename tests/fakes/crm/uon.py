"""A strict fake of U-ON.Travel's API: the key in the path, pages without a count, 404 for nobody."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from tests.fakes.crm.server import FakeCrm, packed
from tests.fakes.crm.vendor import Customer

KEY = "uon-S3cret-key"
PAGE = 100
_DAY = re.compile(r"\d{4}-\d\d-\d\d")


@dataclass
class UOnFake(FakeCrm):
    """One agency."""

    users: dict[int, dict[str, Any]] = field(default_factory=dict)
    managers: list[dict[str, Any]] = field(default_factory=list)
    key: str = KEY
    page: int = PAGE

    def routes(self) -> Sequence[BaseRoute]:
        return [
            Route("/{key}/user/phone/{digits}.json", self.by_phone),
            Route("/{key}/users/{page:int}.json", self.all_users),
            Route("/{key}/user/updated/{since}/{until}/{page:int}.json", self.updated),
            Route("/{key}/user/{number:int}.json", self.one),
            Route("/{key}/manager.json", self.all_managers),
            Route("/{path:path}", self.not_found, methods=["GET", "POST"]),
        ]

    def answer(self, request: Request, rows: Sequence[dict[str, Any]], *, name: str = "users") -> Response:
        """Refuse a wrong key; nobody is 404 with a body that says so too."""
        if request.path_params["key"] != self.key:
            return JSONResponse({"error": "API key is wrong"}, 403)
        if not rows:
            return JSONResponse({"result": 404}, 404)
        return packed(request, {name: list(rows), "result": 200})

    def paged(self, request: Request, rows: Sequence[dict[str, Any]], number: int) -> Response:
        self.require(number >= 1, "pages begin with 1")
        return self.answer(request, rows[(number - 1) * self.page : number * self.page])

    async def by_phone(self, request: Request) -> Response:
        self.require(not request.query_params, "no parameters here")
        digits = request.path_params["digits"]
        self.require(digits.isdigit(), f"digits only, not {digits}")
        return self.answer(
            request, [row for row in self.users.values() if any(digits in each for each in _phones(row))]
        )

    async def all_users(self, request: Request) -> Response:
        self.require(not request.query_params, "no parameters here")
        return self.paged(request, list(self.users.values()), request.path_params["page"])

    async def updated(self, request: Request) -> Response:
        since, until = request.path_params["since"], request.path_params["until"]
        self.require(_DAY.fullmatch(since) and _DAY.fullmatch(until), "days are YYYY-MM-DD")
        self.require(date.fromisoformat(since) <= date.fromisoformat(until), "the range is turned round")
        rows = [row for row in self.users.values() if since <= row["u_date_update"][:10] <= until]
        return self.paged(request, rows, request.path_params["page"])

    async def one(self, request: Request) -> Response:
        row = self.users.get(request.path_params["number"])
        return self.answer(request, [row] if row else [], name="user")

    async def all_managers(self, request: Request) -> Response:
        self.require(set(request.query_params) <= {"page"}, "no such parameter")
        number = int(request.query_params.get("page", "1"))
        self.require(number <= 10, "there are no more than ten pages")
        # Behind its last page the real one repeats it.
        pages = max(1, -(-len(self.managers) // 50))
        start = (min(number, pages) - 1) * 50
        return self.answer(request, self.managers[start : start + 50])


def _phones(row: dict[str, Any]) -> list[str]:
    return [re.sub(r"\D", "", row[name] or "") for name in ("u_phone", "u_phone_mobile", "u_phone_home")]


async def _over_limit(_: Request) -> Response:
    return JSONResponse({"error": "Too many requests"}, 429, headers={"Retry-After": "7"})


class UOn:
    """The vendor, for the contract test."""

    name = "uon"
    secrets = (KEY,)
    feeds_deletions = False
    tells_extensions = False
    merges = False
    limited_for = 7.0

    def __init__(self) -> None:
        self.fake = UOnFake()
        self.limited = _over_limit

    def settings(self, port: int) -> dict[str, object]:
        return {"url": f"https://uon.example.test:{port}", "api_key": KEY}

    def revoke(self) -> None:
        self.fake.key = "another"

    def add(self, customer: Customer) -> str:
        number = max(self.fake.users, default=100) + 1
        self.edit(str(number), customer)
        return str(number)

    def edit(self, external_id: str, customer: Customer) -> None:
        phones = (*customer.phones, None, None, None)
        self.fake.users[int(external_id)] = {
            "u_id": external_id,
            "u_surname": customer.last,
            "u_name": customer.first,
            "u_sname": "",
            "u_phone": phones[0],
            "u_phone_mobile": phones[1],
            "u_phone_home": phones[2],
            "u_company": customer.company or None,
            "manager_id": customer.manager or "0",
            "u_date_update": datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S"),
        }

    def delete(self, external_id: str) -> None:
        del self.fake.users[int(external_id)]

    def merge(self, external_id: str, into: str) -> None:
        raise NotImplementedError("U-ON has no merges")

    def add_manager(self, manager_id: str, last: str, first: str, extension: str | None) -> None:
        self.fake.managers.append({"u_id": int(manager_id), "u_surname": last, "u_name": first, "role_id": "3"})

    def retire(self, manager_id: str) -> None:
        self.fake.managers = [each for each in self.fake.managers if each["u_id"] != int(manager_id)]


VENDOR = UOn
