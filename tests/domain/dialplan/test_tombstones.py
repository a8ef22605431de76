"""A context that is no more stays for the calls in it, and leads them on."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from smart_redirect.domain.dialplan.build import build
from smart_redirect.domain.dialplan.dialects import Dialect, Shape
from smart_redirect.domain.dialplan.findings import Kind
from smart_redirect.domain.dialplan.host import read_host
from smart_redirect.domain.dialplan.model import Line, Model
from smart_redirect.domain.dialplan.outline import outline
from smart_redirect.domain.dialplan.plan import Shelter, Tombstone
from smart_redirect.domain.dialplan.render import render
from smart_redirect.domain.dialplan.tombstones import Retired, retire, still_kept
from tests.domain.dialplan.contexts import sections
from tests.domain.dialplan.golden import FORMS
from tests.domain.dialplan.settings import dial, edge, findings, node, office, office_of, outgoing, scheme, steps

AT = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
SECOND = Line("0001364", True, "in-1")


def retired(before: Model, after: Model, at: datetime = AT) -> tuple[Retired, ...]:
    return retire(outline(build(before)), outline(build(after)), at)


def stones(after: Model, rows: tuple[Retired, ...]) -> tuple[Tombstone, ...]:
    return build(after, rows).tombstones


def body(text: str, context: str) -> list[str]:
    return text.partition(f"[{context}]\n")[2].partition("\n\n")[0].splitlines()


def test_a_shorter_chain_leaves_its_last_contexts() -> None:
    before, after = office_of(steps((1, ["150"]), (1, ["152"]))), office_of(steps((1, ["150"])))
    rows = retired(before, after)
    assert rows == (Retired("mngr31_0001363_2", AT, Shelter.FALLBACK, "0001363"),)
    fallback = build(after).pool.lines[0].fallback
    assert stones(after, rows) == (Tombstone("mngr31_0001363_2", Shelter.FALLBACK, fallback),)


def test_a_line_that_is_removed_leads_to_the_first_fallback_there_is() -> None:
    after = office()
    before = replace(after, lines=(*after.lines, SECOND))
    rows = retired(before, after)
    assert {row.line for row in rows} == {"0001364"}
    assert {each.fallback for each in stones(after, rows)} == {build(after).pool.lines[0].fallback}


def test_with_no_fallback_left_the_call_ends() -> None:
    rows = retired(office(), office(lines=[], schemes=[]))
    pooled = [each for each in stones(office(lines=[], schemes=[]), rows) if each.name.startswith("mngr")]
    assert {each.shelter for each in pooled} == {Shelter.HANGUP}


def test_a_node_that_is_removed_leads_back_to_the_line() -> None:
    longer = scheme([node("1", "custom"), dial("2", "150"), dial("3", "152")], [edge("1", "2"), edge("2", "3")])
    before, after = office(schemes=[longer, outgoing("0001363")]), office()
    (row,) = retired(before, after)
    assert (row.shelter, row.priorities) == (Shelter.LINE, 5)
    assert "Goto(from-out-office,${EXTEN},lines)" in render(build(after, [row]), *FORMS[0])


def test_an_outgoing_context_ends_the_call() -> None:
    rows = retired(office(), office(schemes=[scheme([node("1", "custom"), dial("2", "150")], [edge("1", "2")])]))
    assert {row.shelter for row in rows} == {Shelter.HANGUP}


def test_a_context_that_is_there_again_is_no_tombstone() -> None:
    before, between = office_of(steps((1, ["150"]), (1, ["152"]))), office_of(steps((1, ["150"])))
    assert stones(before, retired(before, between)) == ()


def test_a_host_that_jumps_from_the_first_release_to_the_third_finds_all_its_contexts() -> None:
    first = replace(office_of(steps((1, ["150"]), (1, ["152"]))), lines=(*office().lines, SECOND))
    second, third = replace(first, lines=office().lines), office()
    rows = retired(first, second) + retired(second, third, AT + HOUR)
    text = render(build(third, rows), Dialect.ASTERISK_16, Shape.CLASSIC)
    assert set(build(first).names()) <= set(sections(text))


@pytest.mark.parametrize("form", FORMS, ids="-".join)
def test_every_priority_of_the_old_context_leads_on(form: tuple[Dialect, Shape]) -> None:
    before, after = office_of(steps((1, ["150"]), (1, ["152"]))), office_of(steps((1, ["150"])))
    old = body(render(build(before), *form), "mngr31_0001363_2")
    new = body(render(build(after, retired(before, after)), *form), "mngr31_0001363_2")
    count = len([line for line in old if "=> h," not in line])
    assert [line.partition(",")[2].split("(")[0] for line in new[1:count]] == ["Goto"] * (count - 1)
    assert len([line for line in new if "=> h," not in line]) == count


@pytest.mark.parametrize("form", FORMS, ids="-".join)
def test_rings_have_the_same_priorities_whatever_they_ring(form: tuple[Dialect, Shape]) -> None:
    text = render(build(office_of(steps((1, ["150", "+375291112233"]), (1, ["152"])))), *form)
    lengths = {len(body(text, name)) for name in sections(text) if name.startswith("mngr")}
    assert len(lengths) == 1


def test_a_node_that_loses_its_phones_keeps_its_priorities() -> None:
    with_phones, without = (
        build(office(schemes=[scheme([node("1", "custom"), dial("2", *each)], [edge("1", "2")])]))
        for each in (["150"], [])
    )
    assert [each.priorities for each in outline(with_phones).contexts if "node" in each.origin] == [5]
    assert [each.priorities for each in outline(without).contexts if "node" in each.origin] == [5]


def test_the_shared_ring_stays_as_long_as_a_tombstone() -> None:
    off = office(lines=[{"id": "0001363", "in_scheme": "in-1"}])
    rows = retired(office(), off)
    assert "sr-ring" in sections(render(build(off, rows), Dialect.ASTERISK_22, Shape.COMPACT))
    assert "sr-ring" not in sections(render(build(off), Dialect.ASTERISK_22, Shape.COMPACT))


def test_in_a_block_tombstones_stand_between_the_markers() -> None:
    host = read_host("[from-out-office]\nexten => _X.,1,Goto(a,${EXTEN},1)\n[a]\n")
    row = Retired("mngr99_0001363_1", AT, Shelter.FALLBACK, "0001363")
    text = render(build(office(), [row], host), *FORMS[0])
    assert (text[:2], text[-2:]) == (";*", "*\n")
    assert body(text, "mngr99_0001363_1")[0] == "exten => _X.,1,Goto(a,${EXTEN},1)"


def test_a_host_that_goes_back_to_its_own_file_has_no_label_to_go_back_to() -> None:
    host = read_host("[from-out-office]\nexten => _X.,1,Goto(a,${EXTEN},1)\n[a]\n")
    row = Retired("0123abcd", AT, Shelter.LINE, priorities=5)
    assert build(office(), [row], host).tombstones == (Tombstone("0123abcd", Shelter.FALLBACK, "a", 5),)
    assert build(office(), [row]).tombstones == (Tombstone("0123abcd", Shelter.LINE, "", 5),)


def test_rows_are_kept_for_a_day_of_the_host() -> None:
    rows = tuple(Retired(f"mngr{hours}_0001363_1", AT - hours * HOUR, Shelter.HANGUP) for hours in (0, 23, 24, 25))
    assert still_kept(rows, AT) == rows[:2]


@pytest.mark.parametrize("name", ["a]\nexten => s,1,System(id)", "", "a b", "x" * 200])
def test_a_stored_name_that_cannot_be_written_is_refused(name: str) -> None:
    made = build(office(), [Retired(name, AT, Shelter.HANGUP, priorities=5)])
    assert made.tombstones == ()
    assert {each.kind for each in made.findings} == {Kind.UNSAFE_TEXT}
    assert findings(office()) == ()
