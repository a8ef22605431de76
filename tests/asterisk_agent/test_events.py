"""The agent sends every event at least once, in order per call, and keeps what was not accepted."""

import ast
import json
import os
import random
import subprocess
import time
from collections.abc import Callable

import pytest

from tests.asterisk.service import NOTHING, Answer, Service
from tests.asterisk_agent.conftest import ACCEPTED, AGENT, Desk, Line, Settle, event

CALL = [event("start", "1.0"), event("dial", "1.0", Extensions="150"), event("hangup", "1.0", CallStatus="2")]
LONG_AGO = time.time() - 3600


def sent(service: Service) -> list[tuple[str, Line]]:
    return [(asked.path.rpartition("/")[2], asked.json()) for asked in service.asked]


def test_events_go_to_their_endpoints_in_order_with_the_token(desk: Desk, service: Service) -> None:
    desk.spool(*CALL)
    assert desk.once().returncode == 0
    assert sent(service) == [(line["Event"], line) for line in CALL]
    assert {asked.path for asked in service.asked} == {f"/api/callevent/{kind}" for kind in ("start", "dial", "hangup")}
    assert {asked.headers["token"] for asked in service.asked} == {"secret-of-0367"}


def test_what_was_accepted_is_not_sent_again(desk: Desk, service: Service) -> None:
    desk.spool(*CALL)
    desk.once()
    desk.spool(event("start", "2.0"))
    desk.once()
    assert [line["UniqueId"] for _, line in sent(service)] == ["1.0", "1.0", "1.0", "2.0"]


def test_a_minute_that_is_over_and_sent_leaves_the_disk(desk: Desk) -> None:
    file = desk.spool(*CALL)
    os.utime(file, (LONG_AGO, LONG_AGO))
    loop = subprocess.Popen(desk.command("--interval", "0.05"))
    for _ in range(100):
        if not file.exists():
            break
        time.sleep(0.05)
    loop.kill()
    loop.wait()
    assert not list(desk.folder.rglob("*.jsonl"))


def test_a_service_that_is_down_loses_nothing(desk: Desk, service: Service) -> None:
    service.stop()
    desk.spool(*CALL)
    assert desk.once().returncode == 1
    service.start()
    assert desk.once().returncode == 0
    assert [kind for kind, _ in sent(service)] == ["start", "dial", "hangup"]


def test_a_service_that_hangs_is_given_up_after_the_timeout(desk: Desk, service: Service) -> None:
    service.answer = Answer(hang=20)
    desk.spool(*CALL)
    began = time.monotonic()
    assert desk.once().returncode == 1
    assert time.monotonic() - began < 3
    service.answer = ACCEPTED
    assert desk.once().returncode == 0


def test_a_failing_call_holds_back_its_own_events_and_no_others(desk: Desk, service: Service) -> None:
    service.special["1.0"] = Answer(b"oops", status=500)
    desk.spool(CALL[0], event("start", "2.0"), CALL[1], event("dial", "2.0"), CALL[2])
    assert desk.once().returncode == 1
    assert [(kind, line["UniqueId"]) for kind, line in sent(service)] == [
        ("start", "1.0"), ("start", "2.0"), ("dial", "2.0"),
    ]  # fmt: skip
    service.special.clear()
    assert desk.once().returncode == 0
    assert [kind for kind, _ in sent(service)[3:]] == ["start", "dial", "hangup"]


def test_a_service_that_fails_everything_is_not_asked_for_every_call(desk: Desk, service: Service) -> None:
    service.answer = Answer(b"", status=503)
    desk.spool(*[event("start", f"{n}.0") for n in range(100)])
    assert desk.once().returncode == 1
    assert len(service.asked) == 5


def test_a_failing_call_is_tried_again_ever_more_slowly(desk: Desk, service: Service) -> None:
    service.special["1.0"] = Answer(b"", status=500)
    desk.spool(CALL[0])
    loop = subprocess.Popen(desk.command("--interval", "0.05"), stderr=subprocess.DEVNULL)
    time.sleep(3.8)
    desk.spool(event("start", "2.0"))
    time.sleep(0.5)
    loop.kill()
    loop.wait()
    assert [line["UniqueId"] for _, line in sent(service)] == ["1.0", "1.0", "1.0", "2.0"]


def test_refused_events_are_kept_with_the_reason_and_stop_nothing(desk: Desk, service: Service) -> None:
    service.special["1.0"] = Answer(b"{}", status=400)
    desk.spool(CALL[0], event("start", "2.0"))
    assert desk.once().returncode == 0
    assert desk.refused() == [{"Reason": "400 {}", "Event": json.dumps(CALL[0], ensure_ascii=False)}]
    assert len(service.asked) == 2


@pytest.mark.parametrize("body", [NOTHING, b"<html>400 Bad Request</html>", b""])
@pytest.mark.parametrize("status", [400, 413])
def test_what_a_proxy_refuses_is_sent_again(desk: Desk, service: Service, status: int, body: bytes) -> None:
    service.special["1.0"] = Answer(body, status=status)
    desk.spool(CALL[0], event("start", "2.0"))
    assert (desk.once().returncode, desk.refused()) == (1, [])
    service.special.clear()
    assert desk.once().returncode == 0
    assert [line["UniqueId"] for _, line in sent(service)] == ["1.0", "2.0", "1.0"]


