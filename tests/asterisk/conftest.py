"""One Asterisk 16 (and one 22) a session, a scripted service beside it, and a clean table for every test."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from smart_redirect.domain.dialplan.render import release_name
from tests.asterisk.chroot import ASTERISK_16, ASTERISK_22, Release, why_not
from tests.asterisk.host import Dialect, Host
from tests.asterisk.service import Answer, Service
from tests.asterisk.sip import wait_until

HOW = "`make test-asterisk` as root after `apt-get install debootstrap sip-tester`"
MACRO_16 = (ASTERISK_16, Dialect("asterisk16", "asterisk16"))
# There is no Debian with 12.8: its dialect, which uses nothing newer, is run on 16.
MACRO_12 = (ASTERISK_16, Dialect("asterisk12", "asterisk16"))
GOSUB_22 = (ASTERISK_22, Dialect("asterisk22", "asterisk22", pjsip=True))
Kind = tuple[Release, Dialect]
Hosts = dict[Kind, tuple[Host, Service]]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All of this folder is marked, and is skipped as one where it cannot run."""
    reason = why_not()
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker("asterisk")
            if reason is not None:
                item.add_marker(pytest.mark.skip(reason=f"real Asterisk {reason}"))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """One line for all of them, also where skips are only counted."""
    reason = why_not()
    if reason is not None:
        terminalreporter.write_line(f"The tests on a real Asterisk were skipped: this {reason}. To run them: {HOW}.")


@pytest.fixture(scope="session")
def hosts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hosts]:
    """The hosts that some test has asked for so far."""
    started: Hosts = {}
    yield started
    for host, service in started.values():
        host.stop()
        service.stop()


def ready(hosts: Hosts, kind: Kind, tmp_path_factory: pytest.TempPathFactory) -> tuple[Host, Service]:
    if kind not in hosts:
        service = Service().start()
        folder = tmp_path_factory.mktemp(kind[1].folder)
        hosts[kind] = (Host(*kind, sipp=folder, api_url=service.url).start(), service)
    host, service = hosts[kind]
    service.stop()
    service.start()
    service.answer = Answer()
    service.special.clear()
    service.asked.clear()
    host.reset()
    return host, service


@pytest.fixture(params=[MACRO_16], ids=["16"])
def bench(
    request: pytest.FixtureRequest, hosts: Hosts, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Host, Service]:
    """A host and its service; a module asks for other kinds with `on`."""
    return ready(hosts, request.param, tmp_path_factory)


def on(*kinds: Kind) -> pytest.MarkDecorator:
    """Run a test on these kinds of host."""
    return pytest.mark.parametrize("bench", kinds, ids=[kind[1].folder for kind in kinds], indirect=True)


@pytest.fixture
def host(bench: tuple[Host, Service]) -> Host:
    return bench[0]


@pytest.fixture
def service(bench: tuple[Host, Service]) -> Service:
    return bench[1]


Variant = Callable[..., Host]


@pytest.fixture
def variant(tmp_path: Path) -> Iterator[Variant]:
    """A host of its own for a test that changes files of the configuration: variant(service, name=text, ...)."""
    started: list[Host] = []

    def start(service: Service, kind: Kind = MACRO_16, **files: str) -> Host:
        extra = {f"{name}.conf": text for name, text in files.items()}
        started.append(Host(*kind, sipp=tmp_path / "sipp", api_url=service.url, extra=extra).start())
        return started[-1]

    yield start
    for host in started:
        host.stop()


@pytest.fixture
def own_service() -> Iterator[Service]:
    service = Service().start()
    yield service
    service.stop()


Install = Callable[[str], str]


@pytest.fixture
def installed(host: Host) -> Iterator[Install]:
    """Installs a text as extensions.conf, reloads, and returns what Asterisk logged since the test began."""
    file = host.path / "etc/extensions.conf"
    before = file.read_text()

    def install(text: str) -> str:
        name = f"sr-release-{release_name(text)}"
        file.write_text(text)
        host.cli("dialplan reload")
        wait_until(lambda: f"Context '{name}'" in host.cli(f"dialplan show {name}"), 10, name)
        return host.console()

    yield install
    host.reset()
    file.write_text(before)
    host.cli("dialplan reload")
