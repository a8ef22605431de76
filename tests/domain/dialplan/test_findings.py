"""What the settings get wrong is found, and the row is named that has to be put right."""

from dataclasses import replace
from pathlib import Path

import pytest

from smart_redirect.domain.dialplan.build import build
from smart_redirect.domain.dialplan.dialects import Dialect, Shape
from smart_redirect.domain.dialplan.findings import Finding, Kind, Severity
from smart_redirect.domain.dialplan.host import read_host
from smart_redirect.domain.dialplan.model import Model
from smart_redirect.domain.dialplan.plan import Pool
from smart_redirect.domain.dialplan.steps import Outside, Ring
from smart_redirect.domain.dialplan.validate import shipped_targets, validate
from tests.domain.dialplan.contexts import sections
from tests.domain.dialplan.settings import (
    dial,
    edge,
    findings,
    node,
    of_plan,
    office,
    office_of,
    outgoing,
    scheme,
    steps,
)

INFRA = Path(__file__).parents[3] / "infra" / "asterisk"
BAD_LINE = "0001363\nexten => s,1,System(id)"


def only(found: tuple[Finding, ...]) -> tuple[Severity, Kind, str]:
    assert len(found) == 1, found
    return found[0].severity, found[0].kind, found[0].row


def dials(*phones: str, **more: object) -> list[dict[str, object]]:
    return [scheme([node("1", "custom"), dial("2", *phones)], [edge("1", "2")], **more)]


def test_sound_settings_have_no_findings() -> None:
    assert findings(office()) == ()


