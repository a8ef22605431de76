"""The host agent on a real Asterisk: a release is loaded whole, or the one before it stays; and the service knows which."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from smart_redirect.domain.dialplan.dialects import Dialect, Shape
from smart_redirect.domain.dialplan.render import MARKER
from tests.asterisk.conftest import GOSUB_22, MACRO_16
from tests.asterisk.generated import FIRST, enterprise, text_for
from tests.asterisk.host import LINE, Host
from tests.asterisk.installing import MANAGER, Agent, free_tcp_port, sealed
from tests.asterisk.scenario import Caller, answering_phone
from tests.asterisk.service import Service
from tests.asterisk.sip import wait_until
from tests.fakes.release_service import ReleaseService

NEVER = 600_000
WITHOUT = {"id": 25}


@pytest.fixture
def callers() -> Iterator[Service]:
    service = Service().start()
    yield service
    service.stop()


@pytest.fixture(params=[MACRO_16, GOSUB_22], ids=["16", "22"])
def agent(request: pytest.FixtureRequest, tmp_path: Path, callers: Service) -> Iterator[Agent]:
    """A host that runs a file of its own, and an agent that has been allowed to replace it."""
    port = free_tcp_port()
    extra = {"manager.conf": MANAGER.format(port=port)}
    host = Host(*request.param, sipp=tmp_path / "sipp", api_url=callers.url, extra=extra).start()
    service = ReleaseService(dialect=Dialect(request.param[1].folder)).start()
    agent = Agent(host, service, port, tmp_path)
    agent.configure()
    yield agent
    service.stop()
    host.stop()


def first(agent: Agent) -> str:
    """Install a first release and return its text."""
    agent.service.text = text_for(agent.host, Shape.CLASSIC)
    done = agent.run("--adopt")
    assert (done.returncode, done.stderr.count("ERROR")) == (0, 0), done.stderr
    return agent.service.text


def second(agent: Agent) -> str:
    """Let the service want another release and return its text."""
    agent.service.text = text_for(agent.host, Shape.CLASSIC, enterprise(WITHOUT))
    return agent.service.text


def is_whole(agent: Agent, text: str) -> bool:
    """Tell whether this text is the file and is what Asterisk has loaded."""
    names = set(re.findall(r"^\[([^\]]+)\]", text, re.MULTILINE)) - {"general", "globals"}
    return agent.file.read_text() == text and names <= set(agent.loaded())


def told(agent: Agent) -> tuple[object, object]:
    """Return what the service was told last: the loaded release and the step that failed."""
    return agent.service.last["release"], agent.service.last["step"]


def test_a_release_is_installed_announced_and_reported(agent: Agent) -> None:
    text = first(agent)
    assert is_whole(agent, text)
    assert agent.service.announced == [agent.service.release]
    assert told(agent) == (agent.service.release, None)
    count = len([name for name in agent.loaded() if name.startswith("mngr")])
    assert (agent.service.last["contexts"]["count"], agent.service.last["error"]) == (count, None)
    assert agent.service.last["asterisk"].startswith(str(agent.host.release.major))


def test_a_file_of_somebody_else_is_replaced_only_when_told_and_kept(agent: Agent) -> None:
    own = agent.file.read_text()
    agent.service.text = text_for(agent.host, Shape.CLASSIC)
    assert agent.run().returncode == 1
    assert (agent.file.read_text(), agent.service.announced, told(agent)) == (own, [], (None, "adopt"))
    shown = agent.run("--dry-run").stdout
    assert "+[sr-release-" in shown
    assert agent.file.read_text() == own
    first(agent)
    assert (agent.state / "original.conf").read_text() == own


def test_what_has_not_changed_is_neither_sent_nor_loaded_again(agent: Agent) -> None:
    first(agent)
    announced = list(agent.service.announced)
    before = agent.file.stat().st_mtime_ns
    assert agent.run().returncode == 0
    assert (agent.service.not_modified, agent.service.announced) == (1, announced)
    assert agent.file.stat().st_mtime_ns == before
    assert told(agent) == (agent.service.release, None)


POINTS = (
    "fetched", "half-written:wanted.conf", "renamed:wanted.conf", "announced", "written:previous.conf",
    "renamed:previous.conf", "renamed:due.json", "half-written:extensions.conf", "written:extensions.conf",
    "renamed:extensions.conf", "reloaded", "renamed:loaded.json", "renamed:installed.json", "checked", "before-report",
)  # fmt: skip


def test_killed_at_any_step_the_dialplan_is_whole_and_the_next_run_ends_it(agent: Agent) -> None:
    texts = [first(agent), second(agent)]
    for number, point in enumerate(POINTS):
        old, new = texts[number % 2], texts[(number + 1) % 2]
        agent.service.text = new
        assert agent.run(crash_at=point).returncode == -9, point
        assert is_whole(agent, old) or agent.file.read_text() == new, point
        names = set(agent.loaded())
        assert {"from-out-office", "dialexecute", FIRST} <= names, point
        assert agent.run().returncode == 0, point
        assert is_whole(agent, new), point
        assert told(agent) == (agent.service.release, None), point


@pytest.mark.parametrize("damage", ["cut", "changed", "etag", "name", "gzip"])
def test_a_release_that_is_damaged_on_its_way_is_not_installed(agent: Agent, damage: str) -> None:
    text, loaded = first(agent), agent.service.release
    second(agent)
    agent.service.damage = damage
    assert agent.run().returncode == 1
    assert is_whole(agent, text)
    assert told(agent) in {(loaded, "verify"), (loaded, "download")}
    agent.service.damage = ""
    assert agent.run().returncode == 0
    assert is_whole(agent, agent.service.text or "")


def refused_text(agent: Agent) -> str:
    """A release with a context that Asterisk does not load under its name, which is too long for it."""
    text = text_for(agent.host, Shape.CLASSIC, enterprise(WITHOUT))
    head, marker, tail = text.partition(MARKER)
    broken = head + marker + f"[{'x' * 90}]\nexten => s,1,Hangup()\n" + tail
    return sealed(broken)


def test_a_release_that_asterisk_does_not_load_is_taken_back(agent: Agent) -> None:
    text, loaded = first(agent), agent.service.release
    agent.service.text = refused_text(agent)
    assert agent.run().returncode == 1
    assert is_whole(agent, text)
    assert told(agent) == (loaded, "check")
    assert "the file before it is loaded" in agent.service.last["error"]
    announced = len(agent.service.announced)
    assert agent.run().returncode == 1
    assert len(agent.service.announced) == announced
    assert told(agent) == (loaded, "check")


def test_a_release_whose_applications_asterisk_does_not_know_is_not_installed(agent: Agent) -> None:
    text = first(agent)
    other = text_for(agent.host, Shape.CLASSIC, enterprise(WITHOUT))
    agent.service.text = sealed(other.replace("Dial(", "Telephone(", 1))
    assert agent.run().returncode == 1
    assert is_whole(agent, text)
    assert told(agent)[1] == "check"
    assert "this Asterisk has no Telephone" in agent.service.last["error"]


def test_without_a_release_nothing_is_adopted_and_it_says_so(agent: Agent) -> None:
    before = agent.file.read_text()
    done = agent.run("--adopt")
    assert (done.returncode, "no release for this host yet" in done.stderr) == (1, True)
    assert agent.file.read_text() == before


@pytest.mark.parametrize("point", ["reloaded", "renamed:extensions.conf", "restored"])
def test_killed_while_taking_back_the_next_run_ends_it(agent: Agent, point: str) -> None:
    text = first(agent)
    agent.service.text = refused_text(agent)
    assert agent.run(crash_at=point).returncode == -9
    agent.run()
    assert is_whole(agent, text)
    assert f"{'x' * 79}" not in "".join(agent.loaded())


@pytest.mark.parametrize(("path", "step"), [("release", "download"), ("announce", "announce")])
def test_a_service_that_does_not_take_part_changes_nothing(agent: Agent, path: str, step: str) -> None:
    text, loaded = first(agent), agent.service.release
    second(agent)
    agent.service.refuses[path] = 503
    assert agent.run().returncode == 1
    assert (is_whole(agent, text), told(agent)) == (True, (loaded, step))


def test_a_service_that_is_down_changes_nothing_and_is_told_later(agent: Agent) -> None:
    text = first(agent)
    agent.service.stop()
    assert agent.run().returncode == 1
    assert is_whole(agent, text)
    agent.service.start()
    new = second(agent)
    assert agent.run().returncode == 0
    assert is_whole(agent, new)


def test_without_ami_the_console_is_used(agent: Agent) -> None:
    first(agent)
    agent.configure(ami_port="1")
    new = second(agent)
    assert agent.run().returncode == 0
    assert (is_whole(agent, new), told(agent)) == (True, (agent.service.release, None))


def test_without_ami_and_console_the_file_is_not_touched(agent: Agent) -> None:
    text, loaded = first(agent), agent.service.release
    agent.configure(ami_port="1", console="/bin/false")
    second(agent)
    assert agent.run().returncode == 1
    assert (is_whole(agent, text), told(agent)) == (True, (loaded, "reload"))
    assert "Asterisk does not answer" in agent.service.last["error"]


def test_a_full_disk_changes_nothing(agent: Agent) -> None:
    text, loaded = first(agent), agent.service.release
    second(agent)
    done = agent.run(most_bytes=4_000)
    assert done.returncode == 1
    assert is_whole(agent, text)
    assert told(agent)[0] == loaded
    assert agent.run().returncode == 0


def test_a_file_that_was_changed_by_hand_is_put_right(agent: Agent) -> None:
    text = first(agent)
    agent.file.write_text(text.replace("Answer()", "NoOp()"))
    assert agent.run().returncode == 0
    assert is_whole(agent, text)


def test_what_somebody_loaded_by_hand_is_noticed_and_reported(agent: Agent) -> None:
    text = first(agent)
    count = agent.service.last["contexts"]["count"]
    agent.service.stop()
    agent.file.write_text("[from-out-office]\nexten => _X.,1,Hangup()\n")
    agent.host.cli("dialplan reload")
    agent.service.start()
    agent.service.refuses["announce"] = 503
    assert agent.run().returncode == 1
    assert (agent.service.last["release"], agent.service.last["contexts"]["count"]) == (None, 0)
    agent.service.refuses.clear()
    assert agent.run().returncode == 0
    assert (is_whole(agent, text), agent.service.last["contexts"]["count"]) == (True, count)


def test_rollback_loads_the_file_before_and_stays_there(agent: Agent) -> None:
    text, earlier = first(agent), agent.service.release
    second(agent)
    agent.run()
    assert agent.run(command="rollback").returncode == 0
    assert (is_whole(agent, text), told(agent)) == (True, (earlier, "held"))
    assert agent.run().returncode == 1
    assert (is_whole(agent, text), told(agent)) == (True, (earlier, "held"))
    assert agent.run("--end", command="rollback").returncode == 0
    assert agent.run().returncode == 0
    assert is_whole(agent, agent.service.text or "")


def test_a_context_that_a_call_is_in_does_not_go(agent: Agent, callers: Service) -> None:
    text = first(agent)
    callers.says("", FIRST)
    phone = agent.host.phone("150", answering_phone(NEVER))
    agent.host.call(Caller(LINE, hangs_up_ms=4000))
    phone.wait_for("INVITE")
    agent.service.text = text_for(agent.host, Shape.CLASSIC, enterprise(lines=[{"id": LINE, "in_scheme": "in-1"}]))
    assert agent.run().returncode == 1
    assert (is_whole(agent, text), agent.service.last["pool_busy"]) == (True, True)
    wait_until(lambda: "0 active channels" in agent.host.cli("core show channels count"), 15, "the end of the call")
    assert agent.run().returncode == 0
    assert not [name for name in agent.loaded() if name.startswith(f"mngr31_{LINE}")]


def test_a_change_of_shape_waits_for_the_end_of_calls(agent: Agent, callers: Service) -> None:
    text = first(agent)
    callers.says("", FIRST)
    phone = agent.host.phone("150", answering_phone(NEVER))
    agent.host.call(Caller(LINE, hangs_up_ms=3000))
    phone.wait_for("INVITE")
    agent.service.text, agent.service.shape = text_for(agent.host, Shape.COMPACT), "compact"
    assert agent.run().returncode == 1
    assert (is_whole(agent, text), agent.service.last["pool_busy"]) == (True, True)
    wait_until(lambda: "0 active channels" in agent.host.cli("core show channels count"), 15, "the end of the call")
    assert agent.run().returncode == 0
    assert is_whole(agent, agent.service.text)


def test_the_service_loop_installs_what_changes_and_survives_a_restart_of_asterisk(agent: Agent) -> None:
    first(agent)
    process = agent.loop()
    try:
        second(agent)
        agent.wait_for(agent.service.release)
        agent.host.restart()
        agent.service.text = text_for(agent.host, Shape.CLASSIC)
        agent.wait_for(agent.service.release)
    finally:
        process.terminate()
        process.communicate(timeout=10)


def test_check_says_what_to_put_right(agent: Agent) -> None:
    first(agent)
    well = agent.run(command="check")
    assert (well.returncode, well.stdout.count(" ok\n")) == (0, 7), well.stdout
    agent.configure(ami_secret="wrong")
    agent.service.refuses["release"] = 401
    (agent.file.parent / "extensions_custom.conf").rename(agent.file.parent / "moved")
    ill = agent.run(command="check")
    assert ill.returncode == 1
    for said in ("smart-redirect host key", "manager.conf", "not there: extensions_custom.conf"):
        assert said in ill.stdout
