"""Where a host's own [from-out-office] sends the calls of each line is read in the forms that hosts have."""

import time
from pathlib import Path

import pytest

from smart_redirect.domain.dialplan.build import build
from smart_redirect.domain.dialplan.dialects import Dialect, Shape
from smart_redirect.domain.dialplan.host import read_host
from smart_redirect.domain.dialplan.pool import Fallbacks
from smart_redirect.domain.dialplan.render import render
from tests.domain.dialplan.contexts import sections
from tests.domain.dialplan.settings import office_of, outgoing, steps

LINES = ("0001363", "0001364")
INFRA = Path(__file__).parents[3] / "infra" / "asterisk"


def fallbacks(*transitions: str, contexts: str = "office shop line_0001363") -> Fallbacks:
    head = "[from-out-office]\nexten => _X.,1,Answer()\n"
    rest = "".join(f"[{name}]\nexten => _X.,1,Hangup()\n" for name in contexts.split())
    return read_host(head + "".join(f"{line}\n" for line in transitions) + rest).fallbacks(LINES)


@pytest.mark.parametrize(
    "form",
    [
        ' same => n,GotoIf($["${EXTEN}" = "0001363"]?office,${EXTEN},1)',
        ' same => n,GotoIf($["${INCALL}" = "0001363"]?office,${INCALL},1)',
        " same => n,GotoIf($[${EXTEN} = 0001363]?office,${EXTEN},1)",
        ' same=n,GotoIf( $["${EXTEN}"=="0001363"]?office,${EXTEN},1:shop,${EXTEN},1)'.replace("( $", "($"),
        ' same => n,GotoIf($["x${EXTEN}" = "x0001363"]?office,${EXTEN},1)',
        ' same => n,GotoIf($["${EXTEN}" = "0001399" | "${EXTEN}" = "0001363"]?office,${EXTEN},1)',
        "exten => 0001363,2,Goto(office,${EXTEN},1)",
        "exten => 0001363,n,Goto(office, ${EXTEN}, 1) ; the office",
    ],
)
def test_a_jump_of_one_line_is_that_line_s(form: str) -> None:
    assert fallbacks(form).by_line == {"0001363": "office"}


def test_a_jump_for_all_lines_is_every_line_s() -> None:
    assert fallbacks(" same => n,Goto(office,${EXTEN},1)").by_line == dict.fromkeys(LINES, "office")


def test_a_jump_of_the_line_wins_over_one_for_all() -> None:
    found = fallbacks(
        " same => n,Goto(office,${EXTEN},1)", ' same => n,GotoIf($["${EXTEN}" = "0001364"]?shop,${EXTEN},1)'
    )
    assert found.by_line == {"0001363": "office", "0001364": "shop"}


def test_a_name_made_of_the_line_is_filled_in() -> None:
    assert fallbacks(" same => n,Goto(line_${INCALL},${EXTEN},1)").by_line == {"0001363": "line_0001363"}


def test_the_first_available_is_the_first_of_the_file() -> None:
    found = fallbacks(' same => n,GotoIf($["${EXTEN}" = "0001399"]?shop,${EXTEN},1)', contexts="shop")
    assert (found.by_line, found.first) == ({}, "shop")
    assert found.of("0001363") == "shop"


def test_a_jump_to_a_context_that_is_not_there_is_none() -> None:
    assert fallbacks(" same => n,Goto(gone,${EXTEN},1)") == Fallbacks({}, None)


@pytest.mark.parametrize(
    "line",
    [
        ';same => n,GotoIf($["${EXTEN}" = "0001363"]?office,${EXTEN},1)',
        ";--\n same => n,Goto(office,${EXTEN},1)\n--;",
        ' same => n,GotoIf($["${NEXT}" != ""]?${NEXT},${INCALL},1)',
        ' same => n,GotoIf($["${CALLERID(num)}" = "0001363"]?office,${EXTEN},1)',
        " same => n,GotoIfTime(09:00-18:00,*,*,*?office,${EXTEN},1)",
    ],
)
def test_what_is_no_jump_of_a_line_is_not_taken_for_one(line: str) -> None:
    assert fallbacks(line) == Fallbacks({}, None)


