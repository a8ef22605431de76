"""A strict fake of MoySklad: JSON API 1.2 with gzip demanded, filters, expand, and the Phone API's employees."""

import base64
import itertools
import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from tests.fakes.crm.limits import Window
from tests.fakes.crm.server import FakeCrm, packed
from tests.fakes.crm.vendor import Customer

TOKEN, PHONE_TOKEN = "ms-S3cret-token", "ms-S3cret-phone"
LOGIN, PASSWORD = "admin@shop", "ms-S3cret-пароль"
API, PHONE_API = "/api/remap/1.2", "/api/phone/1.0"
_MOSCOW = timedelta(hours=3)
_AGO = timedelta(minutes=40)


@dataclass
class MoySkladFake(FakeCrm):
    """One account."""

    counterparties: dict[str, dict[str, Any]] = field(default_factory=dict)
    persons: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    employees: dict[str, dict[str, Any]] = field(default_factory=dict)
    extensions: dict[str, str] = field(default_factory=dict)
    token: str = TOKEN
    inlined: int = 100
    """How many contact persons `expand` shows."""
    strips: bool = False
    """Whether the search sees the bare digits of a formatted phone: the documents leave it open."""
    may_audit: bool = True
    audit: list[dict[str, Any]] = field(default_factory=list)
    """Contexts, the newest first, each with its events."""
    start: datetime = field(default_factory=lambda: datetime.now(UTC).replace(tzinfo=None) + _MOSCOW - _AGO)
    clock: Any = field(default_factory=itertools.count)

    def routes(self) -> Sequence[BaseRoute]:
        return [
            Route(API + "/entity/counterparty", self.list_counterparties),
            Route(API + "/entity/counterparty/{id}/contactpersons", self.list_persons),
            Route(API + "/entity/employee", self.list_employees),
            Route(API + "/audit", self.list_contexts),
            Route(API + "/audit/{id}/events", self.list_events),
            Route(PHONE_API + "/employee", self.phone_employees),
            Route("/{path:path}", self.not_found, methods=["GET", "POST"]),
        ]

    def refused(self, text: str) -> Response:
        return JSONResponse({"errors": [{"error": text, "code": 1002}]}, 400)

    def now(self) -> str:
        """The next moment of the account's clock, Moscow time."""
        return (self.start + timedelta(seconds=next(self.clock))).isoformat(sep=" ", timespec="milliseconds")

    def barred(self, request: Request, allowed: set[str]) -> Response | None:
        if "gzip" not in request.headers.get("accept-encoding", ""):
            return Response(status_code=415)
        self.require(request.headers.get("accept") == "application/json;charset=utf-8", "no such Accept")
        self.require(set(request.query_params) <= allowed, "no such parameter")
        self.require(len(str(request.url)) < 8000, "the request's head is too long")
        pair = base64.b64encode(f"{LOGIN}:{PASSWORD}".encode()).decode()
        if request.headers.get("authorization") not in {f"Bearer {self.token}", f"Basic {pair}"}:
            return JSONResponse({"errors": [{"error": "Ошибка аутентификации", "code": 1056}]}, 401)
        return None

    def paged(self, request: Request, rows: Sequence[dict[str, Any]], most: int) -> Response:
        limit, offset = int(request.query_params.get("limit", "1000")), int(request.query_params.get("offset", "0"))
        self.require(1 <= limit <= most, f"limit is {most} at most")
        meta = {"size": len(rows), "limit": limit, "offset": offset, "type": "x"}
        return packed(request, {"context": {}, "meta": meta, "rows": rows[offset : offset + limit]})

    async def list_counterparties(self, request: Request) -> Response:
        if barred := self.barred(request, {"search", "filter", "expand", "limit", "offset", "order"}):
            return barred
        params, expanded = request.query_params, request.query_params.get("expand")
        self.require(expanded in {None, "contactpersons"}, "no such field to expand")
        self.require(params.get("order") in {None, "updated,asc;id,asc"}, "no such order")
        rows = [row for row in self.counterparties.values() if self.matches(row, params.get("filter", ""))]
        if "search" in params:
            rows = [row for row in rows if self.finds(row, params["search"])]
        if "order" in params:
            rows = sorted(rows, key=lambda row: (row["updated"], row["id"]))
        shown = [self.related(row, inline=expanded is not None) for row in rows]
        return self.paged(request, shown, 100 if expanded else 1000)

    def matches(self, row: dict[str, Any], text: str) -> bool:
        """Conditions of one field are alternatives, those of several fields all have to hold."""
        by_field: dict[str, list[bool]] = {}
        for each in filter(None, text.split(";")):
            found = re.fullmatch(r"(id=|archived=|updated>=|phone=~)(.+)", each)
            self.require(found, f"no such condition: {each}")
            assert found is not None
            by_field.setdefault(found[1].rstrip("=>~"), []).append(self.holds(row, *found.groups()))
        hidden = "archived" not in by_field and row["archived"]
        return not hidden and all(any(held) for held in by_field.values())

    def holds(self, row: dict[str, Any], condition: str, value: str) -> bool:
        if condition == "updated>=":
            self.require(re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", value), f"no such time: {value}")
            return bool(row["updated"] >= value)
        if condition == "phone=~":
            return (row["phone"] or "").endswith(value)
        if condition == "id=":
            self.require(re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", value), f"no such id: {value}")
        return bool(str(row[condition.rstrip("=")]).lower() == value)

    def finds(self, row: dict[str, Any], text: str) -> bool:
        """Search names and phones of a counterparty and its contact persons by beginnings of words, phones by digits."""
        shown = [row, *self.persons.get(row["id"], ())]
        words = " ".join(each.get(name) or "" for each in shown for name in ("name", "phone"))
        if re.search(rf"\b{re.escape(text)}", words, re.IGNORECASE):
            return True
        return self.strips and any(text in re.sub(r"\D", "", each.get("phone") or "") for each in shown)

    def related(self, row: dict[str, Any], *, inline: bool) -> dict[str, Any]:
        persons = self.persons.get(row["id"], [])
        listed: dict[str, Any] = {"meta": {"size": len(persons), "href": "https://elsewhere.test/x"}}
        if inline:
            listed["rows"] = persons[: self.inlined]
        return row | {"contactpersons": listed}

    async def list_persons(self, request: Request) -> Response:
        if barred := self.barred(request, {"limit", "offset"}):
            return barred
        return self.paged(request, self.persons.get(request.path_params["id"], []), 1000)

    async def list_employees(self, request: Request) -> Response:
        if barred := self.barred(request, {"filter", "order", "limit", "offset"}):
            return barred
        self.require(request.query_params.get("order") == "id", "no such order")
        chosen = request.query_params.get("filter", "")
        self.require(chosen in {"", "archived=true;archived=false"}, "no such filter")
        return self.paged(request, [row for row in self.employees.values() if chosen or not row["archived"]], 1000)

    async def list_contexts(self, request: Request) -> Response:
        if barred := self.barred(request, {"filter", "limit", "offset"}):
            return barred
        if not self.may_audit:
            return JSONResponse({"errors": [{"error": "Доступ запрещен", "code": 1016}]}, 403)
        chosen = re.fullmatch(
            r"entityType=counterparty;eventType=delete;moment>=(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)",
            request.query_params.get("filter", ""),
        )
        self.require(chosen, "no such filter")
        rows = [row for row in self.audit if chosen and row["moment"] >= chosen[1]]
        return self.paged(request, [{**row, "events": {"meta": {}}} for row in rows], 100)

    async def list_events(self, request: Request) -> Response:
        if barred := self.barred(request, {"limit", "offset"}):
            return barred
        [found] = [row for row in self.audit if row["id"] == request.path_params["id"]]
        return self.paged(request, found["events"], 100)

    def tell(self, source: str, *deleted: str) -> None:
        """Write into the audit that counterparties were deleted at once."""
        moment = self.now().partition(".")[0]
        shared = {"source": source, "eventType": "delete", "entityType": "counterparty", "moment": moment}
        events = [{**shared, "entity": {"meta": _meta("counterparty", each)}, "diff": {}} for each in deleted]
        context = {**shared, "id": str(uuid.uuid4()), "objectCount": len(deleted), "events": events}
        self.audit.insert(0, context)

    async def phone_employees(self, request: Request) -> Response:
        self.require(not request.query_params, "no such parameter")
        self.require("authorization" not in request.headers, "the JSON API's credentials are none of the Phone API's")
        if request.headers.get("lognex-phone-auth-token") != PHONE_TOKEN:
            return JSONResponse({"errors": [{"error": "no access", "code": 1}]}, 401)
        rows = [{"meta": _meta("employee", each), "extention": code} for each, code in self.extensions.items()]
        return packed(request, {"employees": rows})


def _meta(kind: str, number: str) -> dict[str, str]:
    return {"href": f"https://api.moysklad.ru{API}/entity/{kind}/{number}", "type": kind}


async def _over_limit(_: Request) -> Response:
    headers = {"X-Lognex-Retry-After": "7000", "X-RateLimit-Remaining": "0", "X-Lognex-Retry-TimeInterval": "3000"}
    return JSONResponse({"errors": [{"error": "Превышено ограничение", "code": 1049}]}, 429, headers=headers)


class MoySklad:
    """The vendor, for the contract test."""

    name = "moysklad"
    secrets = (TOKEN, PHONE_TOKEN, PASSWORD)
    feeds_deletions = True
    tells_merges = True
    searches_text = True
    sweeps = False
    tells_extensions = True
    merges = True
    limited_for = 7.0

    def __init__(self) -> None:
        self.fake = MoySkladFake(limit=Window(11, 3.0))
        self.limited = _over_limit

    def settings(self, port: int) -> dict[str, object]:
        base = f"https://ms.example.test:{port}"
        tokens = {"token": TOKEN, "phone_token": PHONE_TOKEN}
        return {"url": base + API, "phone_url": base + PHONE_API, **tokens}

    def revoke(self) -> None:
        self.fake.token = "another"

    def add(self, customer: Customer) -> str:
        external_id = str(uuid.uuid4())
        self.edit(external_id, customer)
        return external_id

    def edit(self, external_id: str, customer: Customer) -> None:
        row = {
            "id": external_id,
            "name": customer.company or f"{customer.last} {customer.first}".strip(),
            "companyType": "legal" if customer.company else "individual",
            "phone": ", ".join(customer.phones) or None,
            "archived": False,
            "updated": self.fake.now(),
        }
        if not customer.company:
            row |= {"legalLastName": customer.last, "legalFirstName": customer.first}
        if customer.manager:
            row["owner"] = {"meta": _meta("employee", customer.manager)}
        self.fake.counterparties[external_id] = row

    def set_persons(self, external_id: str, *persons: tuple[str, str]) -> list[str]:
        """Give a counterparty these contact persons (name, phone), in the order of their ids; return our ids of them."""
        rows = [{"id": f"{n:08}-0000", "name": name, "phone": phone} for n, (name, phone) in enumerate(persons)]
        self.fake.persons[external_id] = rows[::-1]
        self.fake.counterparties[external_id]["updated"] = self.fake.now()
        return [f"{external_id}/{place}" for place in range(len(rows))]

    def delete(self, external_id: str) -> None:
        self.delete_at_once(external_id)

    def delete_at_once(self, *external_ids: str, source: str = "app") -> None:
        for each in external_ids:
            del self.fake.counterparties[each]
        self.fake.tell(source, *external_ids)

    def merge(self, external_id: str, into: str) -> None:
        joined, survivor = (self.fake.counterparties[each] for each in (external_id, into))
        survivor |= {"phone": f"{survivor['phone']}, {joined['phone']}", "updated": self.fake.now()}
        self.delete_at_once(external_id, source="combine")

    def add_manager(self, manager_id: str, last: str, first: str, extension: str | None) -> None:
        self.fake.employees[manager_id] = {
            "id": manager_id, "lastName": last, "firstName": first, "shortFio": f"{last} {first[:1]}.", "archived": False,
        }  # fmt: skip
        if extension:
            self.fake.extensions[manager_id] = extension

    def retire(self, manager_id: str) -> None:
        self.fake.employees[manager_id]["archived"] = True


VENDOR = MoySklad
