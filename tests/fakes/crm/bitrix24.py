"""A strict fake of Bitrix24's REST: batches of lists, users, the search by phone, and an authorisation server."""

import gzip
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from itertools import islice
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from tests.fakes.crm.bitrix24_batch import parsed, referred
from tests.fakes.crm.limits import Bucket
from tests.fakes.crm.server import FakeCrm, Strict
from tests.fakes.crm.vendor import Customer

CODE = "b24s3cretc0de"
START = datetime(2026, 11, 20, 12, tzinfo=timezone(timedelta(hours=3)))
SECRETS = ("b24-client-S3cret", "b24-access-1", "b24-refresh-1", "b24-access-2", "b24-refresh-2")
_COMMON = {"ID", "ASSIGNED_BY_ID", "DATE_MODIFY", "PHONE", "TITLE"}
_FIELDS = {
    "company": _COMMON,
    "contact": (_COMMON - {"TITLE"}) | {"NAME", "SECOND_NAME", "LAST_NAME", "COMPANY_ID"},
    "lead": _COMMON | {"NAME", "SECOND_NAME", "LAST_NAME", "COMPANY_TITLE"},
}
_FILTERS = {">ID", "@ID", ">=DATE_MODIFY", "@COMPANY_ID"}
_USER_FIELDS = {"ID", "ACTIVE", "NAME", "SECOND_NAME", "LAST_NAME", "UF_PHONE_INNER"}


class MethodError(Exception):
    """What a method answers instead of a result."""


