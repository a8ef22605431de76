"""Bitrix24's REST: every request is one `batch`, whose commands may take up results of those before them."""

import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from time import time
from typing import Protocol
from urllib.parse import urlencode

from smart_redirect.adapters.crm.json_values import Json, read_json
from smart_redirect.adapters.crm.outbound import Answer
from smart_redirect.adapters.crm.session import READ_SECONDS, Session
from smart_redirect.errors import CrmLimited, CrmMalformed, CrmRefused, CrmUnavailable
from smart_redirect.usecases.ports_crm import Tokens

PAGE = 50
# A bucket that drains twice a second has room again after this.
_DRAIN_SECONDS = 2.0
# For so long a method is closed that has used up its time, unless the answer says when it opens.
_OPERATION_SECONDS = 600.0
_OVERLOAD_SECONDS = 3600.0
_CODE = re.compile(r"[A-Za-z_]{2,60}")
_ADVICE = {
    "NO_AUTH_FOUND": "it sees no credentials",
    "INVALID_CREDENTIALS": "there is no such webhook any more",
    "INVALID_TOKEN": "the access token is not one of this portal",
    "ACCESS_DENIED": "the user may not read this, or the portal's plan has no REST",
    "INSUFFICIENT_SCOPE": "a scope is missing: crm and user are needed, telephony with skip_absent",
    "ERROR_METHOD_NOT_FOUND": "a scope is missing, or the portal is too old",
    "WRONG_AUTH_TYPE": "a webhook may not call this",
    "USER_ACCESS_ERROR": "the user has no access to the application",
    "PAYMENT_REQUIRED": "the application or the portal's plan is not paid",
    "PORTAL_DELETED": "the portal is closed",
    "INVALID_REQUEST": "it wants https",
}
_FAILURES = frozenset({"INTERNAL_SERVER_ERROR", "ERROR_UNEXPECTED_ANSWER"})


class TokenExpired(CrmRefused):
    """The access token is too old: the one error after which a new one is asked for."""


class Authority(Protocol):
    """Where an application's access tokens come from."""

    async def tokens(self) -> Tokens | None:
        """Return the newest tokens, None before the first."""

    async def renewed(self, stale: Tokens | None) -> Tokens:
        """Return tokens that are not these."""


@dataclass(frozen=True, slots=True)
class Answers:
    """What the commands of one batch brought."""

    document: Json

    def __getitem__(self, name: str) -> Json:
        """Return the result of a command; what it did not bring is not there."""
        return self.document["result"]["result"][name]

    def rows(self, name: str) -> tuple[Json, ...]:
        """Return the rows of a list command; CrmMalformed when it has none to show."""
        return self.document["result"]["result"].rows(name)

    def chained(self, name: str, after: int) -> Iterator[tuple[Json, ...]]:
        """Go through the pages of a chain of `pages`, as far as they follow each other.

        What comes after a page that is not full is none: its reference leads nowhere, and the portal answers something.
        """
        number = 0
        while number == 0 or f"{name}{number}" in self._named:
            rows = self.rows(f"{name}{number}")
            ids = [row["ID"].count or 0 for row in rows]
            if ids and min(ids) <= after:
                if number == 0:
                    raise CrmMalformed("its pages do not go on")
                return
            yield rows
            if len(rows) < PAGE:
                return
            number, after = number + 1, max(ids)

    @property
    def began(self) -> datetime:
        """When the portal began to answer, by its own clock and with its own offset."""
        try:
            found = datetime.fromisoformat(self.document["time"]["date_start"].text)
        except ValueError:
            found = None
        if found is None or found.tzinfo is None:
            raise CrmMalformed("its answer does not tell the time")
        return found

    @property
    def _named(self) -> Collection[str]:
        found = self.document["result"]["result"].value
        return found.keys() if isinstance(found, dict) else ()


