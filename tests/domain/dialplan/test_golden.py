"""Each golden case becomes its texts, to the byte, and they keep what holds for every dialplan."""

import json
from dataclasses import replace

import pytest

from smart_redirect.domain.dialplan.build import build
from smart_redirect.domain.dialplan.dialects import Dialect, Shape
from smart_redirect.domain.dialplan.findings import errors
from smart_redirect.domain.dialplan.host import read_host
from smart_redirect.domain.dialplan.outline import outline
from smart_redirect.domain.dialplan.outline_json import from_json, to_json
from smart_redirect.domain.dialplan.render import MARKER, render
from smart_redirect.domain.dialplan.validate import validate
from tests.domain.dialplan.contexts import gotos, sections, without_digest
from tests.domain.dialplan.golden import CASES, FORMS, Case

each_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
each_form = pytest.mark.parametrize("form", FORMS, ids="-".join)


@each_case
def test_a_case_becomes_its_texts_to_the_byte(case: Case) -> None:
    for name, text in case.texts().items():
        assert text == (case.folder / name).read_text(), f"{case.name}/{name}: see tests/domain/dialplan/golden.py"


@each_case
@pytest.mark.parametrize("dialect", Dialect)
def test_a_case_has_no_errors(case: Case, dialect: Dialect) -> None:
    assert errors(validate(case.build(), dialect)) == ()


@each_case
def test_the_order_of_rows_changes_nothing(case: Case) -> None:
    model = case.model()
    turned = replace(
        model,
        lines=model.lines[::-1],
        extensions=model.extensions[::-1],
        users=tuple(replace(user, follow_me_steps=user.follow_me_steps[::-1]) for user in model.users[::-1]),
        schemes=model.schemes[::-1],
        departments=model.departments[::-1],
    )
    assert build(turned, case.retired()[::-1], case.host()) == case.build()


@each_case
@each_form
def test_every_goto_has_its_context(case: Case, form: tuple[Dialect, Shape]) -> None:
    text = render(case.build(), *form)
    there = set(sections(text)) | (case.host().contexts if case.host() else set())  # type: ignore[union-attr]
    assert gotos(text) <= there
    assert len(sections(text)) == len(set(sections(text)))


@each_case
@each_form
def test_both_shapes_and_dialects_have_the_same_contexts(case: Case, form: tuple[Dialect, Shape]) -> None:
    classic = sections(render(case.build(), Dialect.ASTERISK_16, Shape.CLASSIC))
    assert without_digest(sections(render(case.build(), *form))) - {"sr-ring"} == without_digest(classic)


@each_case
def test_an_outline_survives_being_stored(case: Case) -> None:
    made = outline(case.build())
    assert from_json(json.loads(json.dumps(to_json(made)))) == made


def test_without_an_enabled_line_the_markers_stand_alone() -> None:
    case = next(case for case in CASES if case.name == "no_enabled_line")
    assert MARKER + MARKER in render(case.build(), *FORMS[0])
    assert "getcustomerdata" not in render(case.build(), *FORMS[0])


def test_where_a_whole_file_sends_lines_can_be_read_back_from_it() -> None:
    case = next(case for case in CASES if case.name == "several_shops")
    lines = ("0001363", "0001364", "3881848", "3881849")
    written = {line.id: line.fallback for line in case.build().pool.lines}
    read = read_host(render(case.build(), *FORMS[0])).fallbacks(lines).by_line
    assert written.items() <= read.items()
