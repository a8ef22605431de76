"""amoCRM's API as it is called: with a long-lived token, or with OAuth tokens whose refresh tokens work once."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from time import time

from smart_redirect.adapters.crm.json_values import Json, read_json
from smart_redirect.adapters.crm.outbound import Answer, Outbound
from smart_redirect.adapters.crm.session import (
    READ_SECONDS,
    RENEWAL_SECONDS,
    Params,
    Session,
    base_url,
    credential,
    retry_after,
)
from smart_redirect.errors import CrmLimited, CrmMalformed, CrmRefused, CrmUnavailable
from smart_redirect.usecases.ports_crm import Access, Tokens

_LIMIT_SECONDS = 2.0
_BLOCKED_SECONDS = 600.0


class _Expired(CrmRefused):
    """The access token is not accepted: a new one is asked for once."""


@dataclass(frozen=True, slots=True)
class AmoApi:
    """Reads; `application` is what OAuth needs, None with a long-lived token."""

    session: Session
    application: "Application | None" = None

    async def get(self, path: str, params: Params = (), *, seconds: float = READ_SECONDS) -> Json:
        """Return the JSON of a GET; 204 is a value that is not there. A token that has ended is renewed once."""
        try:
            if self.application is None:
                return await self._get(None, path, params, seconds)
            tokens = await self.application.tokens() or await self.application.renewed(None)
            try:
                return await self._get(tokens, path, params, seconds)
            except _Expired:
                return await self._get(await self.application.renewed(tokens), path, params, seconds)
        except _Expired as error:
            raise CrmRefused(str(error)) from None

    async def get_now(self, path: str, params: Params, seconds: float) -> Json:
        """Return the same while a call waits, and renew nothing.

        A renewal that is cut off with the call would lose the refresh token for good: the next sync renews.
        """
        tokens = await self.application.tokens() if self.application else None
        if self.application is not None and tokens is None:
            raise CrmUnavailable("its token has to be renewed first")
        try:
            return await self._get(tokens, path, params, seconds)
        except _Expired as error:
            if self.application is None:
                raise CrmRefused(str(error)) from None
            raise CrmUnavailable("its token has to be renewed first") from None

    async def _get(self, tokens: Tokens | None, path: str, params: Params, seconds: float) -> Json:
        session = self.session
        if tokens is not None:
            session = replace(session, headers={"Authorization": f"Bearer {tokens.access}"})
        return await session.get(f"/api/v4{path}", params, seconds=seconds)


@dataclass(frozen=True, slots=True)
class Application:
    """An integration with OAuth. Two refreshes at once lose the tokens for good, so the store lets one at a time."""

    session: Session
    given: Tokens
    fields: Mapping[str, str] = field(repr=False)

    async def tokens(self) -> Tokens | None:
        """Return the newest tokens; None when there are none yet."""
        newest = await self.session.access.tokens.current()
        return newest or (self.given if self.given.access else None)

    async def renewed(self, stale: Tokens | None) -> Tokens:
        """Return tokens that are newer than these."""
        return await self.session.access.tokens.renew(stale, self._refresh)

    async def _refresh(self, newest: Tokens | None) -> Tokens:
        fields = {**self.fields, "grant_type": "refresh_token", "refresh_token": (newest or self.given).refresh}
        answer = await self.session.post_json(
            "/oauth2/access_token", json.dumps(fields).encode(), seconds=RENEWAL_SECONDS
        )
        access, refresh = answer["access_token"].text, answer["refresh_token"].text
        if not access or not refresh:
            raise CrmMalformed("its answer has no tokens")
        return Tokens(access, refresh, time() + (answer["expires_in"].number or 0.0))


def make_api(http: Outbound, access: Access) -> AmoApi:
    """Return the way to an account, by whatever the credentials are."""
    url, settings = base_url(access.settings), access.settings
    if settings.get("long_lived_token") or not settings.get("client_id"):
        headers = {"Authorization": f"Bearer {credential(settings, 'long_lived_token')}"}
        return AmoApi(Session(http, access, url, headers, _complain))
    fields = {name: credential(settings, name) for name in ("client_id", "client_secret", "redirect_uri")}
    first = settings.get("access_token")
    given = Tokens(first if isinstance(first, str) else "", credential(settings, "refresh_token"), 0.0)
    application = Application(Session(http, access, url, {}, _complain_of_refresh), given, fields)
    return AmoApi(Session(http, access, url, {}, _complain), application)


def _complain(answer: Answer) -> None:
    """Raise by the status; 403 is a right that is missing, or the address is blocked, and then it is no JSON."""
    match answer.status:
        case 401:
            raise _Expired("refuses the token (401): it has ended, or the integration is switched off")
        case 402:
            raise CrmRefused("the account is not paid (402)")
        case 403 if not _is_problem(answer):
            raise CrmLimited(_BLOCKED_SECONDS, "has blocked our address for too many requests")
        case 403:
            raise CrmRefused("the user of the token may not read this (403)")
        case 429:
            raise CrmLimited(retry_after(answer, _LIMIT_SECONDS))
        case 200 if not isinstance(read_json(answer.body)["_embedded"].value, dict):
            raise CrmMalformed("its answer has no list")


def _complain_of_refresh(answer: Answer) -> None:
    if answer.status in {400, 401, 403}:
        raise CrmRefused("gives no new token: the refresh token is used up or too old, connect the integration anew")


def _is_problem(answer: Answer) -> bool:
    return "json" in answer.headers.get("content-type", "")
