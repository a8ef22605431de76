"""Bitrix24's REST: every request is one `batch`, whose commands may take up results of those before them."""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from urllib.parse import urlencode

from smart_redirect.adapters.crm.bitrix24_errors import TokenExpired, complain_about
from smart_redirect.adapters.crm.json_values import Json
from smart_redirect.adapters.crm.session import READ_SECONDS, Session
from smart_redirect.errors import CrmMalformed, CrmUnavailable
from smart_redirect.usecases.ports_crm import Tokens

PAGE = 50


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
        """Return the rows of a list command, a page at most; CrmMalformed when it has none to show."""
        return self.document["result"]["result"].rows(name, PAGE)

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
                complain_about(error, found["result_time"][name], method=hit.commands[name].partition("?")[0])
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
