"""What the spool says of a call: who was rung, who talked, since when; on real calls."""

import time

from tests.asterisk.conftest import GOSUB_22, MACRO_16, on
from tests.asterisk.host import LINE, Host
from tests.asterisk.scenario import Caller, answering_phone, refusing_phone
from tests.asterisk.service import Service
from tests.asterisk.transfer import attended, blind

NEVER = 600_000
BOTH = on(MACRO_16, GOSUB_22)


def talkers(event: dict[str, str]) -> list[str]:
    return [talk.partition("@")[0] for talk in event["Talks"].split(",") if talk]


def since(event: dict[str, str]) -> list[int]:
    return [int(talk.partition("@")[2]) for talk in event["Talks"].split(",")]


@BOTH
def test_a_parallel_ring_credits_the_one_who_answered(host: Host, service: Service) -> None:
    service.says("", "mngr31_0001363_1")
    host.phone("150", answering_phone(NEVER))
    host.phone("151", answering_phone(300))
    host.call(Caller(LINE, hangs_up_ms=1200))
    end = host.hangup_event()
    assert (end["CallStatus"], end["Extensions"], talkers(end)) == ("2", "151", ["151"])
    assert [e["Extensions"] for e in host.events() if e["Event"] == "dial"] == ["150,151"]


@BOTH
def test_a_caller_who_hangs_up_while_it_rings_talked_to_nobody(host: Host, service: Service) -> None:
    service.says("", "mngr31_0001363_1")
    host.phone("150", answering_phone(NEVER))
    host.phone("151", answering_phone(NEVER))
    host.call(Caller(LINE, hangs_up_ms=1000))
    end = host.hangup_event()
    assert (end["CallStatus"], end["Extensions"], end["Talks"]) == ("0", "", "")
    assert end["StartTime"] == end["DateReceived"] <= end["EndTime"]


def test_a_greeting_is_no_answer(host: Host, service: Service) -> None:
    host.call(Caller(LINE, hangs_up_ms=1000))
    end = host.hangup_event()
    assert (end["CallStatus"], end["Talks"]) == ("0", "")
    assert [e["Event"] for e in host.events()] == ["start", "hangup"]


def test_an_answer_in_step_two_is_credited_there(host: Host, service: Service) -> None:
    service.says("", "mngr31_0001363_2")
    host.phone("151", answering_phone(300))
    host.phone("mobile", answering_phone(NEVER))
    host.call(Caller(LINE, hangs_up_ms=1500))
    end = host.hangup_event()
    assert (end["CallStatus"], end["Extensions"]) == ("2", "151")


@BOTH
def test_steps_that_nobody_answers_end_in_the_fallback(host: Host, service: Service) -> None:
    service.says("", "mngr31_0001363_1")
    for name in ("150", "151", "mobile"):
        host.phone(name, answering_phone(NEVER))
    host.phone("152", answering_phone(200))
    host.call(Caller(LINE, hangs_up_ms=14_000))
    end = host.hangup_event(timeout=25)
    dials = [(e["Context"], e["Extensions"]) for e in host.events() if e["Event"] == "dial"]
    assert dials == [
        ("mngr31_0001363_1", "150,151"), ("mngr31_0001363_2", "151"), ("line_0001363", "152"),
    ]  # fmt: skip
    assert (end["CallStatus"], end["Extensions"]) == ("2", "152")


@BOTH
def test_an_answer_on_a_mobile_is_credited_to_the_extension_of_the_step(host: Host, service: Service) -> None:
    service.says("Иван Петров", "mngr31_0001363_2")
    host.phone("151", answering_phone(NEVER))
    mobile = host.phone("mobile", answering_phone(300))
    host.call(Caller(LINE, hangs_up_ms=1500))
    end = host.hangup_event()
    assert (end["CallStatus"], talkers(end)) == ("2", ["151"])
    assert "Иван" not in mobile.wait_for("INVITE").header("From")
    assert {e["UniqueId"] for e in host.events()} == {end["UniqueId"]}
    assert [e["Event"] for e in host.events()] == ["start", "dial", "hangup"]


@BOTH
def test_a_blind_transfer_keeps_both_talks(host: Host, service: Service) -> None:
    service.says("", "mngr31_0001363_1")
    first = host.phone("150", answering_phone(100))
    host.phone("152", answering_phone(1500))
    host.call(Caller(LINE, hangs_up_ms=5500))
    time.sleep(1.2)
    blind(host, first, "152")
    end = host.hangup_event()
    assert (end["CallStatus"], end["Extensions"], talkers(end)) == ("2", "152", ["150", "152"])
    assert since(end)[1] - since(end)[0] >= 2
    assert len([e for e in host.events() if e["Event"] == "hangup"]) == 1


def test_a_blind_transfer_to_a_follow_me_number_is_credited_to_the_step_that_answered(
    host: Host, service: Service
) -> None:
    service.says("", "mngr32_0001363_1")
    first = host.phone("152", answering_phone(100))
    host.phone("151", refusing_phone("486 Busy Here"))
    host.phone("150", answering_phone(NEVER))
    host.phone("mobile", answering_phone(300))
    host.call(Caller(LINE, hangs_up_ms=3000))
    first.wait_for("ACK")
    blind(host, first, "255")
    assert talkers(host.hangup_event()) == ["152", "150"]
    assert [e["Context"] for e in host.events() if e["Event"] == "dial"][1:] == ["mngr25_1", "mngr25_2"]


@BOTH
def test_an_attended_transfer_keeps_both_talks(host: Host, service: Service) -> None:
    service.says("", "mngr31_0001363_1")
    first = host.phone("150", answering_phone(100))
    host.phone("152", answering_phone(100))
    host.call(Caller(LINE, hangs_up_ms=6000))
    first.wait_for("ACK")
    time.sleep(1.2)
    attended(host, first, "150", "152")
    end = host.hangup_event()
    assert (end["CallStatus"], end["Extensions"], talkers(end)) == ("2", "152", ["150", "152"])
    assert since(end)[0] < since(end)[1] <= int(end["EndTime"])


@BOTH
def test_a_transfer_while_the_colleague_is_still_rung_keeps_the_call_and_both_talks(
    host: Host, service: Service
) -> None:
    """Asterisk then puts the caller's channel in the place of the transferring phone's second one."""
    service.says("", "mngr31_0001363_1")
    first = host.phone("150", answering_phone(100))
    host.phone("152", answering_phone(1500))
    host.call(Caller(LINE, hangs_up_ms=5000))
    first.wait_for("ACK")
    time.sleep(1.2)
    attended(host, first, "150", "152", answer="180")
    end = host.hangup_event()
    assert (end["CallStatus"], end["Extensions"], talkers(end)) == ("2", "152", ["150", "152"])
    assert (end["Phone"], end["Trunk"]) == ("375291112233", LINE)
    assert since(end)[0] < since(end)[1]
