"""What a release changes is said in an operator's words."""

from dataclasses import replace

from smart_redirect.domain.dialplan.build import build
from smart_redirect.domain.dialplan.diff import SHOWN, diff
from smart_redirect.domain.dialplan.host import read_host
from smart_redirect.domain.dialplan.model import Extension, Line, Model
from smart_redirect.domain.dialplan.outline import Outline, outline
from tests.domain.dialplan.settings import dial, edge, node, office, office_of, outgoing, scheme, steps

LINES = [{"id": each, "enabled": True, "in_scheme": "in-1"} for each in ("0001363", "0001364", "0001365")]


def made(model: Model) -> Outline:
    return outline(build(model))


def change(before: Model, after: Model) -> tuple[str, ...]:
    return diff(made(before), made(after))


def test_nothing_changed() -> None:
    assert change(office(), office()) == ()


def test_the_first_release_counts() -> None:
    assert diff(None, made(office())) == ("first release: 7 contexts, 1 line with Smart Redirect",)


def test_a_new_extension_comes_with_contexts_on_every_line() -> None:
    before = office(lines=LINES, schemes=[scheme([node("1", "custom"), dial("2", "150")], [edge("1", "2")])])
    more = replace(before, extensions=(*before.extensions, Extension(34, "154")))
    assert change(before, more) == ("+3 contexts for extension 154", "changed [dialexecute]: internal calls")
    assert change(more, before)[0] == "−3 contexts for extension 154"


def test_a_longer_chain_is_told_in_seconds() -> None:
    before, after = office_of(steps((2, ["150"]))), office_of(steps((6, ["150"])))
    assert change(before, after) == ("chain of 150 longer by 20 s",)
    assert change(after, before) == ("chain of 150 shorter by 20 s",)


def test_a_step_more_is_contexts_and_seconds() -> None:
    before, after = office_of(steps((1, ["150"]))), office_of(steps((1, ["150"]), (2, ["152"])))
    assert change(before, after) == ("+1 context for extension 150", "chain of 150 longer by 10 s")


def test_who_rings_is_told_with_who_is_credited() -> None:
    before, after = office_of(steps((1, ["150"]))), office_of(steps((1, ["152", "+375291112233"])))
    assert change(before, after)[0].startswith("step 1 of 150 rings 152, 375291112233 by [")
    assert change(before, after)[1] == "step 1 of 150 is credited to 152 instead of 150"


def test_seconds_that_only_moved_are_told() -> None:
    before, after = office_of(steps((1, ["150"]), (2, ["152"]))), office_of(steps((2, ["150"]), (1, ["152"])))
    assert change(before, after) == ("steps of 150 ring 10/5 s instead of 5/10 s",)


def test_a_line_comes_and_goes_with_its_contexts() -> None:
    before = office()
    after = replace(before, lines=(*before.lines, Line("0001364", True, "in-1")))
    assert change(before, after)[0].startswith("+2 contexts for line 0001364, falling back to [")
    assert change(after, before)[0] == "−2 contexts for line 0001364"


def test_another_fallback_is_told() -> None:
    office_rows, shop_rows = (
        read_host(f"[from-out-office]\nexten => _X.,1,Goto({to},${{EXTEN}},1)\n[{to}]\n") for to in ("office", "shop")
    )
    before, after = (outline(build(office(), host=host)) for host in (office_rows, shop_rows))
    assert diff(before, after) == ("line 0001363 falls back to [shop] instead of [office]",)


def test_a_follow_me_number_comes_with_its_chain() -> None:
    before = office_of(steps((1, ["150"]), (1, ["152"])))
    after = office_of({"follow_me_number": "255", **steps((1, ["150"]), (1, ["152"]))})
    assert change(before, after)[0] == "+2 contexts for follow-me number 255"


def test_another_follow_me_number_is_told() -> None:
    before, after = (office_of({"follow_me_number": each, **steps((1, ["150"]))}) for each in ("255", "256"))
    assert change(before, after)[0] == "follow-me number of user 25 is 256 instead of 255"


def test_nodes_of_a_scheme_come_and_change() -> None:
    before = office()
    longer = scheme([node("1", "custom"), dial("2", "150"), dial("3", "152")], [edge("1", "2"), edge("2", "3")])
    told = change(before, office(schemes=[longer, outgoing("0001363")]))
    assert {each.split("[")[0] for each in told} == {"changed ", "+1 context "}
    assert any(each.endswith("scheme 'Office', node '3' (dial)") for each in told)


def test_from_whole_file_to_block_is_told() -> None:
    host = read_host("[from-out-office]\nexten => _X.,1,Goto(a,${EXTEN},1)\n[a]\n")
    assert diff(made(office()), outline(build(office(), host=host)))[0] == "now only the block between the markers"


def test_of_a_big_change_the_counts_come_first() -> None:
    before = office()
    many = tuple(Extension(100 + each, str(300 + each)) for each in range(1_500))
    told = change(before, replace(before, extensions=(*before.extensions, *many)))
    assert told[0] == "+1,500 −0 contexts, 1,507 in all"
    assert len(told) == SHOWN + 2
    assert told[-1] == f"… and {1_501 - SHOWN:,} more changes"
