"""Releases change under calls that ring and calls that talk: with tombstones, none of them is lost."""

import itertools
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from smart_redirect.domain.dialplan.build import build
from smart_redirect.domain.dialplan.dialects import Shape
from smart_redirect.domain.dialplan.model import Model
from smart_redirect.domain.dialplan.outline import Outline, outline
from smart_redirect.domain.dialplan.tombstones import Retired, retire
from tests.asterisk.conftest import GOSUB_22, MACRO_16, Install, on
from tests.asterisk.generated import FIRST, MOBILE_LINE, PLAIN, SECOND, enterprise, secretary, text_for
from tests.asterisk.host import LINE, Host
from tests.asterisk.scenario import Caller, answering_phone
from tests.asterisk.service import Service, reply
from tests.asterisk.sip import wait_until
from tests.domain.dialplan.settings import outgoing

NEVER = 600_000
AT = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
BOTH = on(MACRO_16, GOSUB_22)
each_shape = pytest.mark.parametrize("shape", Shape)
FOLLOW_ME, WITHOUT = enterprise(), enterprise(PLAIN)
LINES = [{"id": LINE, "in_scheme": "in-1"}, {"id": MOBILE_LINE}]
LINE_OFF = enterprise(lines=LINES)
OTHER_SCHEME = enterprise(schemes=[{**secretary("152"), "id": "in-2"}, outgoing(MOBILE_LINE)],
                          lines=[{"id": LINE, "enabled": True, "in_scheme": "in-2"}, {"id": MOBILE_LINE}])  # fmt: skip


@dataclass(slots=True)
class Releases:
    """One release after the other, as the service makes them: each keeps what those before it had."""

    host: Host
    install: Install
    shape: Shape
    keeps: bool = True
    seconds: int = 3
    _last: Outline = field(default_factory=Outline)
    _retired: tuple[Retired, ...] = ()

    def publish(self, model: Model) -> None:
        now = outline(build(model))
        self._retired += retire(self._last, now, AT) if self.keeps else ()
        self._last = now
        self.install(text_for(self.host, self.shape, model, self._retired, self.seconds))


def a_call_in(host: Host, service: Service, context: str, hangs_up_ms: int = NEVER) -> None:
    """A call that rings, or talks, in this context."""
    service.says("", context)
    phone = host.phone("151", answering_phone(NEVER if hangs_up_ms == NEVER else 100))
    for name in ("150", "mobile"):
        host.phone(name, answering_phone(NEVER))
    host.call(Caller(LINE, hangs_up_ms=8_000 if hangs_up_ms == NEVER else hangs_up_ms))
    phone.wait_for("INVITE")


GONE = {"the next step": (FIRST, WITHOUT), "the step": (SECOND, WITHOUT), "the line": (FIRST, LINE_OFF)}


@BOTH
@each_shape
@pytest.mark.parametrize("gone", GONE)
def test_a_ringing_call_goes_on_when_it_is_gone(
    host: Host, service: Service, installed: Install, shape: Shape, gone: str
) -> None:
    context, after = GONE[gone]
    releases = Releases(host, installed, shape)
    releases.publish(FOLLOW_ME)
    last = host.phone("152", answering_phone(100))
    a_call_in(host, service, context)
    releases.publish(after)
    last.wait_for("ACK", timeout=12)
    assert host.hangup_event()["Extensions"] == "152"


@on(MACRO_16)
def test_without_its_tombstone_the_ringing_call_is_lost(host: Host, service: Service, installed: Install) -> None:
    releases = Releases(host, installed, Shape.CLASSIC, keeps=False)
    releases.publish(FOLLOW_ME)
    last = host.phone("152", answering_phone(100))
    a_call_in(host, service, SECOND)
    releases.publish(WITHOUT)
    assert host.hangup_event()["CallStatus"] == "0"
    assert last.received("INVITE") == []


@BOTH
@each_shape
def test_a_talk_outlives_its_context_and_is_told_to_its_end(
    host: Host, service: Service, installed: Install, shape: Shape
) -> None:
    releases = Releases(host, installed, shape)
    releases.publish(FOLLOW_ME)
    a_call_in(host, service, SECOND, hangs_up_ms=3_500)
    for model in (WITHOUT, FOLLOW_ME, LINE_OFF):
        releases.publish(model)
    assert [e["Event"] for e in host.events()] == ["start", "dial"]
    end = host.hangup_event()
    assert (end["CallStatus"], end["Extensions"]) == ("2", "151")
    assert int(end["EndTime"]) - int(end["StartTime"]) >= 2


@BOTH
def test_a_host_that_missed_a_release_loses_no_call_either(host: Host, service: Service, installed: Install) -> None:
    """The first and the third are loaded; the second is only made."""
    releases = Releases(host, installed, Shape.CLASSIC)
    releases.publish(FOLLOW_ME)
    last = host.phone("152", answering_phone(100))
    a_call_in(host, service, SECOND)
    releases.install = lambda _: ""
    releases.publish(LINE_OFF)
    releases.install = installed
    releases.publish(OTHER_SCHEME)
    last.wait_for("ACK", timeout=12)


ROUTES = {"375290000001": FIRST, "375290000002": SECOND}


def place(host: Host, user: str, calls: int) -> None:
    host.call(Caller(LINE, user=user, hangs_up_ms=14_000), calls)


def told(host: Host, event: str) -> list[dict[str, str]]:
    return [each for each in host.events() if each["Event"] == event and each["CallType"] == "0"]


@BOTH
@each_shape
@pytest.mark.timeout(180)
def test_no_call_is_lost_while_releases_change_twenty_times(
    host: Host, service: Service, installed: Install, shape: Shape
) -> None:
    """20 calls ring, 50 more are placed meanwhile; all come to the secretary and are told to their end."""
    releases = Releases(host, installed, shape, seconds=4)
    releases.publish(FOLLOW_ME)
    let_ring(host, service)
    models = (WITHOUT, FOLLOW_ME, LINE_OFF, FOLLOW_ME, OTHER_SCHEME, FOLLOW_ME)
    for model, user in itertools.islice(zip(itertools.cycle(models), itertools.cycle(ROUTES), strict=False), 20):
        releases.publish(model)
        place(host, user, 2)
    for user in ROUTES:
        place(host, user, 5)
    wait_until(lambda: len(told(host, "hangup")) == 70, 60, "70 ends of calls")
    lost = [each for each in told(host, "hangup") if (each["CallStatus"], each["Extensions"]) != ("2", "152")]
    assert lost == []


def let_ring(host: Host, service: Service) -> None:
    """20 calls, each in one of the two contexts of the chain."""
    for name in ("150", "151", "mobile"):
        host.phone(name, answering_phone(NEVER))
    host.phone("152", answering_phone(100))
    for user, context in ROUTES.items():
        service.special[user] = reply("", context)
        place(host, user, 10)
    wait_until(lambda: len(told(host, "dial")) == 20, 10, "20 calls that ring")
    assert {each["Context"] for each in told(host, "dial")} == {FIRST, SECOND}
