"""Every golden, in the files of a real Asterisk: loads without a complaint, and what is loaded is what is in it."""

import re
from collections.abc import Callable, Iterator

import pytest

from smart_redirect.domain.dialplan.dialects import Shape
from smart_redirect.domain.dialplan.render import release_name
from tests.asterisk.conftest import GOSUB_22, MACRO_16, on
from tests.asterisk.host import Host
from tests.asterisk.sip import wait_until
from tests.domain.dialplan.golden import CASES, Case

SECTION = re.compile(r"^\[([^\]]+)\]", re.MULTILINE)
NOT_CONTEXTS = {"general", "globals"}
LOADED = re.compile(r"Context '([^']+)' created by 'pbx_config'")


def text_of(case: Case, host: Host, shape: Shape) -> str:
    """The golden as a host has it: a block stands in the host's own file, which has the dialect's words."""
    text = (case.folder / f"{host.dialect.folder}-{shape}.conf").read_text()
    own = case.folder / "host.conf"
    if not own.exists():
        return text
    kept = own.read_text()
    if host.dialect.pjsip:
        kept = kept.replace("Macro(incall_end)", "Gosub(incall_end,s,1)").replace("SIP/", "PJSIP/")
        kept = re.sub(r"Macro\(getcustomerdata[^\n]*", "Gosub(getcustomerdata,s,1)", kept)
    return kept + "\n" + text


@pytest.fixture
def reloaded(host: Host) -> Iterator[Callable[[str], str]]:
    """Installs a text as extensions.conf, reloads, and returns what Asterisk logged meanwhile."""
    file = host.path / "etc/extensions.conf"
    before = file.read_text()

    def install(text: str) -> str:
        host.reset()
        file.write_text(text)
        host.cli("dialplan reload")
        name = release_name(text)
        wait_until(lambda: f"sr-release-{name}" in host.cli(f"dialplan show sr-release-{name}"), 10, "the release")
        return host.console()

    yield install
    file.write_text(before)
    host.cli("dialplan reload")


def complaints(log: str) -> list[str]:
    return [line for line in log.splitlines() if "WARNING" in line or "ERROR" in line]


def loaded(host: Host) -> set[str]:
    return set(LOADED.findall(host.cli("dialplan show")))


def of_our_files(host: Host) -> set[str]:
    files = ("extensions_custom.conf", "smart_redirect_calls.conf")
    return {name for file in files for name in SECTION.findall((host.path / "etc" / file).read_text())}


@on(MACRO_16, GOSUB_22)
@pytest.mark.parametrize("shape", Shape)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_golden_loads_without_a_complaint_and_exactly_its_contexts(
    host: Host, reloaded: Callable[[str], str], case: Case, shape: Shape
) -> None:
    text = text_of(case, host, shape)
    log = reloaded(text)
    assert complaints(log) == []
    assert loaded(host) == set(SECTION.findall(text)) - NOT_CONTEXTS | of_our_files(host)


@on(MACRO_16, GOSUB_22)
def test_a_bad_line_would_have_been_seen(host: Host, reloaded: Callable[[str], str]) -> None:
    text = text_of(CASES[0], host, Shape.CLASSIC)
    assert complaints(reloaded(text.replace("[dialexecute]", "[dialexecute]\nexten => 1,nowhere", 1)))
