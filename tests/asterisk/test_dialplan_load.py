"""Every golden, in the files of a real Asterisk: loads without a complaint, and what is loaded is what is in it."""

import re

import pytest

from smart_redirect.domain.dialplan.dialects import Shape
from tests.asterisk.conftest import GOSUB_22, MACRO_16, Install, on
from tests.asterisk.host import Host
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
    host: Host, installed: Install, case: Case, shape: Shape
) -> None:
    text = text_of(case, host, shape)
    log = installed(text)
    assert complaints(log) == []
    assert loaded(host) == set(SECTION.findall(text)) - NOT_CONTEXTS | of_our_files(host)


@on(MACRO_16, GOSUB_22)
def test_a_bad_line_would_have_been_seen(host: Host, installed: Install) -> None:
    good = text_of(CASES[-1], host, Shape.CLASSIC)
    bad = good.replace("[dialexecute]\n", "[dialexecute]\nexten => 1,nowhere\n", 1)
    assert bad != good
    assert complaints(installed(bad))