@dataclass
class Bitrix24Fake(FakeCrm):
    """One portal; its clock goes on by a second with each thing that happens."""

    rows: dict[str, dict[int, dict[str, Any]]] = field(default_factory=lambda: {each: {} for each in _FIELDS})
    users: dict[int, dict[str, Any]] = field(default_factory=dict)
    at_work: dict[int, str] = field(default_factory=dict)
    code: str = CODE
    scopes: set[str] = field(default_factory=lambda: {"crm", "user_brief", "telephony"})
    access: str = SECRETS[1]
    refresh: str = SECRETS[2]
    access_is_old: bool = False
    renewals: int = 0
    clock: datetime = START
    forbidden: set[str] = field(default_factory=set)
    """Kinds that the user may not read."""
    errors: dict[str, str] = field(default_factory=dict)
    """Errors to answer instead of a method's results."""
    knows_references: bool = True
    commands: list[str] = field(default_factory=list)
    """The methods of all batches."""

    def routes(self) -> Sequence[BaseRoute]:
        return [
            Route("/rest/1/{code}/batch", self.by_webhook, methods=["POST"]),
            Route("/rest/batch", self.by_token, methods=["POST"]),
            Route("/oauth/token/", self.token, methods=["GET"]),
            Route("/{path:path}", self.not_found, methods=["GET", "POST"]),
        ]

    def refused(self, text: str) -> Response:
        return JSONResponse({"error": "", "error_description": text}, 400)

    def tick(self, seconds: float = 1) -> str:
        """Let time pass; return the time as the portal writes it."""
        self.clock += timedelta(seconds=seconds)
        return self.clock.isoformat(timespec="seconds")

    # --- who may ask

    async def by_webhook(self, request: Request) -> Response:
        if request.path_params["code"] != self.code:
            return _error(401, "INVALID_CREDENTIALS", "Invalid request credentials")
        return await self.batch(request, {"halt", "cmd"})

    async def by_token(self, request: Request) -> Response:
        given = (await request.json()).get("auth")
        if given is None:
            return _error(401, "NO_AUTH_FOUND", "Wrong authorization data")
        if given != self.access:
            return _error(401, "invalid_token", "Unable to get application by token")
        if self.access_is_old:
            return _error(401, "expired_token", "The access token provided has expired.")
        return await self.batch(request, {"halt", "cmd", "auth"})

    async def token(self, request: Request) -> Response:
        given = dict(request.query_params)
        self.require(set(given) == {"grant_type", "client_id", "client_secret", "refresh_token"}, "no such parameters")
        self.require(given["grant_type"] == "refresh_token", "the grant is refresh_token")
        if given["client_secret"] != SECRETS[0] or given["client_id"] != "local.5":
            return _error(400, "invalid_client", "")
        if given["refresh_token"] != self.refresh:
            return _error(400, "invalid_grant", "Invalid refresh token")
        self.renewals += 1
        self.access, self.refresh, self.access_is_old = (
            f"b24-access-{self.renewals + 1}",
            f"b24-refresh-{self.renewals + 1}",
            False,
        )
        return JSONResponse(
            {"access_token": self.access, "refresh_token": self.refresh, "expires_in": 3600, "status": "L"}
        )

    # --- batches

    async def batch(self, request: Request, allowed: set[str]) -> Response:
        self.require(request.headers.get("content-type") == "application/json", "a body is JSON")
        self.require(not request.query_params, "no parameters in the address")
        body = await request.json()
        self.require(set(body) <= allowed and body["halt"] in (0, 1), "halt, cmd and auth only")
        self.require(isinstance(body["cmd"], dict) and 0 < len(body["cmd"]) <= 50, "1 to 50 commands")
        began, results, errors = self.tick(), dict[str, Any](), dict[str, Any]()
        for name, text in body["cmd"].items():
            method, _, query = text.partition("?")
            try:
                results[name] = self.call(method, referred(parsed(query), results if self.knows_references else {}))
            except MethodError as error:
                errors[name] = {"error": error.args[0], "error_description": (*error.args, "as the documents say")[1]}
        inner = {
            "result": results or [],
            "result_error": errors or [],
            "result_total": [],
            "result_next": [],
            "result_time": [],
        }
        start = datetime.fromisoformat(began).timestamp()
        document = {"result": inner, "time": {"start": start, "duration": 0.1, "date_start": began}}
        # As PHP writes it: what is not ASCII takes six bytes.
        body = gzip.compress(json.dumps(document).encode())
        self.require("gzip" in request.headers.get("accept-encoding", ""), "it is asked for gzip")
        return Response(body, headers={"Content-Encoding": "gzip"}, media_type="application/json")

    def call(self, method: str, params: dict[str, Any]) -> Any:
        self.commands.append(method)
        if method in self.errors:
            raise MethodError(self.errors[method])
        known: dict[str, Callable[[dict[str, Any]], Any]] = {
            **{f"crm.{kind}.list": lambda given, kind=kind: self.listed(kind, given) for kind in _FIELDS},
            "crm.company.get": self.company,
            "crm.duplicate.findbycomm": self.found,
            "telephony.externalCall.searchCrmEntities": self.entities,
            "user.get": self.user_list,
        }
        self.require(method in known, f"no such method: {method}")
        if not any(each.startswith(method.partition(".")[0]) for each in self.scopes):
            raise MethodError("insufficient_scope")
        return known[method](params)

    def listed(self, kind: str, given: dict[str, Any]) -> list[dict[str, Any]]:
        self.require(set(given) == {"select", "order", "filter", "start"}, f"not for a list: {sorted(given)}")
        fields, wanted = list(given["select"].values()), given["filter"]
        self.require(set(fields) <= _FIELDS[kind], f"no such fields of a {kind}: {fields}")
        self.require(set(wanted) <= _FILTERS, f"no such filter: {sorted(wanted)}")
        if kind in self.forbidden:
            raise MethodError("", "Access denied.")
        self.require(kind == "contact" or "@COMPANY_ID" not in wanted, "only contacts have a company")
        self.require(given["start"] == "-1" and given["order"] == {"ID": "ASC"}, "without counting only by id")
        rows = (
            row for _, row in sorted(self.rows[kind].items()) if all(_passes(row, *each) for each in wanted.items())
        )
        return [
            {name: row[name] for name in fields if row.get(name) is not None or name == "COMPANY_ID"}
            for row in islice(rows, 50)
        ]

    def company(self, given: dict[str, Any]) -> dict[str, Any]:
        self.require(set(given) == {"ID"}, "company.get has an ID")
        # As PHP makes a number of an array.
        number = int(given["ID"] or 0) if isinstance(given["ID"], str) else int(bool(given["ID"]))
        if number not in self.rows["company"]:
            raise MethodError("", "Not found")
        return self.rows["company"][number]

    def found(self, given: dict[str, Any]) -> Any:
        self.require(set(given) == {"type", "values"} and given["type"] == "PHONE", "type and values")
        self.require(1 <= len(given["values"]) <= 20, "1 to 20 values")
        wanted = {_code(each) for each in given["values"].values()}
        return {kind.upper(): ids[:20] for kind in _FIELDS if (ids := self.owners(kind, wanted))} or []

    def owners(self, kind: str, codes: set[str]) -> list[int]:
        """Return whose phones have these digits."""
        return [
            key for key, row in self.rows[kind].items() if codes & {_code(each["VALUE"]) for each in row["PHONE"] or ()}
        ]

    def entities(self, given: dict[str, Any]) -> list[dict[str, Any]]:
        self.require(set(given) == {"PHONE_NUMBER"}, "PHONE_NUMBER only")
        digits = _code(given["PHONE_NUMBER"])
        if not digits:
            raise MethodError("ERROR_CORE")
        found = []
        for kind, rows in self.rows.items():
            for key, row in rows.items():
                if any(_code(each["VALUE"])[-9:] == digits[-9:] for each in row["PHONE"] or ()):
                    user = int(row["ASSIGNED_BY_ID"])
                    inner = self.users.get(user, {}).get("UF_PHONE_INNER")
                    assigned = {
                        "ID": str(user),
                        "TIMEMAN_STATUS": self.at_work.get(user, "OPENED"),
                        "USER_PHONE_INNER": inner,
                    }
                    entity = {
                        "CRM_ENTITY_TYPE": kind.upper(),
                        "CRM_ENTITY_ID": key,
                        "ASSIGNED_BY_ID": user,
                        "NAME": "x",
                    }
                    found.append({**entity, "ASSIGNED_BY": assigned})
        return found

    def user_list(self, given: dict[str, Any]) -> list[dict[str, Any]]:
        self.require(set(given) == {"select", "sort", "order", "FILTER", "start"}, f"not for users: {sorted(given)}")
        self.require(set(given["select"].values()) <= _USER_FIELDS, "no such fields of a user")
        self.require(
            (given["sort"], given["order"], given["start"]) == ("ID", "ASC", "-1"), "without counting only by id"
        )
        self.require(set(given["FILTER"]) == {">ID"}, "no such filter of users")
        rows = (row for _, row in sorted(self.users.items()) if _passes(row, ">ID", given["FILTER"][">ID"]))
        return list(islice(rows, 50))


