"""A customer's own service as many of them are: a look-up that compares exactly, a list and its users by pages."""

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from tests.fakes.crm.server import FakeCrm, packed
from tests.fakes.crm.vendor import Customer

PASSWORD = "generic-S3cret"
PAGE = 100


@dataclass
class GenericFake(FakeCrm):
    """One service."""

    people: dict[int, dict[str, Any]] = field(default_factory=dict)
    users: dict[str, dict[str, Any]] = field(default_factory=dict)
    password: str = PASSWORD

    def routes(self) -> Sequence[BaseRoute]:
        return [
            Route("/v1/find", self.find),
            Route("/v1/clients/{page:int}", self.list_people),
            Route("/v1/users", self.list_users),
            Route("/{path:path}", self.not_found, methods=["GET", "POST"]),
        ]

    def barred(self, request: Request, allowed: set[str]) -> Response | None:
        self.require(set(request.query_params) <= allowed, "no such parameter")
        given = request.headers.get("authorization", "")
        self.require(given.startswith("Basic "), "the service wants Basic")
        right = base64.b64encode(f"смена:{self.password}".encode()).decode()
        return None if given == f"Basic {right}" else JSONResponse({"error": "who are you?"}, 401)

    async def find(self, request: Request) -> Response:
        if barred := self.barred(request, {"tel"}):
            return barred
        asked = request.query_params["tel"]
        self.require(asked.isdigit(), "digits only")
        rows = [row for row in self.people.values() if any(asked == _digits(each) for each in row["phones"])]
        return packed(request, {"count": len(rows), "clients": rows})

    async def list_people(self, request: Request) -> Response:
        if barred := self.barred(request, set()):
            return barred
        start = (request.path_params["page"] - 1) * PAGE
        return packed(request, {"clients": list(self.people.values())[start : start + PAGE]})

    async def list_users(self, request: Request) -> Response:
        if barred := self.barred(request, {"page"}):
            return barred
        start = (int(request.query_params["page"]) - 1) * PAGE
        return packed(request, {"data": {"users": list(self.users.values())[start : start + PAGE]}})


def _digits(text: str) -> str:
    return re.sub(r"\D", "", text)


async def _over_limit(_: Request) -> Response:
    return JSONResponse({"error": "slow down"}, 429, headers={"Retry-After": "7"})


class Generic:
    """The vendor, for the contract test."""

    name = "generic"
    secrets = (PASSWORD, base64.b64encode(f"смена:{PASSWORD}".encode()).decode())
    feeds_deletions = False
    tells_extensions = True
    merges = False
    limited_for = 7.0

    def __init__(self) -> None:
        self.fake = GenericFake()
        self.limited = _over_limit

    def settings(self, port: int) -> dict[str, object]:
        paths = {
            "rows": "clients", "found": "clients", "id": "id", "last": "name.last", "first": "name.first",
            "company": "firm", "phones": "phones", "responsible": "owner.id", "updated_at": "changed",
            "managers": "data.users", "manager_id": "id", "manager_name": "title", "manager_extension": "ext",
            "manager_active": "works",
        }  # fmt: skip
        base = f"https://own.example.test:{port}/v1"
        return {
            "url": f"{base}/find?tel={{phone}}",
            "list_url": f"{base}/clients/{{page}}",
            "managers_url": f"{base}/users?page={{page}}",
            "phone_forms": ["phone", "phone_trunk"],
            "auth": "basic",
            "user": "смена",
            "password": PASSWORD,
            **{f"path_{name}": path for name, path in paths.items()},
        }

    def revoke(self) -> None:
        self.fake.password = "another"

    def add(self, customer: Customer) -> str:
        number = max(self.fake.people, default=100) + 1
        self.edit(str(number), customer)
        return str(number)

    def edit(self, external_id: str, customer: Customer) -> None:
        self.fake.people[int(external_id)] = {
            "id": int(external_id),
            "name": {"last": customer.last, "first": customer.first},
            "firm": customer.company or None,
            "phones": list(customer.phones),
            "owner": {"id": int(customer.manager)} if customer.manager else None,
            "changed": 1_700_000_000 + len(self.fake.people),
        }

    def delete(self, external_id: str) -> None:
        del self.fake.people[int(external_id)]

    def merge(self, external_id: str, into: str) -> None:
        raise NotImplementedError("the service has no merges")

    def add_manager(self, manager_id: str, last: str, first: str, extension: str | None) -> None:
        self.fake.users[manager_id] = {"id": manager_id, "title": f"{last} {first}", "ext": extension, "works": True}

    def retire(self, manager_id: str) -> None:
        self.fake.users[manager_id]["works"] = False


VENDOR = Generic