@pytest.mark.parametrize("answer", [Answer(b"", status=429), Answer(b"", status=503, headers=(("Retry-After", "1"),))])
def test_a_service_that_is_busy_is_waited_for_and_not_given_up(desk: Desk, service: Service, answer: Answer) -> None:
    service.answer = answer
    desk.spool(*[event("start", f"{n}.0") for n in range(50)])
    with subprocess.Popen(desk.command("--once"), stderr=subprocess.PIPE, text=True) as agent:
        time.sleep(2.6)
        busy, service.answer = len(service.asked), ACCEPTED
        assert (agent.wait(10), agent.stderr.read() if agent.stderr else None) == (0, "")
    assert (busy, len(service.asked)) == (3, 53)


def test_what_happens_now_does_not_wait_for_a_backlog(desk: Desk, service: Service) -> None:
    service.answer = Answer(b"", status=202, hang=0.01)
    old = desk.spool(*[event("start", f"{n}.0") for n in range(400)])
    os.utime(old, (LONG_AGO, LONG_AGO))
    with subprocess.Popen(desk.command("--once")) as agent:
        while not service.asked:
            time.sleep(0.01)
        desk.spool(event("hangup", "999.0"), minute="20261123T1629")
        assert agent.wait(30) == 0
    calls = [line["UniqueId"] for _, line in sent(service)]
    assert (len(calls), calls.index("999.0") < 250) == (401, True)


def test_after_an_accepted_event_the_pause_is_short_again(desk: Desk, service: Service) -> None:
    service.stop()
    desk.spool(*[event("start", f"{n}.0") for n in range(12)])
    with subprocess.Popen(desk.command("--interval", "0.05"), stderr=subprocess.DEVNULL) as agent:
        time.sleep(1.8)
        service.answer, service.special = Answer(b"", status=500), {"0.0": ACCEPTED, "1.0": ACCEPTED}
        service.start()
        wait_for(lambda: len(service.asked) >= 7, 5)
        service.answer, began = ACCEPTED, time.monotonic()
        wait_for(lambda: {line["UniqueId"] for _, line in sent(service)} >= {f"{n}.0" for n in range(12)}, 8)
        agent.terminate()
    assert time.monotonic() - began < 2.5


def wait_for(condition: Callable[[], bool], seconds: float) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.02)


def test_the_agent_is_python_of_an_old_pbx() -> None:
    ast.parse(AGENT.read_text(encoding="utf-8"), feature_version=(3, 7))


def test_what_a_power_cut_leaves_behind_hides_no_event(desk: Desk, service: Service) -> None:
    file = desk.spool(CALL[0])
    with file.open("ab") as handle:
        handle.write(b"\0" * 40 + json.dumps(CALL[1]).encode() + b'\n{"Event":"hang')
    assert desk.once().returncode == 0
    assert [kind for kind, _ in sent(service)] == ["start", "dial"]
    assert desk.refused() == []
    os.utime(file, (LONG_AGO, LONG_AGO))
    assert desk.once().returncode == 0
    assert [line["Event"] for line in desk.refused()] == ['{"Event":"hang']


def test_the_oldest_minutes_are_given_up_when_the_disk_is_full_and_it_says_so(settle: Settle, service: Service) -> None:
    service.stop()
    desk = settle(keep_mb="1")
    for minute in range(4):
        desk.spool(*[event("start", f"{minute}.{n}", Pad="x" * 400) for n in range(700)], minute=f"2026T{minute}")
    done = desk.once()
    assert sorted(file.name for file in desk.events.iterdir()) == ["2026T2.jsonl", "2026T3.jsonl"]
    assert "WARNING: the spool is full: events/2026T0.jsonl is given up" in done.stderr


def test_killed_at_any_moment_it_loses_nothing(desk: Desk, service: Service) -> None:
    rng = random.Random(7)
    service.answer = Answer(b"", status=202, hang=0.002)
    wanted = {(kind, f"{n}.0") for n in range(150) for kind in ("start", "dial", "hangup")}
    for n in range(150):
        desk.spool(*[event(kind, f"{n}.0") for kind in ("start", "dial", "hangup")], minute=f"2026T{n // 20:02}")
    kills = 0
    while subprocess_was_killed(desk, rng.uniform(0.05, 0.35)):
        kills += 1
        assert kills < 200
    got = [(kind, line["UniqueId"]) for kind, line in sent(service)]
    assert set(got) == wanted
    assert kills > 3
    assert in_order(got)


def subprocess_was_killed(desk: Desk, after: float) -> bool:
    process = subprocess.Popen(desk.command("--once"))
    try:
        assert process.wait(after) == 0
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return True
    return False


def in_order(got: list[tuple[str, str]]) -> bool:
    first = {pair: got.index(pair) for pair in got}
    calls = {call for _, call in got}
    return all(first["start", call] < first["dial", call] < first["hangup", call] for call in calls)
