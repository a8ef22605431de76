"""Calls through a generated dialplan: along the chain at the right times, out to a mobile, back to the line's scheme."""

import pytest

from smart_redirect.domain.dialplan.dialects import Shape
from tests.asterisk.conftest import GOSUB_22, MACRO_12, MACRO_16, Install, on
from tests.asterisk.generated import FIRST, LINE_NUMBER, MOBILE, SECOND, ended, enterprise, text_for
from tests.asterisk.host import LINE, Host
from tests.asterisk.scenario import Caller, answering_phone, refusing_phone, trunk
from tests.asterisk.service import Service
from tests.asterisk.sip import Sipp, wait_until

NEVER = 600_000
BOTH = on(MACRO_16, GOSUB_22)
ALL = on(MACRO_16, MACRO_12, GOSUB_22)
each_shape = pytest.mark.parametrize("shape", Shape)


def dialled_contexts(host: Host) -> list[str]:
    return [event["Context"] for event in host.events() if event["Event"] == "dial" and event["CallType"] == "0"]


def silent(host: Host, *names: str) -> list[Sipp]:
    return [host.phone(name, answering_phone(NEVER)) for name in names]


@ALL
@each_shape
def test_a_chain_rings_step_by_step_and_ends_in_the_scheme_of_the_line(
    host: Host, service: Service, installed: Install, shape: Shape
) -> None:
    installed(text_for(host, shape))
    service.says("", FIRST)
    first, _, mobile = silent(host, "150", "151", "mobile")
    last = host.phone("152", answering_phone(100))
    host.call(Caller(LINE, hangs_up_ms=7500))
    began, outside, answered = (each.wait_for("INVITE").at for each in (first, mobile, last))
    assert [round(outside - began), round(answered - outside)] == [2, 3]  # the greeting plays for a second
    assert host.hangup_event()["Extensions"] == "152"
    assert dialled_contexts(host)[:2] == [FIRST, SECOND]


@ALL
@each_shape
def test_a_mobile_is_reached_by_the_outgoing_context_and_credited_to_the_extension(
    host: Host, service: Service, installed: Install, shape: Shape
) -> None:
    installed(text_for(host, shape))
    service.says("Петрова Ольга", SECOND)
    desk = host.phone("151", answering_phone(NEVER))
    mobile = host.phone("mobile", answering_phone(300))
    host.call(Caller(LINE, b'"+375 33 666-55-44" ', user="100", hangs_up_ms=2500))
    invite = mobile.wait_for("INVITE")
    assert f"INVITE sip:{MOBILE}@" in invite.first_line
    assert LINE_NUMBER in invite.header("From")
    assert "Петрова" not in invite.text
    assert '"Петрова Ольга"' in desk.wait_for("INVITE").header("From")
    assert (host.hangup_event()["Extensions"], host.hangup_event()["CallStatus"]) == ("151", "2")


@BOTH
@each_shape
def test_h_runs_for_a_caller_who_hangs_up_while_it_rings(
    host: Host, service: Service, installed: Install, shape: Shape
) -> None:
    installed(text_for(host, shape))
    service.says("", FIRST)
    silent(host, "150", "151")
    host.call(Caller(LINE, hangs_up_ms=1500))
    assert host.hangup_event()["CallStatus"] == "0"
    assert f"[h@{FIRST if shape is Shape.CLASSIC else 'sr-ring'}:1]" in host.console()


@BOTH
@each_shape
def test_busy_phones_are_passed_at_once(host: Host, service: Service, installed: Install, shape: Shape) -> None:
    installed(text_for(host, shape))
    service.says("", FIRST)
    for name in ("150", "151", "mobile"):
        host.phone(name, refusing_phone("486 Busy Here"))
    last = host.phone("152", answering_phone(100))
    call = host.call(Caller(LINE, hangs_up_ms=3500))
    assert last.wait_for("INVITE").at - call.wait_for("SIP/2.0 200").at < 2.2
    assert host.hangup_event()["Extensions"] == "152"


CALLERS = {
    "in the name": (Caller(LINE, b'"+375 29 111-22-33" ', user="100", hangs_up_ms=900), "+375291112233"),
    "in the user part": (Caller(LINE, b'"Ivan Petrov" ', user="375291112233", hangs_up_ms=900), "375291112233"),
    "in both": (Caller(LINE, b'"80291112233" ', user="375336665544", hangs_up_ms=900), "80291112233"),
    "in neither": (Caller(LINE, b'"Ivan" ', user="anonymous", hangs_up_ms=900), "anonymous"),
}


@BOTH
@pytest.mark.parametrize("where", CALLERS)
def test_the_number_of_the_caller_is_asked_for_wherever_it_is(
    host: Host, service: Service, installed: Install, where: str
) -> None:
    installed(text_for(host, Shape.CLASSIC))
    caller, phone = CALLERS[where]
    host.call(caller).wait()
    assert [asked.json()["Phone"] for asked in service.asked] == [phone]


@BOTH
@each_shape
def test_the_follow_me_number_rings_the_chain_and_then_hangs_up(
    host: Host, service: Service, installed: Install, shape: Shape
) -> None:
    installed(text_for(host, shape, seconds=1))
    first, _, mobile = silent(host, "150", "151", "mobile")
    host.phone_places(trunk(Caller("255", user="152")))
    assert 0.7 < mobile.wait_for("INVITE").at - first.wait_for("INVITE").at < 1.6
    assert ended(host, "2")["CallStatus"] == "0"
    assert service.asked == []


@BOTH
@each_shape
def test_a_recording_survives_the_jump_and_is_made_once(
    host: Host, service: Service, installed: Install, shape: Shape
) -> None:
    installed(text_for(host, shape, enterprise(recording=True)))
    service.says("", SECOND)
    host.phone("151", answering_phone(NEVER))
    host.phone("mobile", answering_phone(100))
    host.call(Caller(LINE, hangs_up_ms=2500))
    end = host.hangup_event()
    wait_until(lambda: "End MixMonitor" in host.console(), 10, "the end of the recording")
    assert host.console().count("Begin MixMonitor") == 1
    assert (host.path / "spool/monitor" / f"{end['UniqueId']}.wav").exists()
