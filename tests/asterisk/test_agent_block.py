"""The agent on a host that keeps its own extensions.conf: not a byte outside of the markers is touched."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from smart_redirect.domain.dialplan.build import build
from smart_redirect.domain.dialplan.dialects import Dialect, Shape
from smart_redirect.domain.dialplan.host import read_host
from smart_redirect.domain.dialplan.model import Model
from smart_redirect.domain.dialplan.render import MARKER, render
from tests.asterisk.conftest import GOSUB_22, MACRO_16
from tests.asterisk.generated import FIRST, PLAIN, enterprise, shortened
from tests.asterisk.host import INFRA, LINE, Host
from tests.asterisk.installing import MANAGER, Agent, free_tcp_port
from tests.asterisk.scenario import Caller, answering_phone
from tests.asterisk.service import Service
from tests.fakes.release_service import ReleaseService


@pytest.fixture
def callers() -> Iterator[Service]:
    service = Service().start()
    yield service
    service.stop()


@pytest.fixture(params=[MACRO_16, GOSUB_22], ids=["16", "22"])
def agent(request: pytest.FixtureRequest, tmp_path: Path, callers: Service) -> Iterator[Agent]:
    """A host with the sample file of infra/asterisk: its own contexts, and a block between two markers."""
    port = free_tcp_port()
    extra = {"manager.conf": MANAGER.format(port=port)}
    host = Host(*request.param, sipp=tmp_path / "sipp", api_url=callers.url, extra=extra).start()
    service = ReleaseService(dialect=Dialect(request.param[1].folder)).start()
    agent = Agent(host, service, port, tmp_path)
    agent.configure()
    yield agent
    service.stop()
    host.stop()


def outside(agent: Agent) -> tuple[bytes, bytes]:
    """Return the bytes before the first marker line and after the second."""
    before, _, rest = agent.file.read_bytes().partition(MARKER.encode())
    return before, rest.rpartition(MARKER.encode())[2]


def block(agent: Agent, model: Model) -> str:
    """What the service makes of the host's own files, as the agent sent them."""
    own = read_host(*(text for _, text in agent.service.files))
    made = shortened(build(model, (), own), 2)
    return render(made, Dialect(agent.service.dialect), Shape.CLASSIC)


def sent(agent: Agent) -> None:
    """Let the agent send the host's own files."""
    assert agent.run().returncode == 0
    assert agent.service.files


def test_the_host_s_own_files_are_sent_without_the_block_and_only_when_they_changed(agent: Agent) -> None:
    sent(agent)
    names = [name for name, _ in agent.service.files]
    assert names[0] == "extensions.conf"
    assert {"extensions_custom.conf", "smart_redirect_globals.conf"} <= set(names)
    assert MARKER.strip() not in agent.service.files[0][1]
    reports = len(agent.service.reports)
    agent.service.files_sent = 0
    agent.run()
    assert (len(agent.service.reports), agent.service.files_sent) == (reports + 1, 0)


def test_the_block_is_installed_and_nothing_outside_of_it_changes(agent: Agent, callers: Service) -> None:
    sent(agent)
    before = outside(agent)
    agent.service.text = block(agent, enterprise())
    assert agent.run().returncode == 0, agent.service.last
    assert outside(agent) == before
    assert agent.runs(agent.service.release)
    callers.says("", FIRST)
    agent.host.phone("150", answering_phone(100))
    agent.host.call(Caller(LINE, hangs_up_ms=1500))
    assert agent.host.hangup_event()["Extensions"] == "150"


def test_line_ends_and_bytes_that_are_no_text_stay_as_they_are(agent: Agent) -> None:
    own = agent.file.read_bytes().replace(
        b"; The line's own scheme", b"; \xcf\xf0\xe8\xb8\xec\xed\xe0\xff\r\n; and so on"
    )
    agent.file.write_bytes(own)
    sent(agent)
    before = outside(agent)
    agent.service.text = block(agent, enterprise())
    assert agent.run().returncode == 0
    assert outside(agent) == before
    assert b"\xcf\xf0\xe8\xb8\xec\xed\xe0\xff\r\n" in before[0]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (MARKER, "", "0 of the 2 marker lines"),
        (MARKER, MARKER + MARKER, "4 of the 2 marker lines"),
        ("@end", "exten => _X.,1,Hangup()\n", "no [section]"),
    ],
)
def test_a_file_without_two_markers_before_a_section_is_refused(agent: Agent, old: str, new: str, said: str) -> None:
    sent(agent)
    agent.service.text = block(agent, enterprise())
    text = agent.file.read_text()
    agent.file.write_text(text + new if old == "@end" else text.replace(old, new))
    before = agent.file.read_bytes()
    assert agent.run().returncode == 1
    assert agent.file.read_bytes() == before
    assert (agent.service.last["step"], said in agent.service.last["error"]) == ("write", True)


def test_a_change_of_the_host_s_own_file_is_sent_and_survives_the_next_release(agent: Agent) -> None:
    sent(agent)
    agent.service.text = block(agent, enterprise())
    agent.run()
    agent.file.write_text(agent.file.read_text().replace("[line_0001363]", "; moved\n[line_0001363]"))
    agent.run()
    assert "; moved" in agent.service.files[0][1]
    agent.service.text = block(agent, enterprise(PLAIN))
    assert agent.run().returncode == 0
    assert "; moved" in agent.file.read_text()


@pytest.mark.parametrize("point", ["half-written:extensions.conf", "renamed:extensions.conf", "reloaded"])
def test_killed_the_host_s_own_part_is_whole(agent: Agent, point: str) -> None:
    sent(agent)
    before = outside(agent)
    agent.service.text = block(agent, enterprise())
    assert agent.run(crash_at=point).returncode == -9
    assert outside(agent) == before
    assert agent.run().returncode == 0
    assert (outside(agent), agent.runs(agent.service.release)) == (before, True)


def test_the_sample_files_have_the_markers() -> None:
    for folder in ("asterisk16", "asterisk22"):
        assert (INFRA / folder / "extensions.conf").read_text().count(MARKER) == 2
