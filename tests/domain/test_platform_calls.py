"""Past calls of a platform: when they were, who talked, and what they add to a caller's history."""

from zoneinfo import ZoneInfo

import pytest

from smart_redirect.domain.caller_history import CallerHistory, CallTalk
from smart_redirect.domain.enterprise import Enterprise, Extension, Line
from smart_redirect.domain.facts import Talk
from smart_redirect.domain.platform.calls import CallReader, counted_talks
from smart_redirect.domain.platform.history import changed_histories
from smart_redirect.domain.platform.report import Report

NOW = 1795420000.0
OURS = Enterprise(
    1,
    "0367",
    lines={"0001363": Line("0001363", number="+375296001363", area_code="17")},
    extensions=(Extension("150", 31, 25), Extension("152", 32, 26)),
)
CALL = {
    "id": 1,
    "unique_id": "1795417798.1",
    "start_time": "2026-11-23T10:09:58",
    "end_time": "2026-11-23T10:12:00",
    "phone_number": "80291112233",
    "trunk": "0001363",
    "call_type": "0",
    "call_status": "2",
}


def rung(extension: str, status: str = "no_answer", order: int = 1, at: str | None = None) -> dict:
    return {"extension": extension, "participant_status": status, "ring_order": order, "answer_time": at}


def read(*participants: dict, report: Report | None = None, **fields: object):
    reader = CallReader(OURS, ZoneInfo("Europe/Minsk"), NOW, report or Report())
    return reader.read({**CALL, **fields}, participants)


@pytest.mark.parametrize("start", ["2026-11-23T10:09:58", "2026-11-23T07:09:58", "2026-11-23T07:09:58+00:00"])
def test_answers_are_measured_from_the_epoch_whatever_zone_the_columns_are_in(start):
    answered = start.replace("09:58", "10:08")
    call = read(rung("150", "answered", at=answered), start_time=start, end_time=start.replace("09:58", "12:00"))
    assert (call.started_at, call.talks[0].at, call.ended_at) == (1795417798.0, 1795417808.0, 1795417920.0)


def test_those_who_talked_stand_in_the_order_of_their_answers():
    call = read(rung("150", "answered", 1, "2026-11-23T10:11:00"), rung("152", "answered", 2, "2026-11-23T10:10:10"))
    assert [talk.extension for talk in call.talks] == ["152", "150"]
    assert [talk.internal_id for talk in call.talks] == [32, 31]


def test_an_answered_call_that_names_one_extension_was_answered_by_it():
    assert [talk.extension for talk in read(main_extension="150").talks] == ["150"]


def test_an_answered_call_that_names_several_does_not_tell_by_whom():
    call = read(rung("150"), rung("152"), main_extension="150")
    assert (call.talks, call.status) == ((), "answered")


@pytest.mark.parametrize("phone", ["", "anonymous", "150", "0001363", "80296001363", "+375296001363"])
def test_who_is_hidden_or_one_of_us_is_no_caller(phone):
    call = read(rung("150", "answered"), phone_number=phone)
    assert (call.caller, counted_talks(call, count_outgoing=True)) == (None, ())


def test_the_lines_area_code_completes_a_local_number():
    assert read(phone_number="2223344").caller == "+375172223344"


@pytest.mark.parametrize(
    ("call_type", "count_outgoing", "counts"),
    [("0", False, 1), ("incoming", False, 1), ("1", False, 0), ("1", True, 1), ("2", True, 0)],
)
def test_which_calls_count_for_the_history(call_type, count_outgoing, counts):
    call = read(rung("150", "answered"), call_type=call_type)
    assert len(counted_talks(call, count_outgoing=count_outgoing)) == counts


def test_a_talk_of_an_extension_that_is_not_ours_does_not_count():
    assert counted_talks(read(rung("777", "answered")), count_outgoing=True) == ()


@pytest.mark.parametrize(
    "fields",
    [
        {"unique_id": ""},
        {"unique_id": "a b"},
        {"call_type": "fax"},
        {"unique_id": "x", "start_time": None},
        {"unique_id": "x", "start_time": "1990-01-01"},
        {"unique_id": f"{NOW - 60:.0f}.1", "end_time": None},
    ],
)
def test_what_cannot_be_taken_over_is_reported(fields):
    report = Report()
    assert read(report=report, **fields) is None
    assert [(remark.table, remark.id) for remark in report.remarks] == [("calls", "1")]


def test_a_call_that_is_in_the_history_stays_as_recorded_and_others_move_the_ends():
    def talk(call: str, at: float, user: int) -> CallTalk:
        return CallTalk(call, Talk("150", 31, user, at))

    recorded = CallerHistory(talk("0/b", 2.0, 1), talk("0/b", 2.0, 1))
    changed = changed_histories(
        {"+1": [talk("0/b", 2.0, 9), talk("0/a", 1.0, 9), talk("0/c", 3.0, 9)]}, {"+1": recorded}
    )
    assert changed == {"+1": CallerHistory(talk("0/a", 1.0, 9), talk("0/c", 3.0, 9))}
    assert changed_histories({"+1": [talk("0/b", 2.0, 9)]}, {"+1": recorded}) == {}
