"""The two ends of a caller's history, kept right when calls are added and corrected."""

from hypothesis import given
from hypothesis import strategies as st

from smart_redirect.domain.caller_history import CallTalk, ends_of, ends_outside, needs_other_calls
from smart_redirect.domain.facts import Talk


def talk(call: str, at: float, extension: str = "150") -> CallTalk:
    return CallTalk(call, Talk(extension, 31, 25, at))


def test_nobody_talked():
    assert ends_of([]) is None


def test_the_first_and_the_last_by_the_time_of_their_answers():
    assert ends_of([talk("b", 2), talk("c", 3), talk("a", 1)]) == ends_of([talk("a", 1), talk("c", 3)])


def test_answers_of_the_same_moment_have_an_order_too():
    assert ends_of([talk("b", 1), talk("a", 1)]).first.call == "a"


def test_a_call_that_lost_its_place_asks_for_the_others():
    history = ends_of([talk("a", 1), talk("b", 5)])
    assert needs_other_calls(history, "a", (talk("a", 2),))
    assert needs_other_calls(history, "b", ())
    assert not needs_other_calls(history, "a", (talk("a", 0.5),))
    assert not needs_other_calls(history, "c", ())
    assert not needs_other_calls(None, "a", ())


@given(st.lists(st.tuples(st.sampled_from("abc"), st.lists(st.integers(1, 9), max_size=3)), max_size=8))
def test_any_corrections_leave_what_the_calls_say(corrections):
    calls: dict[str, tuple[CallTalk, ...]] = {}
    history = None
    for call, times in corrections:
        calls[call] = ours = tuple(talk(call, at) for at in times)
        others = [each for name, talks in calls.items() if name != call for each in talks]
        extra = others if needs_other_calls(history, call, ours) else []
        history = ends_of([*ours, *extra, *ends_outside(history, call)])
        assert history == ends_of(each for talks in calls.values() for each in talks)
