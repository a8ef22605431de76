"""Bitrix24 by OAuth: tokens are renewed when the portal says that they are old, once, and the new ones are kept."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from smart_redirect.adapters.crm import bitrix24
from smart_redirect.adapters.crm.outbound import Outbound
from smart_redirect.adapters.memory_tokens import MemoryTokens
from smart_redirect.errors import CrmMalformed, CrmRefused, CrmUnavailable
from smart_redirect.usecases.pace import OutOfTime
from smart_redirect.usecases.ports_crm import Access, Crm
from tests.fakes.crm.bitrix24 import SECRETS, Bitrix24
from tests.fakes.crm.server import serving
from tests.fakes.crm.vendor import Customer

PHONE = "+375291112255"
CREDENTIALS = {
    "client_id": "local.5",
    "client_secret": SECRETS[0],
    "access_token": SECRETS[1],
    "refresh_token": SECRETS[2],
}


@dataclass
class Application:
    """An application on a portal."""

    vendor: Bitrix24
    http: Outbound
    port: int
    turns: int = 0
    stop_after: int = 1000
    tokens: MemoryTokens = field(default_factory=MemoryTokens)

    def open(self, **settings: object) -> Crm:
        hosts = {"url": "portal", "oauth_url": "oauth"}
        urls = {name: f"https://{host}.example.test:{self.port}" for name, host in hosts.items()}
        return bitrix24.make(self.http, Access({**urls, **CREDENTIALS, **settings}, "BY", self.turn, self.tokens))

    async def turn(self) -> None:
        if self.turns >= self.stop_after:
            raise OutOfTime
        self.turns += 1


@pytest.fixture
async def application(outbound: Outbound) -> AsyncIterator[Application]:
    vendor = Bitrix24()
    vendor.add_manager("17", "Иванова", "Анна", "150")
    async with serving(vendor.fake) as port:
        yield Application(vendor, outbound, port)
    assert vendor.fake.refusals == []


async def test_a_token_that_is_good_is_not_renewed(application: Application) -> None:
    assert await application.open().managers()
    assert (application.vendor.fake.renewals, application.vendor.fake.seen) == (0, ["POST /rest/batch"])


async def test_an_old_token_is_renewed_once_and_the_new_ones_are_kept(application: Application) -> None:
    application.vendor.fake.access_is_old = True
    assert await application.open().managers()
    assert await application.open().managers()
    kept = await application.tokens.current()
    assert application.vendor.fake.renewals == 1
    assert kept is not None
    assert (kept.access, kept.refresh) == SECRETS[3:]


async def test_the_newest_refresh_token_is_used_for_the_next(application: Application) -> None:
    for _ in range(3):
        application.vendor.fake.access_is_old = True
        assert await application.open().managers()
    assert application.vendor.fake.renewals == 3


async def test_those_who_find_it_old_at_once_renew_it_once(application: Application) -> None:
    application.vendor.fake.access_is_old = True
    await asyncio.gather(*(application.open().managers() for _ in range(8)))
    assert application.vendor.fake.renewals == 1


async def test_without_an_access_token_the_first_is_asked_for(application: Application) -> None:
    assert await application.open(access_token="").managers()
    assert application.vendor.fake.seen == ["GET /oauth/token/", "POST /rest/batch"]


async def test_each_request_of_a_renewal_waits_for_its_turn(application: Application) -> None:
    application.vendor.fake.access_is_old = True
    await application.open().managers()
    assert application.turns == len(application.vendor.fake.seen) == 3


async def test_a_run_that_is_out_of_time_asks_for_no_tokens(application: Application) -> None:
    application.vendor.fake.access_is_old = True
    application.stop_after = 1
    with pytest.raises(OutOfTime):
        await application.open().managers()
    assert (application.vendor.fake.renewals, await application.tokens.current()) == (0, None)


async def test_a_look_up_renews_nothing(application: Application) -> None:
    application.vendor.fake.access_is_old = True
    with pytest.raises(CrmUnavailable, match="the next sync"):
        await application.open().lookup(PHONE, 5.0)
    await application.open().managers()
    assert (await application.open().lookup(PHONE, 5.0)).people == ()


async def test_a_token_that_is_still_old_after_that_is_refused(application: Application) -> None:
    async def old(_: Request) -> Response:
        return JSONResponse({"error": "expired_token", "error_description": SECRETS[1]}, 401)

    async def renew(request: Request) -> Response:
        return await application.vendor.fake.token(request)

    application.vendor.fake.misdeeds += [old, renew, old]
    with pytest.raises(CrmRefused, match="expired"):
        await application.open().managers()
    assert len(application.vendor.fake.seen) == 3


async def test_another_refusal_renews_nothing(application: Application) -> None:
    with pytest.raises(CrmRefused, match="INVALID_TOKEN"):
        await application.open(access_token="of another portal").managers()
    assert application.vendor.fake.renewals == 0


@pytest.mark.parametrize(
    ("wrong", "text"), [("refresh_token", "install the application anew"), ("client_secret", "client_secret is wrong")]
)
async def test_a_renewal_that_is_refused_says_what_to_do(
    application: Application, wrong: str, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    application.vendor.fake.access_is_old = True
    with pytest.raises(CrmRefused, match=text) as caught:
        await application.open(**{wrong: "wr0ng"}).managers()
    shown = f"{caught.value!r} {caught.value.__cause__!r} {caught.value.__context__!r} {caplog.text}"
    assert not any(secret in shown for secret in (*SECRETS, "wr0ng"))


async def test_a_renewal_without_tokens_is_malformed(application: Application) -> None:
    async def nothing(_: Request) -> Response:
        return JSONResponse({"access_token": "x"})

    application.vendor.fake.misdeeds.append(nothing)
    with pytest.raises(CrmMalformed, match="no tokens"):
        await application.open(access_token="").managers()


@pytest.mark.parametrize("name", ["url", "client_secret", "refresh_token"])
def test_a_credential_that_is_missing_is_named(application: Application, name: str) -> None:
    with pytest.raises(CrmRefused, match=name):
        application.open(**{name: ""})


def test_an_authorisation_server_is_asked_by_https_only(application: Application) -> None:
    with pytest.raises(CrmRefused, match="oauth_url"):
        application.open(oauth_url="http://oauth.example.test")


async def test_people_come_by_token_as_they_come_by_webhook(application: Application) -> None:
    olga = application.vendor.add(Customer("Петрова", "Ольга", (PHONE,), "17"))
    page = await application.open().changes(None)
    assert [(each.external_id, each.name) for each in page.changes if hasattr(each, "name")] == [
        (olga, "Петрова Ольга")
    ]
