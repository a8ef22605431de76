"""Calls that are not the usual kind: schemes made by hand, outbound, internal, picked up, given up early."""

from tests.asterisk.conftest import GOSUB_22, MACRO_16, on
from tests.asterisk.host import LINE, Host
from tests.asterisk.scenario import Caller, answering_phone, trunk
from tests.asterisk.service import Answer, Service
from tests.asterisk.sip import wait_until

NEVER = 600_000
BOTH = on(MACRO_16, GOSUB_22)


def ended(host: Host, call_type: str) -> dict[str, str]:
    """The one end of a call of this type."""

    def ends() -> list[dict[str, str]]:
        return [e for e in host.events() if e["Event"] == "hangup" and e["CallType"] == call_type]

    wait_until(lambda: len(ends()) == 1, 10, f"the end of a call of type {call_type}")
    return ends()[0]


def by_hand(host: Host, context: str, extension: str, *apps: str) -> None:
    """An extension as an engineer writes it, without any of our macros around its Dial."""
    for step, app in enumerate(apps, 1):
        host.cli(f"dialplan add extension {extension},{step},{app} into {context}")


def macro(host: Host, name: str) -> str:
    return f"Gosub({name},s,1)" if host.dialect.pjsip else f"Macro({name})"


def sip(host: Host, name: str) -> str:
    return f"PJSIP/{name}" if host.dialect.pjsip else f"SIP/{name}"


@BOTH
def test_a_dial_without_our_macro_is_credited_when_the_call_ends(host: Host, service: Service) -> None:
    dial = f"Dial({sip(host, '152')})"
    by_hand(host, "from-out-office", "8888888", "Answer()", "Set(INCALL=8888888)", macro(host, "incall_start"), dial)
    host.phone("152", answering_phone(100))
    host.call(Caller("8888888", hangs_up_ms=1500))
    end = host.hangup_event()
    assert (end["CallStatus"], end["Extensions"], end["Trunk"]) == ("2", "152", "8888888")


@BOTH
def test_an_outbound_call_is_the_talk_of_the_employee_who_placed_it(host: Host, service: Service) -> None:
    host.phone("mobile", answering_phone(100))
    by_hand(host, "dialexecute", "80295556677", "Goto(out-25,80295556677,1)")
    host.phone_places(trunk(Caller("80295556677", user="150", hangs_up_ms=900)))
    end = ended(host, "1")
    assert (end["Phone"], end["Trunk"], end["CallStatus"]) == ("80295556677", "0001366", "2")
    assert (end["Extensions"], end["Talks"].partition("@")[0]) == ("150", "150")


@BOTH
def test_a_call_between_employees_is_internal(host: Host, service: Service) -> None:
    host.phone("152", answering_phone(100))
    host.phone_places(trunk(Caller("152", user="150", hangs_up_ms=900)))
    end = ended(host, "2")
    assert (end["Phone"], end["Trunk"], end["Extensions"]) == ("150", "", "152")


@BOTH
def test_a_caller_who_gives_up_while_we_ask_is_reported(host: Host, service: Service) -> None:
    """On 22 the call is then inside a subroutine, which no h of the calling context sees."""
    service.answer = Answer(hang=30)
    host.call(Caller(LINE, hangs_up_ms=800)).wait()
    end = host.hangup_event()
    assert (end["CallStatus"], [e["Event"] for e in host.events()]) == ("0", ["start", "hangup"])


@BOTH
def test_a_call_picked_up_by_a_colleague_is_the_colleagues(host: Host, service: Service) -> None:
    service.says("", "mngr31_0001363_1")
    ringing = host.phone("150", answering_phone(NEVER))
    host.phone("151", answering_phone(NEVER))
    by_hand(host, "dialexecute", "188", f'"PickupChan({sip(host, "150")},p)"')
    host.call(Caller(LINE, hangs_up_ms=2500))
    ringing.wait_for("INVITE")
    host.phone_places(trunk(Caller("188", user="152", hangs_up_ms=NEVER)))
    end = host.hangup_event()
    assert (end["CallStatus"], end["Extensions"]) == ("2", "152")


def test_the_end_of_a_call_is_reported_from_a_context_without_h(host: Host, service: Service) -> None:
    by_hand(host, "bare", "5555555", "Wait(5)")
    by_hand(host, "from-out-office", "5555555", "Set(INCALL=5555555)", "Macro(incall_start)", "Answer()",
            "Goto(bare,5555555,1)")  # fmt: skip
    host.call(Caller("5555555", hangs_up_ms=900))

    assert host.hangup_event()["CallStatus"] == "0"
