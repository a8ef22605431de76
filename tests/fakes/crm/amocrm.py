"""A strict fake of amoCRM's API v4: contacts, companies, users, OAuth with refresh tokens that work once."""

import itertools
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from tests.fakes.crm.limits import Window
from tests.fakes.crm.server import FakeCrm, Strict, packed
from tests.fakes.crm.vendor import Customer

TOKEN = "amo-S3cret-token"
CLIENT = {"client_id": "amo-client", "client_secret": "amo-S3cret-client", "redirect_uri": "https://own.test/back"}
_ALLOWED = re.compile(
    r"page|limit|query|with|order\[(?:id|updated_at)\]|filter\[id\]\[\]|filter\[updated_at\]\[(?:from|to)\]"
    r"|filter\[type\]\[\]|filter\[created_at\]\[from\]"
)


@dataclass
class AmoFake(FakeCrm):
    """One account; `tokens` are the access tokens that count, `refresh` the one refresh token that does."""

    rows: dict[str, dict[int, dict[str, Any]]] = field(default_factory=lambda: {"contacts": {}, "companies": {}})
    users: list[dict[str, Any]] = field(default_factory=list)
    tokens: set[str] = field(default_factory=lambda: {TOKEN})
    refresh: str = "amo-S3cret-refresh-0"
    refreshes: int = 0
    clock: Any = field(default_factory=lambda: itertools.count(int(time.time()) - 3000))
    """The account's time, in which each change takes a second."""
    has_events: bool = True
    """Whether the plan has them."""
    events: list[dict[str, Any]] = field(default_factory=list)
    commits_late: bool = False
    """Whether what is written is seen not before `catch_up`, though it has its time at once."""
    shown: dict[str, dict[int, dict[str, Any] | None]] = field(
        default_factory=lambda: {"contacts": {}, "companies": {}}
    )

    def routes(self) -> Sequence[BaseRoute]:
        return [
            Route("/api/v4/contacts", self.contacts),
            Route("/api/v4/companies", self.companies),
            Route("/api/v4/users", self.list_users),
            Route("/api/v4/events", self.list_events),
            Route("/oauth2/access_token", self.access_token, methods=["POST"]),
            Route("/{path:path}", self.not_found, methods=["GET", "POST"]),
        ]

    def problem(self, status: int, title: str) -> Response:
        document = {"title": title, "type": "https://httpstatus.es", "status": status, "detail": ""}
        return JSONResponse(document, status, media_type="application/problem+json")

    def refused(self, text: str) -> Response:
        return self.problem(400, text)

    def barred(self, request: Request) -> Response | None:
        for name in request.query_params:
            self.require(_ALLOWED.fullmatch(name), f"no such parameter: {name}")
        given = request.headers.get("authorization", "").removeprefix("Bearer ")
        return None if given in self.tokens else self.problem(401, "Unauthorized")

    def listed(self, request: Request, name: str, rows: Sequence[dict[str, Any]]) -> Response:
        """Answer a page; an empty one is 204."""
        limit, page = int(request.query_params.get("limit", "50")), int(request.query_params.get("page", "1"))
        self.require(1 <= limit <= 250, "limit is 250 at most")
        self.require(page >= 1, "pages begin with 1")
        part = rows[(page - 1) * limit : page * limit]
        if not part:
            return Response(status_code=204)
        links = {"self": {"href": "x"}}
        if len(rows) > page * limit:
            links["next"] = {"href": f"https://elsewhere.test/api/v4/{name}?page={page + 1}"}
        return packed(request, {"_page": page, "_links": links, "_embedded": {name: part}})

    async def contacts(self, request: Request) -> Response:
        return self.barred(request) or self.listed(request, "contacts", self.chosen(request, "contacts"))

    async def companies(self, request: Request) -> Response:
        return self.barred(request) or self.listed(request, "companies", self.chosen(request, "companies"))

    async def list_users(self, request: Request) -> Response:
        return self.barred(request) or self.listed(request, "users", self.users)

    async def list_events(self, request: Request) -> Response:
        """The newest first, a hundred a page at most."""
        if barred := self.barred(request):
            return barred
        if not self.has_events:
            return self.problem(403, "Forbidden")
        params = request.query_params
        self.require(int(params.get("limit", "50")) <= 100, "limit is 100 at most")
        since, kinds = int(params["filter[created_at][from]"]), params.getlist("filter[type][]")
        chosen = [each for each in self.events if each["created_at"] >= since and each["type"] in kinds]
        return self.listed(request, "events", chosen[::-1])

    def put(self, kind: str, number: int, row: dict[str, Any] | None) -> None:
        """Write somebody, or take him away."""
        if self.commits_late:
            self.shown[kind].setdefault(number, self.rows[kind].get(number))
        self.rows[kind].pop(number, None)
        self.rows[kind] |= {} if row is None else {number: row}

    def catch_up(self) -> None:
        """Let everybody see all that was written."""
        self.commits_late = False
        for shown in self.shown.values():
            shown.clear()

    def chosen(self, request: Request, name: str) -> list[dict[str, Any]]:
        params = request.query_params
        rows = [row for row in {**self.rows[name], **self.shown[name]}.values() if row is not None]
        self.require(params.get("with", "contacts") in {"contacts", "leads"}, "no such relation")
        if "filter[id][]" in params:
            rows = [row for row in rows if str(row["id"]) in params.getlist("filter[id][]")]
        if "filter[updated_at][from]" in params:
            rows = [row for row in rows if row["updated_at"] >= int(params["filter[updated_at][from]"])]
        if "query" in params:
            self.require(len(params["query"]) >= 3, "the query is too short")
            rows = [row for row in rows if params["query"] in _searched(row)]
        order = "updated_at" if params.get("order[updated_at]") == "asc" else "id"
        shown = sorted(rows, key=lambda row: (row[order], row["id"]))
        return [self.related(name, row, with_contacts=params.get("with") == "contacts") for row in shown]

    def related(self, name: str, row: dict[str, Any], *, with_contacts: bool) -> dict[str, Any]:
        embedded: dict[str, Any] = {"tags": []}
        if name == "contacts":
            embedded["companies"] = [{"id": each} for each in row["companies"]]
        elif with_contacts:
            contacts = self.rows["contacts"].values()
            embedded["contacts"] = [{"id": each["id"]} for each in contacts if row["id"] in each["companies"]]
        return {key: value for key, value in row.items() if key != "companies"} | {"_embedded": embedded}

    async def access_token(self, request: Request) -> Response:
        given = await request.json()
        if given.get("grant_type") != "refresh_token" or given.keys() != {*CLIENT, "grant_type", "refresh_token"}:
            raise Strict("not what a refresh is")
        if {name: given[name] for name in CLIENT} != CLIENT or given["refresh_token"] != self.refresh:
            return self.problem(400, "Token has been revoked")
        self.refreshes += 1
        access, self.refresh = f"amo-S3cret-access-{self.refreshes}", f"amo-S3cret-refresh-{self.refreshes}"
        self.tokens = {access}
        return JSONResponse(
            {"token_type": "Bearer", "expires_in": 86400, "access_token": access, "refresh_token": self.refresh}
        )


