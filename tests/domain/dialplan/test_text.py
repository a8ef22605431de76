"""The small readers: patterns, hours, and text that may stand in a dialplan."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smart_redirect.domain.dialplan import text
from smart_redirect.domain.dialplan.graph import Period
from smart_redirect.domain.dialplan.patterns import expression, matches
from smart_redirect.domain.dialplan.schedule import ranges
from smart_redirect.domain.dialplan.steps import During


@pytest.mark.parametrize(
    ("pattern", "number", "does"),
    [
        ("_80XXXXXXXXX", "80291112233", True),
        ("80XXXXXXXXX", "8029111223", False),
        ("_7.", "7", False),
        ("_7.", "74951112233", True),
        ("_7!", "7", True),
        ("_Z1N", "912", True),
        ("_Z1N", "012", False),
        ("_Z1N", "911", False),
        ("_[2-4]X", "35", True),
        ("_[135]X", "25", False),
        ("_+375XXXXXXXXX", "+375291112233", True),
    ],
)
def test_a_pattern_matches_as_on_asterisk(pattern: str, number: str, does: bool) -> None:
    assert (re.fullmatch(expression(pattern) or "", number) is not None) is does


@pytest.mark.parametrize("pattern", ["", "_", "_8[", "_8[a-z]", "_.5", "_8 0", '_8"', "_8,", "_8)", "X" * 65])
def test_what_is_no_pattern_is_refused(pattern: str) -> None:
    assert expression(pattern) is None


@given(st.text())
def test_an_expression_holds_nothing_that_asterisk_would_read(pattern: str) -> None:
    assert re.fullmatch(r"\^[0-9+*#.\[\]-]*\$", expression(pattern) or "^$")


def test_a_plain_extension_matches_itself_only() -> None:
    assert (matches("150", "150"), matches("150", "151"), matches("_X.", "15")) == (True, False, True)


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        ("09:00", "18:00", [(540, 1079, (0,))]),
        ("9:00:00", "24:00", [(540, 1439, (0,))]),
        ("00:00", "23:59", [(0, 1439, (0,))]),
        ("00:00", "00:00", [(0, 1439, (0,))]),
        ("22:00", "06:00", [(1320, 1439, (0,)), (0, 359, (1,))]),
        ("22:00", "00:00", [(1320, 1439, (0,))]),
    ],
)
def test_a_period_becomes_minutes_of_days(start: str, end: str, expected: list[tuple[int, int, tuple[int]]]) -> None:
    assert ranges(Period((0,), start, end), "UTC") == tuple(During(*each, "UTC") for each in expected)


def test_a_sunday_night_goes_on_on_monday() -> None:
    assert ranges(Period((5, 6), "22:00", "02:00"), "UTC")[1].days == (0, 6)  # type: ignore[index]


@pytest.mark.parametrize(
    ("start", "end"), [("24:00", "10:00"), ("9", "18"), ("09:60", "18:00"), ("a", "b"), ("9:0", "")]
)
def test_hours_that_cannot_be_read_are_refused(start: str, end: str) -> None:
    assert ranges(Period((0,), start, end), "UTC") is None


def test_a_period_without_days_is_refused() -> None:
    assert ranges(Period((), "09:00", "18:00"), "UTC") is None


SAFE = re.compile(r"[^\n\r,;()&\[\]\"'\\${}|:=]*")


@given(st.text(max_size=30))
def test_no_text_that_is_let_through_has_syntax_in_it(raw: str) -> None:
    given_through = [
        raw for test in (text.is_line_id, text.is_context, text.is_music_class, text.is_time_zone) if test(raw)
    ]
    for each in (*given_through, text.number(raw) or "", text.sound(raw) or ""):
        assert SAFE.fullmatch(each)


@pytest.mark.parametrize("raw", ["../../etc/passwd", "/etc/passwd", "a&b", "", ".wav", "a" * 101])
def test_a_sound_is_a_name_under_the_sounds(raw: str) -> None:
    assert text.sound(raw) is None


@pytest.mark.parametrize(
    ("raw", "name"), [("hello.wav", "hello"), ("Добрый день.MP3", "Добрый день"), ("a/b-c", "a/b-c")]
)
def test_a_sound_loses_the_ending_of_its_file(raw: str, name: str) -> None:
    assert text.sound(raw) == name