def _error(status: int, code: str, text: str) -> Response:
    return JSONResponse({"error": code, "error_description": text}, status)


def _code(value: str) -> str:
    """Drop the punctuation and the extension."""
    return re.sub(r"\D", "", value.partition(";")[0])


def _passes(row: dict[str, Any], name: str, wanted: Any) -> bool:
    if name == ">ID":
        # A reference that led nowhere is no number, and filters nothing.
        return not (isinstance(wanted, str) and wanted.isdigit()) or int(row["ID"]) > int(wanted)
    if name == ">=DATE_MODIFY":
        return datetime.fromisoformat(row["DATE_MODIFY"]) >= datetime.fromisoformat(wanted)
    if not isinstance(wanted, dict) or not all(isinstance(each, str) for each in wanted.values()):
        raise Strict(f"{name} wants an array")
    return row[name[1:]] in wanted.values()


async def _over_limit(_: Request) -> Response:
    timing = {"start": 1705765526.0, "operating": 480.1, "operating_reset_at": 1705765533}
    return JSONResponse(
        {"error": "OPERATION_TIME_LIMIT", "error_description": "Method is blocked", "time": timing}, 429
    )


class Bitrix24:
    """The vendor, for the contract test."""

    name = "bitrix24"
    secrets = (CODE, *SECRETS)
    feeds_deletions = False
    tells_merges = False
    searches_text = False
    sweeps = True
    tells_extensions = True
    merges = True
    limited_for = 7.0

    def __init__(self) -> None:
        self.fake = Bitrix24Fake(limit=Bucket(50, 2.0))
        self.limited = _over_limit

    def settings(self, port: int) -> dict[str, object]:
        return {"webhook_url": f"https://portal.example.test:{port}/rest/1/{CODE}/"}

    def revoke(self) -> None:
        self.fake.code = "another"

    def add(self, customer: Customer, kind: str = "contact") -> str:
        number = max(self.fake.rows[kind], default=100) + 1
        self.fake.rows[kind][number] = {"ID": str(number), "COMPANY_ID": None}
        self.edit(f"{kind}:{number}", customer)
        return f"{kind}:{number}"

    def edit(self, external_id: str, customer: Customer) -> None:
        row = self.row(external_id)
        phones = [
            {"ID": str(n), "VALUE_TYPE": "WORK", "VALUE": each, "TYPE_ID": "PHONE"}
            for n, each in enumerate(customer.phones)
        ]
        names = {"NAME": customer.first, "LAST_NAME": customer.last, "SECOND_NAME": ""}
        changed = {"ASSIGNED_BY_ID": customer.manager or "0", "DATE_MODIFY": self.fake.tick(), "PHONE": phones or None}
        row |= {**names, **changed}
        if external_id.startswith("contact:") and customer.company:
            row["COMPANY_ID"] = self.add_company(customer.company).partition(":")[2]

    def add_company(self, title: str, phones: tuple[str, ...] = (), manager: str = "17") -> str:
        """Add a company."""
        external_id = self.add(Customer("", "", phones, manager), "company")
        self.row(external_id)["TITLE"] = title
        return external_id

    def change(self, external_id: str, **fields: object) -> None:
        """Change fields of a row."""
        self.row(external_id).update(fields, DATE_MODIFY=self.fake.tick())

    def row(self, external_id: str) -> dict[str, Any]:
        """Return a row."""
        kind, _, number = external_id.partition(":")
        return self.fake.rows[kind][int(number)]

    def delete(self, external_id: str) -> None:
        kind, _, number = external_id.partition(":")
        del self.fake.rows[kind][int(number)]

    def merge(self, external_id: str, into: str) -> None:
        phones = self.row(external_id)["PHONE"] or []
        self.delete(external_id)
        self.change(into, PHONE=[*(self.row(into)["PHONE"] or []), *phones])

    def add_manager(self, manager_id: str, last: str, first: str, extension: str | None) -> None:
        names = {"ID": manager_id, "LAST_NAME": last, "NAME": first, "SECOND_NAME": ""}
        self.fake.users[int(manager_id)] = {**names, "ACTIVE": True, "UF_PHONE_INNER": extension}

    def retire(self, manager_id: str) -> None:
        self.fake.users[int(manager_id)]["ACTIVE"] = False


VENDOR = Bitrix24
