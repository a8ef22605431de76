"""What holds for the dialplan of any enterprise, whatever its settings say."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from itertools import product
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smart_redirect.domain.dialplan.build import build
from smart_redirect.domain.dialplan.dialects import Dialect, Shape
from smart_redirect.domain.dialplan.diff import diff
from smart_redirect.domain.dialplan.findings import Kind, errors
from smart_redirect.domain.dialplan.host import read_host
from smart_redirect.domain.dialplan.model import Model
from smart_redirect.domain.dialplan.outline import outline
from smart_redirect.domain.dialplan.outline_json import from_json, to_json
from smart_redirect.domain.dialplan.render import HEADER, release_name, render
from smart_redirect.domain.dialplan.tombstones import retire
from smart_redirect.domain.dialplan.validate import validate
from tests.domain.dialplan.contexts import gotos, odd_lines, sections
from tests.domain.dialplan.enterprises import models

AT = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
HOST = "[from-out-office]\nexten => _X.,1,Goto(office,${EXTEN},1)\n[office]\nexten => _X.,1,Hangup()\n"
FORMS = tuple(product(Dialect, Shape))
each_form = pytest.mark.parametrize("form", FORMS, ids="-".join)
quiet = settings(derandomize=True, deadline=None, max_examples=60)
# Found by the validation, not avoided by the build: settings that contradict each other.
IN_CONFLICT = {Kind.DUPLICATE_CONTEXT, Kind.ENDLESS_CYCLE}


@each_form
@given(model=models)
@quiet
def test_no_setting_adds_a_line_of_its_own(form: tuple[Dialect, Shape], model: Model) -> None:
    assert odd_lines(render(build(model), *form).removeprefix(HEADER)) == []


@each_form
@given(model=models)
@quiet
def test_every_jump_finds_its_context(form: tuple[Dialect, Shape], model: Model) -> None:
    text = render(build(model), *form)
    assert gotos(text) <= set(sections(text))


@given(model=models)
@quiet
def test_a_block_keeps_to_what_the_host_has(model: Model) -> None:
    host = read_host(HOST)
    text = render(build(model, host=host), *FORMS[0])
    assert odd_lines(text) == []
    assert gotos(text) <= set(sections(text)) | host.contexts


@given(model=models)
@quiet
def test_the_build_leaves_nothing_for_the_validation_but_contradictions(model: Model) -> None:
    made = build(model)
    new = set(errors(validate(made, Dialect.ASTERISK_22))) - set(made.findings)
    assert {finding.kind for finding in new} <= IN_CONFLICT


@given(model=models, seed=st.integers())
@quiet
def test_the_order_of_rows_changes_neither_text_nor_findings(model: Model, seed: int) -> None:
    shuffle: Callable[[tuple], tuple] = lambda rows: tuple(Random(seed).sample(rows, len(rows)))  # noqa: E731
    users = tuple(replace(user, follow_me_steps=shuffle(user.follow_me_steps)) for user in shuffle(model.users))
    rest = {name: shuffle(getattr(model, name)) for name in ("lines", "extensions", "schemes", "departments")}
    assert build(replace(model, users=users, **rest)) == build(model)


@each_form
@given(model=models)
@quiet
def test_a_release_is_named_by_its_text(form: tuple[Dialect, Shape], model: Model) -> None:
    text = render(build(model), *form)
    assert text == render(build(model), *form)
    assert release_name(text) in text
    assert release_name(render(build(replace(model, lines=())), *form)) == release_name(text) or model.lines


@given(before=models, after=models)
@quiet
def test_a_retired_context_is_still_there_in_the_next_release(before: Model, after: Model) -> None:
    old, new = outline(build(before)), outline(build(after))
    text = render(build(after, retire(old, new, AT)), *FORMS[0])
    assert set(old.names()) <= set(sections(text))
    assert gotos(text) <= set(sections(text))


@given(before=models, after=models)
@quiet
def test_a_difference_is_told_if_and_only_if_there_is_one(before: Model, after: Model) -> None:
    old, new = outline(build(before)), outline(build(after))
    assert bool(diff(old, new)) == (old != new)
    assert diff(new, new) == ()


@given(model=models)
@quiet
def test_an_outline_is_plain_json(model: Model) -> None:
    made = outline(build(model))
    assert from_json(json.loads(json.dumps(to_json(made)))) == made
