"""The dialects are one dialplan in three spellings; these checks need no Asterisk."""

import re
from pathlib import Path

import pytest

INFRA = Path(__file__).parents[2] / "infra" / "asterisk"
CALLS = "common/smart_redirect_calls.conf"
CUSTOM = {version: f"asterisk{version}/extensions_custom.conf" for version in (12, 16, 22)}
ALL = [CALLS, *CUSTOM.values()]


def lines(name: str) -> list[str]:
    text = (INFRA / name).read_text(encoding="utf-8")
    return [line for line in text.splitlines() if line.strip() and not line.startswith(";")]


def contexts(name: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    steps: list[str] = []
    for line in lines(name):
        if line.startswith("["):
            steps = found[line] = []
        else:
            steps.append(line)
    return found


def as_gosub(line: str) -> str:
    line = re.sub(r"^\[macro-(\w+)\]", r"[\1]", line)
    line = re.sub(r"Macro\((\w+)\)", r"Gosub(\1,s,1)", line)
    line = re.sub(r"Macro\((\w+),(.*)\)$", r"Gosub(\1,s,1(\2))", line)
    line = line.replace("MacroExit()", "Return()").replace("${MACRO_CONTEXT}", "${STACK_PEEK(1,c)}")
    line = line.replace("M(incall_answer)", "U(incall_answer)")
    return re.sub(r"\bSIP/", "PJSIP/", line)


@pytest.mark.parametrize("name", ["extensions_custom.conf", "extensions.conf", "smart_redirect_hook.conf"])
def test_22_says_what_16_says_with_gosub(name: str) -> None:
    assert [as_gosub(line) for line in lines(f"asterisk16/{name}")] == lines(f"asterisk22/{name}")


def test_12_differs_from_16_only_in_how_it_asks_and_reads() -> None:
    old, new = contexts(CUSTOM[12]), contexts(CUSTOM[16])
    differing = {name for name in old | new if old.get(name) != new.get(name)}
    assert differing == {"[sr_ask_service]", "[sr_take_reply]"}


@pytest.mark.parametrize("name", [CALLS, CUSTOM[12]])
@pytest.mark.parametrize("word", ["httpheader", "failurecodes", "JSON_DECODE"])
def test_12_uses_nothing_that_it_has_not(name: str, word: str) -> None:
    assert not [line for line in lines(name) if word in line]


def test_what_runs_at_the_end_of_a_call_uses_no_macro() -> None:
    assert not [line for line in lines(CALLS) if "Macro(" in line]


@pytest.mark.parametrize("name", ALL)
def test_nothing_is_ever_handed_to_a_shell(name: str) -> None:
    words = r"\b(System|TrySystem|SHELL|AGI|EAGI|DeadAGI|ExternalIVR)\("
    assert not [line for line in lines(name) if re.search(words, line)]


@pytest.mark.parametrize("name", ALL)
def test_every_subroutine_returns(name: str) -> None:
    ends = {context: steps[-1] for context, steps in contexts(name).items()}
    assert not [context for context, last in ends.items() if not re.search(r",(Return|MacroExit)\(\)$", last)]


def test_every_subroutine_that_is_called_exists() -> None:
    for custom in CUSTOM.values():
        there = contexts(CALLS) | contexts(custom)
        called = {name for steps in there.values() for line in steps for name in re.findall(r"Gosub\((\w+),", line)}
        assert called <= {context.strip("[]") for context in there}
