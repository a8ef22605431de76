"""What the events of a call say together: never dependent on their order or repetition."""

import dataclasses

from hypothesis import given
from hypothesis import strategies as st

from smart_redirect.domain.event import EventKind
from smart_redirect.domain.event_fields import Answer, CallEvent, CallType
from smart_redirect.domain.history import CallStatus, fold

T = 1795417798.0
NUMBERS = st.sampled_from(["150", "151", "152", "80291234567"])
TIMES = st.none() | st.sampled_from([T + 5, T + 20, T + 20.5, T + 9000])
ANSWERS = st.lists(st.builds(Answer, NUMBERS, st.sampled_from([T + 5, T + 20])), max_size=3).map(tuple)
EVENTS = st.builds(
    CallEvent,
    kind=st.sampled_from(EventKind),
    digest=st.uuids().map(str),
    received_at=st.sampled_from([T, T + 20, T + 30]),
    phone=st.sampled_from(["", "1", "2"]),
    line_id=st.sampled_from(["", "7"]),
    call_type=st.none() | st.sampled_from(CallType),
    extensions=st.lists(NUMBERS, max_size=3).map(tuple),
    talks=st.none() | ANSWERS,
    answered=st.booleans(),
    at=TIMES,
    started_at=TIMES,
    ended_at=TIMES,
)


def event(kind: EventKind, **fields: object) -> CallEvent:
    return CallEvent(kind, digest=f"{kind}{fields}", received_at=T + 60, **fields)


def hangup(**fields: object) -> CallEvent:
    return event(EventKind.HANGUP, **fields)


def dial(*extensions: str, at: float | None = None) -> CallEvent:
    return event(EventKind.DIAL, extensions=extensions, at=at)


def statuses(*events: CallEvent) -> dict[str, CallStatus]:
    return {each.extension: each.status for each in fold(events, T).participants}


@given(st.lists(EVENTS, max_size=5), st.data())
def test_order_and_repetition_make_no_difference(events, data):
    again = data.draw(st.lists(st.sampled_from(events), max_size=3)) if events else []
    late = [dataclasses.replace(each, received_at=each.received_at + 100) for each in again]
    shuffled = data.draw(st.permutations([*events, *late]))
    assert fold(shuffled, T) == fold(events, T)


@given(st.lists(EVENTS, max_size=5))
def test_a_call_is_consistent(events):
    call = fold(events, T)
    answered = {each.extension for each in call.participants if each.status is CallStatus.ANSWERED}
    assert answered == {answer.extension for answer in call.answers}
    assert (call.answered_at is not None) == (call.status is CallStatus.ANSWERED)
    assert [answer.at for answer in call.answers] == sorted(answer.at for answer in call.answers)


def test_a_call_rings_until_its_hangup():
    assert fold([dial("150")], T).status is CallStatus.RINGING
    assert fold([dial("150"), hangup(talks=())], T).status is CallStatus.NO_ANSWER


def test_talks_say_who_answered_whatever_call_status_says():
    call = fold([hangup(talks=(Answer("151", T + 9),), answered=True, extensions=("150",))], T)
    assert call.answers == (Answer("151", T + 9),)


def test_no_talks_mean_nobody_answered_even_if_the_line_was_picked_up():
    assert fold([hangup(talks=(), answered=True, extensions=("150",))], T).status is CallStatus.NO_ANSWER


def test_the_only_extension_of_an_answered_call_answered():
    assert fold([hangup(answered=True, extensions=("150",))], T).answers == (Answer("150", T),)


def test_several_extensions_do_not_tell_who_answered():
    call = fold([dial("150", "151"), hangup(answered=True, extensions=("150", "151"))], T)
    assert (call.status, call.answers, call.answered_at) == (CallStatus.ANSWERED, (), T)


def test_the_list_that_was_rung_never_tells_who_answered():
    assert fold([dial("150"), hangup(answered=True)], T).answers == ()


def test_start_time_is_the_answer_if_it_can_be():
    near, far = (hangup(answered=True, extensions=("150",), started_at=T + after) for after in (7, 3 * 3600))
    assert [fold([each], T).answered_at for each in (near, far)] == [T + 7, T]


def test_everybody_who_was_rung_took_part_in_the_order_of_ringing():
    events = (hangup(talks=(Answer("152", T + 40),)), dial("150", "151", at=T + 30), dial("152", at=T + 2))
    assert statuses(*events) == {"152": "answered", "150": "no_answer", "151": "no_answer"}


def test_the_phone_is_that_of_the_start():
    later = event(EventKind.DIAL, phone="2")
    assert fold([later, event(EventKind.START, phone="1")], T).phone == "1"


def test_the_end_is_end_time_else_the_hosts_time_else_the_arrival():
    ends = (hangup(ended_at=T + 50, at=T + 51), hangup(ended_at=T - 3600, at=T + 51), hangup())
    assert [fold([each], T).ended_at for each in ends] == [T + 50, T + 51, T + 60]
