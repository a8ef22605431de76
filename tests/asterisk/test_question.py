"""The call asks, and goes where the answer says: names, routes, and what is sent for them."""

import json
import re

import pytest

from tests.asterisk.conftest import GOSUB_22, MACRO_12, MACRO_16, Variant, on
from tests.asterisk.host import LINE, TOKEN, Host
from tests.asterisk.scenario import Caller, answering_phone, refusing_phone
from tests.asterisk.service import Service
from tests.asterisk.sip import wait_until

NEVER = 600_000
# Answer waits up to half a second for sound before the next line runs.
HEARD_MS = 700
NAME = "Иван Петров"
ALL = on(MACRO_16, MACRO_12, GOSUB_22)


@ALL
def test_a_known_customer_rings_the_managers_phone_with_the_name(host: Host, service: Service) -> None:
    service.says(NAME, "mngr31_0001363_1")
    manager = host.phone("150", answering_phone(100))
    host.call(Caller(LINE, b'"+375291112233" ', user="100", hangs_up_ms=1000))
    sender = manager.wait_for("INVITE").header("From")
    assert f'"{NAME}"' in sender
    assert "sip:+375291112233@" in sender


@ALL
def test_a_name_without_a_route_is_shown_along_the_lines_own_scheme(host: Host, service: Service) -> None:
    service.says(NAME)
    secretary = host.phone("152", answering_phone(100))
    host.call(Caller(LINE, hangs_up_ms=2200))
    assert f'"{NAME}"' in secretary.wait_for("INVITE").header("From")


def test_a_route_without_a_name_shows_the_number(host: Host, service: Service) -> None:
    service.says("", "mngr32_0001363_1")
    phone = host.phone("152", answering_phone(100))
    host.call(Caller(LINE, b'"+375291112233" ', hangs_up_ms=1000))
    assert "+375291112233" in phone.wait_for("INVITE").header("From").partition("<")[0]


@on(MACRO_16, GOSUB_22)
def test_the_request_is_json_with_the_token_in_its_header(host: Host, service: Service) -> None:
    host.call(Caller(LINE, hangs_up_ms=HEARD_MS)).wait()
    (asked,) = service.asked
    assert asked.path == "/api/callevent/getcustomerdata"
    assert (asked.headers["token"], asked.headers["content-type"]) == (TOKEN, "application/json")
    wanted = {"Phone": "375291112233", "TrunkId": LINE, "LoadDialPlan": "true"}
    assert asked.json() == {"UniqueId": asked.json()["UniqueId"], **wanted}


@on(MACRO_12)
def test_12_sends_the_token_as_the_password_of_http_basic(host: Host, service: Service) -> None:
    host.call(Caller(LINE, hangs_up_ms=HEARD_MS)).wait()
    assert service.asked[0].headers["authorization"] == "Basic cGJ4OnRva2VuLW9mLTAzNjc="
    assert service.asked[0].json()["Phone"] == "375291112233"


def test_a_busy_manager_is_passed_over_at_once(host: Host, service: Service) -> None:
    service.says("", "mngr31_0001363_1")
    for name in ("150", "151"):
        host.phone(name, refusing_phone("486 Busy Here"))
    mobile = host.phone("mobile", answering_phone(100))
    trunk = host.call(Caller(LINE, hangs_up_ms=1000))
    waited = mobile.wait_for("INVITE").at - trunk.wait_for("SIP/2.0 200").at
    assert waited < 1


def test_yesterdays_answer_does_not_route_todays_call(host: Host, service: Service) -> None:
    """A call that comes by twice, such as a transfer back to the line, starts without name and context."""
    for step, app in enumerate(("Set,NEXT=mngr99_0001363_1", "Set,CALLNAME=Old", f"Goto,{LINE},1"), 1):
        host.cli(f"dialplan add extension 7777777,{step},{app} into from-out-office")
    phone = host.phone("152", answering_phone(100))
    host.call(Caller("7777777", hangs_up_ms=2200))
    assert '"Old"' not in phone.wait_for("INVITE").header("From")


OLD_HOOK = """
 same => n,Set(CALLERID(num)=${CALLERID(name)})
 same => n,Set(INCALL=${EXTEN})
 same => n,Macro(getcustomerdata,${CALLERID(num)},${EXTEN})
 same => n,GotoIf($["${NEXT}" != ""]?${NEXT},${INCALL},1)
"""


def test_a_hook_as_hosts_have_it_today_works_with_the_new_macro(variant: Variant, own_service: Service) -> None:
    own_service.says(NAME, "mngr32_0001363_1")
    host = variant(own_service, smart_redirect_hook=OLD_HOOK)
    phone = host.phone("152", answering_phone(100))
    host.call(Caller(LINE, b'"+375 (29) 111-22-33" ', user="100", hangs_up_ms=1000))
    assert f'"{NAME}"' in phone.wait_for("INVITE").header("From")
    assert own_service.asked[0].json()["Phone"] == "+375291112233"


@ALL
def test_the_event_log_has_the_request_the_reply_and_the_status(host: Host, service: Service) -> None:
    service.says(NAME, "mngr32_0001363_1")
    host.call(Caller(LINE, hangs_up_ms=HEARD_MS)).wait()
    wait_until(lambda: bool(host.event_log()), 3, "a line in event.log")
    line = re.fullmatch(r"\S+ \S+ status=(\w+) ms=(\d+) request=({.*}) reply=({.*})\n", host.event_log())
    assert line, host.event_log()
    assert line[1] == "routed"
    assert json.loads(line[3]) == service.asked[0].json()
    assert json.loads(line[4]) == {"Name": NAME, "DialPlan": "mngr32_0001363_1"}


@ALL
def test_the_token_is_in_no_log(host: Host, service: Service) -> None:
    host.call(Caller(LINE, hangs_up_ms=HEARD_MS)).wait()
    wait_until(lambda: bool(host.event_log()), 3, "a line in event.log")
    assert "getcustomerdata" in host.console()
    assert TOKEN not in host.console() + host.event_log()
    assert "cGJ4OnRva2" not in host.console()


@pytest.mark.parametrize(
    ("display", "user", "phone"),
    [
        (b'"+375 (29) 111-22-33" ', "100", "+375291112233"),
        (b'"80291112233" ', "100", "80291112233"),
        (b'"Ivan Petrov" ', "375291112233", "375291112233"),
        (b'"150" ', "375291112233", "375291112233"),
        (b"", "+375291112233", "+375291112233"),
        (b'"anonymous" ', "anonymous", "anonymous"),
        ('"Иван 12345678" '.encode("cp1251"), "Petrov", "anonymous"),
        (b'"' + b"1" * 128 + b'" ', "375291112233", "375291112233"),
    ],
    ids=["punctuated", "national", "words", "short", "no-name", "anonymous", "cp1251", "128-digits"],
)
def test_a_name_is_the_phone_only_if_it_is_a_full_number(
    host: Host, service: Service, display: bytes, user: str, phone: str
) -> None:
    host.call(Caller(LINE, display, user, hangs_up_ms=HEARD_MS)).wait()
    assert service.asked[0].json()["Phone"] == phone
    assert {event["Phone"] for event in host.events()} == {phone}
