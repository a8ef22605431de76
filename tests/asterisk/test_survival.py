"""A call goes on along its line's own scheme whatever the service does, and whatever a caller or a reply says."""

import json
import re

from tests.asterisk.conftest import GOSUB_22, MACRO_12, MACRO_16, on
from tests.asterisk.host import LINE, Host
from tests.asterisk.scenario import Caller, answering_phone
from tests.asterisk.service import NOTHING, Answer, Service, reply
from tests.asterisk.sip import Sipp, wait_until

ALL = on(MACRO_16, MACRO_12, GOSUB_22)
BOTH = on(MACRO_16, GOSUB_22)
SHELL = "`touch /tmp/x`$(id);'"


def rings_the_secretary(host: Host, *callers: Caller) -> Sipp:
    """All these calls reach the phone of the line's own scheme: five at once, as a busy machine bears in time."""
    secretary = host.phone("152", answering_phone(100))
    for number, caller in enumerate(callers, 1):
        host.call(caller)
        if number % 5 == 0 or number == len(callers):
            wait_until(lambda: len(secretary.received("INVITE")) == number, 8, f"{number} calls")  # noqa: B023
    return secretary


def seconds_asking(host: Host) -> float:
    found = re.search(r" ms=(\d+) ", host.event_log())
    assert found, host.event_log()
    return int(found[1]) / 1000


@ALL
def test_a_service_that_is_down_costs_nothing(host: Host, service: Service) -> None:
    service.stop()
    rings_the_secretary(host, Caller(LINE, hangs_up_ms=2500))
    assert seconds_asking(host) < 0.1
    assert "status=no_reply" in host.event_log()


@ALL
def test_a_service_that_hangs_costs_seven_tenths_of_a_second(host: Host, service: Service) -> None:
    service.answer = Answer(hang=30)
    rings_the_secretary(host, Caller(LINE, hangs_up_ms=3500))
    assert 0.6 < seconds_asking(host) < 0.9


@BOTH
def test_failing_answers_are_no_answers(host: Host, service: Service) -> None:
    """Bodies with a name and a route in them show that the status alone decides."""
    routed = reply("Somebody", "mngr32_0001363_1").body
    service.special = {
        "375290000401": Answer(NOTHING, status=401),
        "375290000500": Answer(routed, status=500),
        "375290000502": Answer(b"<html><head><title>502 Bad Gateway</title></head></html>", status=502),
        "375290000504": Answer(routed, status=504),
        "375290000000": Answer(broken=True),
    }
    callers = [Caller(LINE, user=phone, hangs_up_ms=3000) for phone in service.special]
    secretary = rings_the_secretary(host, *callers)
    assert host.event_log().count("status=no_reply") == len(callers)
    assert "Somebody" not in "".join(m.text for m in secretary.received("INVITE"))


STRANGE_REPLIES = {
    "375290000001": b"",
    "375290000002": b"{}",
    "375290000003": b"not json at all, and longer than thirty bytes",
    "375290000004": b'{"detail":[{"type":"missing","loc":["body","Phone"]}]}',
    "375290000005": b'{"Name":"Ann","DialPlan":"mngr99_0001363_1"}',
    "375290000006": b'{"Name":"Ann","DialPlan":true}',
    "375290000007": b'{"Name":"Ann","DialPlan":"mngr32_00013',
    "375290000008": b'{"Name":null,"DialPlan":null}',
    "375290000009": b'{"Name":{"a":[1,2]},"DialPlan":{"b":"c)d:e"}}',
    "375290000010": b'{"Name":"x","DialPlan":"mngr32_0001363_1,1,1) & System(touch /tmp/x"}',
    "375290000011": b'{"Name":"x","DialPlan":"mngr32_0001363_1):0"}',
    "375290000012": b'{"Name":"' + b"y" * 6000 + b'","DialPlan":null}',
    "375290000013": b'{"Name":"\\r\\nVia: evil\\r\\n","DialPlan":null}',
    "375290000014": b'{"Name":"a\\" | \\"1) : 0 ${ID_TOKEN} $[1+1]","DialPlan":null}',
    "375290000015": json.dumps({"Name": SHELL, "DialPlan": SHELL}).encode(),
    "375290000016": b'{"Name":"\xff\xfe\xc8\xe2","DialPlan":"\xc8"}',
}