def _searched(row: dict[str, Any]) -> str:
    """Return what is searched: the filled fields as they are stored, phones with whatever stands between their digits."""
    phones = [value["value"] for each in row["custom_fields_values"] or () for value in each["values"]]
    return " ".join((row["name"], *phones))


async def _over_limit(_: Request) -> Response:
    document = {"title": "Too Many Requests", "status": 429, "type": "https://httpstatus.es", "detail": ""}
    return JSONResponse(document, 429, media_type="application/problem+json")


class AmoCrm:
    """The vendor, for the contract test."""

    name = "amocrm"
    secrets = (TOKEN, "amo-S3cret")
    feeds_deletions = True
    sweeps = True
    tells_extensions = False
    merges = True
    tells_merges = False
    searches_text = True
    limited_for = 2.0

    def __init__(self) -> None:
        self.fake = AmoFake(limit=Window(7, 1.0))
        self.last_number = 100
        self.limited = _over_limit

    def settings(self, port: int) -> dict[str, object]:
        return {"url": f"https://sub.example.test:{port}", "long_lived_token": TOKEN}

    def revoke(self) -> None:
        self.fake.tokens = set()

    def add(self, customer: Customer) -> str:
        number = self.last_number = self.last_number + 1
        self.edit(f"contact:{number}", customer)
        return f"contact:{number}"

    def edit(self, external_id: str, customer: Customer) -> None:
        number, companies = int(external_id.partition(":")[2]), list[int]()
        if customer.company:
            companies = [number + 50_000]
            self.put("companies", companies[0], customer.company, (), None)
        self.put("contacts", number, f"{customer.first} {customer.last}".strip(), customer.phones, customer.manager)
        self.fake.rows["contacts"][number] |= {
            "first_name": customer.first,
            "last_name": customer.last,
            "companies": companies,
        }

    def put(self, kind: str, number: int, name: str, phones: Sequence[str], manager: str | None) -> None:
        """Write a row of a kind."""
        values = [{"value": each, "enum_code": "WORK"} for each in phones]
        row = {
            "id": number,
            "name": name,
            "responsible_user_id": int(manager or 0),
            "updated_at": next(self.fake.clock),
            "is_deleted": False,
            "custom_fields_values": [{"field_id": 7, "field_code": "PHONE", "values": values}] if values else None,
            "companies": [],
        }
        self.fake.put(kind, number, row)

    def delete(self, external_id: str) -> None:
        number = int(external_id.partition(":")[2])
        self.fake.put("contacts", number, None)
        event = {"id": f"01{number}", "type": "contact_deleted", "entity_id": number, "entity_type": "contact"}
        self.fake.events.append({**event, "created_at": next(self.fake.clock)})

    def merge(self, external_id: str, into: str) -> None:
        joined, survivor = (int(each.partition(":")[2]) for each in (external_id, into))
        row, fields = self.fake.rows["contacts"][survivor], self.fake.rows["contacts"][joined]["custom_fields_values"]
        both = [*(row["custom_fields_values"] or ()), *(fields or ())]
        self.fake.put("contacts", joined, None)
        changed = {**row, "custom_fields_values": both, "updated_at": next(self.fake.clock)}
        self.fake.put("contacts", survivor, changed)

    def add_manager(self, manager_id: str, last: str, first: str, extension: str | None) -> None:
        rights = {"is_active": True, "is_admin": False}
        self.fake.users.append({"id": int(manager_id), "name": f"{last} {first}", "email": "", "rights": rights})

    def retire(self, manager_id: str) -> None:
        for each in self.fake.users:
            if each["id"] == int(manager_id):
                each["rights"]["is_active"] = False


VENDOR = AmoCrm
