"""OAuth of Bitrix24: an application's tokens, which are renewed when the portal says that they have expired."""

from dataclasses import dataclass, field
from time import time

from smart_redirect.adapters.crm.json_values import Json, read_json
from smart_redirect.adapters.crm.outbound import Answer, Outbound
from smart_redirect.adapters.crm.session import RENEWAL_SECONDS, Session, base_url, credential
from smart_redirect.errors import CrmMalformed, CrmRefused
from smart_redirect.usecases.ports_crm import Access, Tokens

OAUTH_URL = "https://oauth.bitrix24.tech"
_HOUR = 3600.0
_ADVICE = {
    "INVALID_GRANT": "the refresh token is used up or older than 180 days: install the application anew",
    "INVALID_CLIENT": "client_id or client_secret is wrong, or the application is not installed",
    "WRONG_CLIENT": "client_id or client_secret is wrong",
    "INVALID_REQUEST": "the request lacks something",
    "INVALID_SCOPE": "the application asks for rights that it does not have",
    "INSUFFICIENT_SCOPE": "the application asks for rights that it does not have",
    "PAYMENT_REQUIRED": "the application is not paid",
}


@dataclass(frozen=True, slots=True)
class Application:
    """The tokens of a connection: the newest that anybody got, before that those of the credentials."""

    session: Session
    client_id: str
    client_secret: str = field(repr=False)
    given: Tokens

    async def tokens(self) -> Tokens | None:
        """Return the newest tokens; None when there are none yet, and no access token in the credentials."""
        newest = await self.session.access.tokens.current()
        return newest or (self.given if self.given.access else None)

    async def renewed(self, stale: Tokens | None) -> Tokens:
        """Have one process ask for new tokens; a refresh token works once, so the new one is kept before all else."""
        return await self.session.access.tokens.renew(stale, self._refresh)

    async def _refresh(self, newest: Tokens | None) -> Tokens:
        # The documents know these in the address only; nothing logs it.
        answer = await self.session.get(
            "/oauth/token/",
            (
                ("grant_type", "refresh_token"),
                ("client_id", self.client_id),
                ("client_secret", self.client_secret),
                ("refresh_token", (newest or self.given).refresh),
            ),
            seconds=RENEWAL_SECONDS,
        )
        return _read(answer)


def application(http: Outbound, access: Access) -> Application:
    """Return the application of a connection; CrmRefused names the credential that is missing."""
    settings = access.settings
    url = base_url(settings, "oauth_url") if settings.get("oauth_url") else OAUTH_URL
    first = settings.get("access_token")
    given = Tokens(first.strip() if isinstance(first, str) else "", credential(settings, "refresh_token"), 0.0)
    session = Session(http, access, url, complain=_complain)
    return Application(session, credential(settings, "client_id"), credential(settings, "client_secret"), given)


def _read(answer: Json) -> Tokens:
    access, refresh = answer["access_token"].text, answer["refresh_token"].text
    if not access or not refresh:
        raise CrmMalformed("its answer has no tokens")
    lasting = answer["expires_in"].number
    return Tokens(access, refresh, time() + (_HOUR if lasting is None else lasting))


def _complain(answer: Answer) -> None:
    if not answer.body.lstrip().startswith(b"{"):
        return
    code = read_json(answer.body)["error"].text.upper()
    if code in _ADVICE:
        raise CrmRefused(f"gives no new access token ({code}): {_ADVICE[code]}")
    if code:
        raise CrmRefused("gives no new access token")
