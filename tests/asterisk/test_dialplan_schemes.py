"""Calls through generated schemes: out by their lines, along hours, patterns and menus."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from smart_redirect.domain.dialplan.dialects import Shape
from tests.asterisk.conftest import GOSUB_22, MACRO_16, Install, on
from tests.asterisk.generated import FIRST, LINE_NUMBER, MOBILE_LINE, ended, enterprise, secretary, text_for
from tests.asterisk.host import LINE, Host
from tests.asterisk.scenario import Caller, answering_phone, refusing_phone, trunk
from tests.asterisk.service import Service
from tests.asterisk.sip import wait_until
from tests.asterisk.transfer import blind
from tests.domain.dialplan.settings import edge, node, outgoing, scheme

BOTH = on(MACRO_16, GOSUB_22)


@BOTH
@pytest.mark.parametrize("dialled", ["80295556677", "+375295556677"])
def test_an_employee_calls_outside_by_the_line_of_the_outgoing_scheme(
    host: Host, service: Service, installed: Install, dialled: str
) -> None:
    installed(text_for(host, Shape.CLASSIC))
    mobile = host.phone("mobile", answering_phone(100))
    host.phone_places(trunk(Caller(dialled, user="150", hangs_up_ms=900)))
    end, digits = ended(host, "1"), dialled.lstrip("+")
    assert (end["Phone"], end["Trunk"], end["Extensions"]) == (digits, MOBILE_LINE, "150")
    assert mobile.wait_for("INVITE").first_line.startswith(f"INVITE sip:{digits}@")
    assert LINE_NUMBER in mobile.wait_for("INVITE").header("From")


@BOTH
def test_a_line_that_cannot_dial_leads_to_the_next_and_a_busy_number_does_not(
    host: Host, service: Service, installed: Install
) -> None:
    """No peer is called 0001399."""
    lines = [{"id": LINE, "in_scheme": "in-1"}, {"id": MOBILE_LINE}, {"id": "0001399"}]
    schemes = [secretary("152"), outgoing("0001399", MOBILE_LINE, LINE)]
    installed(text_for(host, Shape.CLASSIC, enterprise(lines=lines, schemes=schemes)))
    mobile = host.phone("mobile", refusing_phone("486 Busy Here"))
    call = host.phone_places(trunk(Caller("80295556677", user="150", hangs_up_ms=900)))
    call.wait_for("SIP/2.0 486")
    assert "80295556677@0001399" in host.console()
    assert len(mobile.received("INVITE")) == 1


@BOTH
def test_an_extension_without_an_outgoing_scheme_cannot_call_outside(
    host: Host, service: Service, installed: Install
) -> None:
    installed(text_for(host, Shape.CLASSIC))
    mobile = host.phone("mobile", answering_phone(100))
    call = host.phone_places(trunk(Caller("80295556677", user="152", hangs_up_ms=900)))
    wait_until(lambda: any(m.first_line > "SIP/2.0 4" for m in call.messages() if not m.sent), 10, "a refusal")
    assert mobile.received("INVITE") == []


@BOTH
def test_a_blind_transfer_to_a_mobile_leaves_as_a_call_of_the_one_who_transfers(
    host: Host, service: Service, installed: Install
) -> None:
    installed(text_for(host, Shape.CLASSIC))
    service.says("", FIRST)
    desk = host.phone("150", answering_phone(100))
    mobile = host.phone("mobile", answering_phone(100))
    host.call(Caller(LINE, hangs_up_ms=3500))
    desk.wait_for("ACK")
    blind(host, desk, "80295556677")
    assert mobile.wait_for("INVITE").first_line.startswith("INVITE sip:80295556677@")
    assert {talk.partition("@")[0] for talk in host.hangup_event()["Talks"].split(",")} == {"150"}


@BOTH
@pytest.mark.parametrize(("zone", "phone"), [("Pacific/Auckland", "151"), ("UTC", "152")])
def test_hours_are_those_of_the_enterprise(
    host: Host, service: Service, installed: Install, zone: str, phone: str
) -> None:
    """Open for the hour around now in Auckland, which is never now in UTC."""
    now = datetime.now(ZoneInfo("Pacific/Auckland"))
    opens, closes = (f"{now + timedelta(minutes=each):%H:%M}" for each in (-30, 30))
    installed(text_for(host, Shape.CLASSIC, enterprise(time_zone=zone, schemes=[open_from(opens, closes)])))
    ringing = host.phone(phone, answering_phone(100))
    host.call(Caller(LINE, hangs_up_ms=2500))
    ringing.wait_for("INVITE")


def open_from(opens: str, closes: str) -> dict[str, object]:
    """151 in these hours, 152 at all others."""
    days = ["пн", "вт", "ср", "чт", "пт", "сб", "вс"]
    nodes = [
        node("1", "custom"),
        node("2", "workSchedule", periods=[{"days": days, "startTime": opens, "endTime": closes}]),
        node("3", "dial", managers=[{"userId": 25, "phone": "151"}]),
        node("4", "dial", managers=[{"userId": 27, "phone": "152"}]),
    ]
    return scheme(nodes, [edge("1", "2"), edge("2", "3", "output-0"), edge("2", "4", "output-1")])


@BOTH
@pytest.mark.parametrize(("user", "phone"), [("375291112233", "151"), ("375336665544", "152")])
def test_a_scheme_of_hours_patterns_and_a_menu_leads_where_it_says(
    host: Host, service: Service, installed: Install, user: str, phone: str
) -> None:
    installed(text_for(host, Shape.CLASSIC, enterprise(schemes=[maze(), outgoing(MOBILE_LINE)])))
    ringing = host.phone(phone, answering_phone(100))
    host.call(Caller(LINE, user=user, hangs_up_ms=3500))
    ringing.wait_for("INVITE")
    assert host.hangup_event()["Extensions"] == phone


def maze() -> dict[str, object]:
    """Always open; the first caller's numbers to a menu, which nobody answers, and to 151; all others to 152."""
    days = ["пн", "вт", "ср", "чт", "пт", "сб", "вс"]
    nodes = [
        node("1", "custom"),
        node("2", "workSchedule", periods=[{"days": days, "startTime": "00:00", "endTime": "24:00"}]),
        node("3", "patternCheck", patterns=[{"shablon": "_37529XXXXXXX"}]),
        node("4", "ivr", greetingFile={"name": "greeting"}, waitSeconds=1),
        node("5", "dial", managers=[{"userId": 25, "phone": "151"}]),
        node("6", "dial", managers=[{"userId": 27, "phone": "152"}]),
        node("7", "greeting", greetingFile={"name": "greeting"}),
    ]
    edges = [
        *(edge("2", to, f"output-{n}") for n, to in enumerate(("3", "7"))),
        *(edge("3", to, f"output-{n}") for n, to in enumerate(("4", "6"))),
        *(edge("4", to, handle) for handle, to in (("key-1", "7"), ("other", "5"))),
    ]
    return scheme(nodes, [edge("1", "2"), *edges])