@dataclass(frozen=True, slots=True)
class Portal:
    """One portal: reached by a webhook's address, or with an application's tokens."""

    session: Session
    authority: Authority | None = None

    async def batch(
        self, commands: Mapping[str, str], *, seconds: float | None = None, may_fail: Collection[str] = ()
    ) -> Answers:
        """Return what the commands brought, in one hit; errors of those that `may_fail` are passed over.

        One that has but some `seconds` renews no token: what is cut off in between loses a refresh token that works
        once. The next run of the sync renews it.
        """
        hit = _Hit(commands, seconds or READ_SECONDS, may_fail)
        if self.authority is None:
            return await self._send({}, hit)
        tokens = await self.authority.tokens()
        if tokens is not None:
            try:
                return await self._send({"auth": tokens.access}, hit)
            except TokenExpired:
                pass
        if seconds is not None:
            raise CrmUnavailable("has no access token now; the next sync renews it")
        tokens = await self.authority.renewed(tokens)
        return await self._send({"auth": tokens.access}, hit)

    async def _send(self, auth: Mapping[str, str], hit: "_Hit") -> Answers:
        body = json.dumps({"halt": 0, "cmd": dict(hit.commands), **auth}).encode()
        document = await self.session.post_json("/batch", body, seconds=hit.seconds)
        found = document["result"]
        if not isinstance(found["result"].value, dict | list):
            raise CrmMalformed("its answer is none to a batch")
        for name in hit.commands:
            error = found["result_error"][name]
            if error and name not in hit.may_fail:
                complain_about(error, found["result_time"][name])
        return Answers(document)


@dataclass(frozen=True, slots=True)
class _Hit:
    """One request."""

    commands: Mapping[str, str]
    seconds: float
    may_fail: Collection[str]


def command(method: str, params: Sequence[tuple[str, str]]) -> str:
    """Return a command of a batch; its parameters are encoded, or a `+` of a time zone would be a space."""
    return f"{method}?{urlencode(list(params))}"


def pages(name: str, method: str, params: Sequence[tuple[str, str]], after: int, count: int) -> dict[str, str]:
    """Return so many commands that read one page each, each from where the one before it ended.

    `params` hold a filter; those of the order and the place are added. Nothing is counted (`start=-1`), and a row that
    goes or comes meanwhile moves no other out of sight, as it does with page numbers.
    """
    place = "FILTER" if method.startswith("user.") else "filter"
    found: dict[str, str] = {}
    for number in range(count):
        last = str(after) if number == 0 else f"$result[{name}{number - 1}][{PAGE - 1}][ID]"
        found[f"{name}{number}"] = command(method, (*params, (f"{place}[>ID]", last), ("start", "-1")))
    return found


def complain(answer: Answer) -> None:
    """Raise what an answer says by its error's code, whatever its status; HTML and the rest are judged by that."""
    if not answer.body.lstrip().startswith(b"{"):
        return
    document = read_json(answer.body)
    if document["error"]:
        complain_about(document, document["time"], answer.status)


def complain_about(error: Json, timing: Json, status: int = 200) -> None:
    """Raise an error of ours for one of Bitrix24's; the text has its code and never its description."""
    code = error["error"].text.upper()
    if code == "EXPIRED_TOKEN":
        raise TokenExpired("says that the access token has expired")
    if code in _ADVICE:
        raise CrmRefused(f"refuses the credentials or rights ({code}): {_ADVICE[code]}")
    if code == "QUERY_LIMIT_EXCEEDED":
        raise CrmLimited(_DRAIN_SECONDS)
    if code == "OPERATION_TIME_LIMIT":
        raise CrmLimited(_until_reset(timing))
    if code == "OVERLOAD_LIMIT":
        raise CrmLimited(_OVERLOAD_SECONDS, "is blocked by Bitrix24 (OVERLOAD_LIMIT): only its support can open it")
    if code in _FAILURES:
        raise CrmUnavailable(f"answers {code}")
    if status in {200, 400}:
        raise CrmMalformed(f"answers an error{f' ({code})' if _CODE.fullmatch(code) else ''}")


def _until_reset(timing: Json) -> float:
    """Return the seconds until a method's time is free again, by the portal's clock where it tells it."""
    reset, now = timing["operating_reset_at"].number, timing["start"].number
    if reset is None:
        return _OPERATION_SECONDS
    return min(max(reset - (now if now is not None else time()), 1.0), _OPERATION_SECONDS)