def test_contexts_are_read_from_included_files_too() -> None:
    main = "[from-out-office]\nexten => _X.,1,Goto(office,${EXTEN},1)\n"
    assert read_host(main).fallbacks(LINES).by_line == {}
    assert read_host(main, "[office](!,base)\nexten => _X.,1,Hangup()\n").fallbacks(LINES).first == "office"


def test_what_is_between_our_markers_is_not_the_host_s() -> None:
    marker = ";******************************Smart Redirection******************************************\n"
    own = "[from-out-office]\nexten => _X.,1,Goto(office,${EXTEN},1)\n[office]\n"
    read = read_host(f"{own}{marker}[mngr31_0001363_1]\nexten => _X.,1,Goto(office,${{EXTEN}},1)\n{marker}[shop]\n")
    assert read.contexts == {"from-out-office", "office", "shop"}


@pytest.mark.parametrize(
    ("application", "missing"),
    [
        ("Macro(gone)", "macro-gone"),
        ("Macro(gone,${EXTEN},1)", "macro-gone"),
        ("Gosub(gone,s,1(a))", "gone"),
        ('GosubIf($["${A}" = "1"]?gone,s,1)', "gone"),
        ('ExecIf($["${A}" = "1"]?Gosub(gone,s,1))', "gone"),
        ("Dial(SIP/150,30,tTM(gone)m)", "macro-gone"),
        ("Dial(PJSIP/150,30,U(gone^1))", "gone"),
    ],
)
def test_a_routine_that_no_file_of_the_host_defines_is_told(application: str, missing: str) -> None:
    host = read_host(f"[office]\nexten => _X.,1,{application}\n")
    assert host.missing == (("office", missing),)
    assert [each.row for each in build(office_of({}), host=host).findings if "calls" in each.text] == [
        "context [office]"
    ]
    assert read_host(f"[office]\nexten => _X.,1,{application}\n", f"[{missing}]\n").missing == ()


@pytest.mark.parametrize(
    "application", ["Gosub(label)", "Gosub(s,label)", "Gosub(${X},s,1)", "Set(NUM(x)=1)", "NoOp(M(x))"]
)
def test_what_calls_no_routine_by_name_is_not_told(application: str) -> None:
    assert read_host(f"[office]\nexten => _X.,1,{application}\n").missing == ()


@pytest.mark.parametrize("folder", ["asterisk12", "asterisk16", "asterisk22"])
def test_the_files_that_we_ship_call_nothing_that_is_not_there(folder: str) -> None:
    files = (INFRA / folder / "extensions_custom.conf", INFRA / "common" / "smart_redirect_calls.conf")
    assert read_host(*(file.read_text() for file in files)).missing == ()


def test_a_file_that_is_made_to_be_slow_is_not() -> None:
    began = time.process_time()
    read_host(";--" * 200_000, "[a]\n" + "exten =>" + " " * 200_000 + "\n", "same => " + "," * 200_000)
    assert time.process_time() - began < 2


def body(text: str, name: str) -> str:
    """The lines of a context, up to the next empty line or comment."""
    return text.partition(f"\n[{name}]\n")[2].partition("\n\n")[0].partition("\n;")[0]


@pytest.mark.parametrize("dialect", Dialect)
def test_the_block_for_the_sample_host_is_the_one_that_stands_in_it(dialect: Dialect) -> None:
    """The sample is written by hand, and proved by calls in tests/asterisk."""
    sample = (INFRA / dialect / "extensions.conf").read_text()
    numbers = {31: ("150", 25), 32: ("152", 27), 33: ("151", 25)}
    extensions = [{"internal_id": n, "number": a, "user_id": b, "out_scheme": "out-1"} for n, (a, b) in numbers.items()]
    chain = steps((1, ["150", "151"]), (1, ["151", "+375291112233"]))
    model = office_of(chain, extensions=extensions, schemes=[{**outgoing("0001363"), "context": "out-25"}])
    text = render(build(model, host=read_host(sample)), dialect, Shape.CLASSIC)
    names = [name for name in sections(sample) if name.startswith("mngr3")]
    assert {name: body(text, name) for name in names} == {name: body(sample, name) for name in names}
    assert len(names) == 3