CASES: dict[str, tuple[Model, tuple[Severity, Kind, str]]] = {
    "a step with nothing to ring": (
        office_of(steps((1, ["150"]), (1, []))),
        (Severity.WARNING, Kind.NOTHING_TO_RING, "user 25, follow-me step 2"),
    ),
    "an extension of another enterprise in a step": (
        office_of(steps((1, ["150", "999"]))),
        (Severity.ERROR, Kind.FOREIGN_EXTENSION, "user 25, follow-me step 1"),
    ),
    "an extension of another enterprise in a scheme": (
        office(schemes=dials("150", "999")),
        (Severity.ERROR, Kind.FOREIGN_EXTENSION, "scheme 'Office', node '2' (dial)"),
    ),
    "an extension of another enterprise in a department": (
        office(departments=[{"id": 4, "number": "200", "members": [31, 99]}]),
        (Severity.ERROR, Kind.FOREIGN_EXTENSION, "department 4"),
    ),
    "a follow-me that rings itself": (
        office_of({"follow_me_number": "255", **steps((1, ["150", "255"]))}),
        (Severity.ERROR, Kind.RINGS_ITSELF, "user 25, follow-me step 1"),
    ),
    "a follow-me that rings one of our own lines": (
        office_of(steps((1, ["150", "8 (017) 200-11-22"]))),
        (Severity.ERROR, Kind.OWN_LINE, "user 25, follow-me step 1"),
    ),
    "a number that cannot be dialled": (
        office_of(steps((1, ["150", "call me"]))),
        (Severity.ERROR, Kind.UNDIALLABLE, "user 25, follow-me step 1"),
    ),
    "a line id that no pattern matches": (
        office(lines=[{"id": "0001363", "in_scheme": "in-1"}, {"id": "+375172001122", "enabled": True}], schemes=dials("150")),
        (Severity.ERROR, Kind.LINE_ID, "line '+375172001122'"),
    ),
    "a line id of one digit": (
        office(lines=[{"id": "0001363", "in_scheme": "in-1"}, {"id": "7", "enabled": True}], schemes=dials("150")),
        (Severity.ERROR, Kind.LINE_ID, "line '7'"),
    ),
    "a line id with a line of its own": (
        office(lines=[{"id": "0001363", "in_scheme": "in-1"}, {"id": BAD_LINE, "enabled": True}], schemes=dials("150")),
        (Severity.ERROR, Kind.LINE_ID, f"line {BAD_LINE!r}"),
    ),
    "a ring time out of bounds": (
        office_of(steps((1, ["150"]), (21, ["150"]))),
        (Severity.ERROR, Kind.RING_TIME, "user 25, follow-me step 2"),
    ),
    "an extension that is there twice": (
        office(extensions=[{"internal_id": each, "number": "150", "user_id": 25} for each in (31, 32)]),
        (Severity.ERROR, Kind.DUPLICATE_NUMBER, "extension '150' (internal id 32)"),
    ),
    "two extensions with one internal id": (
        office(extensions=[{"internal_id": 31, "number": each, "user_id": 25} for each in ("150", "151")]),
        (Severity.ERROR, Kind.DUPLICATE_CONTEXT, "extension '151' (internal id 31)"),
    ),
    "a follow-me number that is an extension": (
        office_of({"follow_me_number": "152", **steps((1, ["150"]))}),
        (Severity.ERROR, Kind.DUPLICATE_NUMBER, "user 25, follow-me"),
    ),
    "a cycle without a way out": (
        office(
            schemes=[scheme([node("1", "custom"), dial("2", "150"), dial("3", "152")], [edge("1", "2"), edge("2", "3"), edge("3", "2")])]
        ),
        (Severity.ERROR, Kind.ENDLESS_CYCLE, "scheme 'Office', node '2' (dial) → scheme 'Office', node '3' (dial)"),
    ),
    "a mobile of a user who cannot call outside": (
        office(schemes=[scheme([node("1", "custom"), dial("2", "152", "+375291112233", user=27)], [edge("1", "2")])]),
        (Severity.WARNING, Kind.NO_OUTGOING, "scheme 'Office', node '2' (dial)"),
    ),
    "no line with a scheme to fall back to": (
        office(schemes=[]),
        (Severity.WARNING, Kind.NO_FALLBACK, "line '0001363'"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_it_is_found_and_the_row_is_named(name: str) -> None:
    model, expected = CASES[name]
    assert expected in [(each.severity, each.kind, each.row) for each in findings(model)]
    assert [each for each in findings(model) if each.severity is Severity.ERROR and each.kind is not expected[1]] == []


def test_a_goto_to_a_context_that_is_not_there_is_found() -> None:
    made = build(office())
    line = replace(made.pool.lines[0], fallback="gone")
    found = of_plan(replace(made, pool=Pool((line,), made.pool.routes)))
    assert only(found) == (Severity.ERROR, Kind.MISSING_CONTEXT, "line '0001363'")


def test_a_context_that_is_there_twice_is_found() -> None:
    made = build(office())
    found = of_plan(replace(made, contexts=(*made.contexts, made.contexts[-1])))
    assert {each.kind for each in found} == {Kind.DUPLICATE_CONTEXT}
    assert made.contexts[-1].origin in found[0].row


def test_a_context_that_the_host_has_outside_the_markers_is_found() -> None:
    host = read_host("[from-out-office]\nexten => _X.,1,Goto(a,${EXTEN},1)\n[a]\n[mngr31_0001363_1]\n")
    assert only(findings(office(), host)) == (Severity.ERROR, Kind.DUPLICATE_CONTEXT, "context [mngr31_0001363_1]")


def test_a_fallback_that_cannot_be_written_is_found() -> None:
    host = read_host("[from-out-office]\nexten => _X.,1,Goto(a b,${EXTEN},1)\n[a b]\n")
    assert only(findings(office(), host)) == (Severity.ERROR, Kind.UNSAFE_TEXT, "line '0001363'")


def test_an_outgoing_context_that_cannot_be_written_is_found() -> None:
    made = build(office())
    route = replace(made.pool.routes[0], rings=(Ring("150", (Outside("375291112233", "a,1)"),), 5),))
    found = of_plan(replace(made, pool=Pool(made.pool.lines, (route,))))
    assert {each.kind for each in found} == {Kind.UNSAFE_TEXT, Kind.MISSING_CONTEXT}


def test_an_outgoing_context_of_a_host_counts_only_if_it_can_be_written() -> None:
    host = read_host("[from-out-office]\nexten => _X.,1,Goto(a,${EXTEN},1)\n[a]\n[out)M(x]\n")
    named = {**outgoing("0001363"), "context": "out)M(x"}
    assert findings(office_of(steps((1, ["150", "80291112233"])), schemes=[named]), host)[0].kind is Kind.NO_OUTGOING


def test_a_chain_with_an_empty_ring_is_found() -> None:
    made = build(office())
    route = replace(made.pool.routes[0], rings=(Ring("150", (), 5),))
    found = of_plan(replace(made, pool=Pool(made.pool.lines, (route,))))
    assert only(found)[:2] == (Severity.ERROR, Kind.NOTHING_TO_RING)


@pytest.mark.parametrize("missing", sorted(shipped_targets(Dialect.ASTERISK_16)))
def test_a_routine_that_no_file_defines_is_found(missing: str) -> None:
    made = build(office())
    found = validate(made, Dialect.ASTERISK_16, shipped_targets(Dialect.ASTERISK_16) - {missing}, Shape.COMPACT)
    assert only(found)[:2] == (Severity.ERROR, Kind.MISSING_ROUTINE)


def test_a_block_in_classic_shape_needs_no_more_than_the_old_macros() -> None:
    made = build(office(), host=read_host("[from-out-office]\nexten => _X.,1,Goto(a,${EXTEN},1)\n[a]\n"))
    known = frozenset({"macro-incall_dial", "macro-incall_answer", "macro-incall_end"})
    assert validate(made, Dialect.ASTERISK_16, known, Shape.CLASSIC) == ()


@pytest.mark.parametrize("dialect", Dialect)
def test_what_is_taken_for_known_is_in_the_files_that_we_ship(dialect: Dialect) -> None:
    files = (INFRA / dialect / "extensions_custom.conf", INFRA / "common" / "smart_redirect_calls.conf")
    assert shipped_targets(dialect) <= {name for file in files for name in sections(file.read_text())}
