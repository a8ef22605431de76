"""Likelier is who called more often, and more lately."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smart_redirect.domain.likely_callers import HALF_LIFE_SECONDS, likelihood

DAY = 86_400.0
AGES = st.lists(st.floats(0, 400 * DAY), max_size=20)


def test_nobody_who_never_called_is_likely() -> None:
    assert likelihood([]) == 0


def test_a_call_counts_half_after_the_half_life() -> None:
    assert likelihood([0.0, HALF_LIFE_SECONDS, 2 * HALF_LIFE_SECONDS]) == pytest.approx(1.75)


@given(AGES, st.floats(0, 400 * DAY))
def test_another_call_never_makes_less_likely(ages: list[float], age: float) -> None:
    assert likelihood([*ages, age]) >= likelihood(ages)


@given(AGES, st.floats(0, 40 * DAY))
def test_time_never_makes_more_likely(ages: list[float], later: float) -> None:
    assert likelihood([age + later for age in ages]) <= likelihood(ages)


def test_who_calls_each_day_is_likelier_than_who_called_once_an_hour_ago() -> None:
    assert likelihood([DAY * day for day in range(1, 10)]) > likelihood([3600.0])


def test_a_clock_that_ran_ahead_is_now() -> None:
    assert likelihood([-100 * DAY]) == 1.0