@ALL
def test_no_reply_drops_a_call(host: Host, service: Service) -> None:
    service.special = {phone: Answer(body) for phone, body in STRANGE_REPLIES.items()}
    secretary = rings_the_secretary(host, *[Caller(LINE, user=phone, hangs_up_ms=4000) for phone in STRANGE_REPLIES])
    invites = [m.text for m in secretary.received("INVITE")]
    assert not [text for text in invites if "\nVia: evil" in text or "token-of" in text]
    assert not (host.root / "tmp/x").exists()


STRANGE_NAMES = [
    b'"say \\"hi\\"" ', b'"back\\\\slash" ', b'"tab\there" ', '"Иван"'.encode("cp1251"), b'"Ann :)" ', b'"a) :0" ',
    b'"Petrov, Ivan" ', b'"1\\",\\"Phone\\":\\"666" ', b'"' + b"x" * 128 + b'" ', b'"${ID_TOKEN}${EXTEN}" ',
    b'"' + SHELL.encode() + b'" ', b'"(((" ', b'"}{" ', "\"'; -- 🙂\" ".encode(), b'"\\" | \\"1" ',
]  # fmt: skip


@ALL
def test_no_caller_id_breaks_the_request_or_the_call(host: Host, service: Service) -> None:
    rings_the_secretary(host, *[Caller(LINE, name, hangs_up_ms=4000) for name in STRANGE_NAMES])
    assert len(service.asked) == len(STRANGE_NAMES)
    for asked in service.asked:
        assert asked.json() == asked.json() | {"Phone": "375291112233", "TrunkId": LINE}
        assert list(asked.json()) == ["UniqueId", "Phone", "TrunkId", "LoadDialPlan"]
    assert not (host.root / "tmp/x").exists()
    assert {event["Phone"] for event in host.events()} == {"375291112233"}


STRANGE_USERS = ["Ivan%22%5C", "a)b%3A0", "%60touch%20%2Ftmp%2Fx%60", "1%22%2C%22Phone%22%3A%22666", "8029-111.22(33)"]


@BOTH
def test_no_user_part_breaks_the_request_or_the_call(host: Host, service: Service) -> None:
    rings_the_secretary(host, *[Caller(LINE, user=user, hangs_up_ms=4000) for user in STRANGE_USERS])
    phones = sorted(asked.json()["Phone"] for asked in service.asked)
    assert phones == ["80291112233", "anonymous", "anonymous", "anonymous", "anonymous"]
    assert not (host.root / "tmp/x").exists()


@BOTH
def test_with_a_hanging_service_the_trunk_gets_its_bye_when_the_employee_hangs_up(host: Host, service: Service) -> None:
    service.says("", "mngr32_0001363_1")
    phone = host.phone("152", answering_phone(100, hangs_up_ms=800))
    trunk = host.call(Caller(LINE))
    phone.wait_for("ACK")
    service.answer = Answer(hang=30)
    late = trunk.wait_for("BYE").at - phone.wait_for("BYE", sent=True).at
    assert late < 1
    assert host.hangup_event()["Extensions"] == "152"


@BOTH
def test_events_of_calls_at_the_same_moment_do_not_mix(host: Host, service: Service) -> None:
    count = 24
    service.says("", "mngr32_0001363_1")
    host.phone("152", answering_phone(50, hangs_up_ms=300))
    trunks = [host.call(Caller(LINE, user=f"3752911100{n:02}")) for n in range(count)]
    assert [trunk.wait() for trunk in trunks] == [0] * count
    wait_until(lambda: len(host.events()) == 3 * count, 5, "every event")
    kinds = {kind: {e["UniqueId"] for e in host.events() if e["Event"] == kind} for kind in ("start", "hangup")}
    assert kinds["start"] == kinds["hangup"]
    assert len(kinds["start"]) == count


def test_a_spool_that_cannot_be_written_stops_no_call(host: Host, service: Service) -> None:
    service.says("", "mngr32_0001363_1")
    spool = host.path / "events"
    spool.rename(spool.with_name("away"))
    rings_the_secretary(host, Caller(LINE, hangs_up_ms=1500))
    spool.with_name("away").rename(spool)
