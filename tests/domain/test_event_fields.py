"""Every form in which hosts write extensions, talks and times."""

import json
from datetime import UTC
from zoneinfo import ZoneInfo

import pytest

from smart_redirect.domain.event import EventKind
from smart_redirect.domain.event_fields import (
    Answer,
    CallType,
    StoredEvent,
    epoch_of,
    is_sensible,
    parse_extensions,
    parse_talks,
    parse_time,
    read_event,
)

NOW = 1795417900.0


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("150", ["150"]),
        ("150,151", ["150", "151"]),
        ("150&151", ["150", "151"]),
        ("150-151", ["150", "151"]),
        ("150 151 ,150", ["150", "151"]),
        ("SIP/150&SIP/151", ["150", "151"]),
        ("SIP/150-SIP/151", ["150", "151"]),
        ("SIP/150-0000001a", ["150"]),
        ("PJSIP/150-0000001a&Local/80291234567@out-00000001;1", ["150", "80291234567"]),
        ("Local/80291234567@abcdef01", ["80291234567"]),
        ("sip/0150", ["0150"]),
        ('["150","151"]', ["150", "151"]),
        (["150", "SIP/151"], ["150", "151"]),
        ("", []),
        (" , & ", []),
        ("1" * 65, []),
        ([], []),
    ],
)
def test_extensions_in_every_form(written, read):
    assert list(parse_extensions(written)) == read


def test_extensions_have_an_end():
    assert len(parse_extensions(",".join(map(str, range(1000))))) == 100


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("150@1795417801", [("150", 1795417801)]),
        ("150@1795417801,151@1795417850", [("150", 1795417801), ("151", 1795417850)]),
        ("SIP/150-0000001a@1795417801.5", [("150", 1795417801.5)]),
        ("Local/80291234567@out@1795417801", [("80291234567", 1795417801)]),
        (["150@1795417801"], [("150", 1795417801)]),
        ("150@12", [("150", NOW)]),
        ("150@soon", [("150", NOW)]),
        ("150", [("150", NOW)]),
        ("150@99999999999", [("150", NOW)]),
        ("", []),
        ("@1795417801,,", []),
    ],
)
def test_talks_in_every_form(written, read):
    assert parse_talks(written, NOW) == tuple(Answer(*each) for each in read)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("1795417798", 1795417798.0),
        ("1795417798.25", 1795417798.25),
        ("2026-11-23 10:09:58", 1795417798.0),
        ("2026-11-23T07:09:58+00:00", 1795417798.0),
        ("1", None),
        ("1995417798", None),
        ("2012-01-01 00:00:00", None),
        ("9999-12-31 23:59:59", None),
        ("0001-01-01 00:00:00", None),
        ("yesterday", None),
        ("", None),
        ("١٢٣", None),
    ],
)
def test_times_in_every_form(written, read):
    assert parse_time(written, ZoneInfo("Europe/Minsk"), NOW) == read


@pytest.mark.parametrize(
    ("unique_id", "epoch"),
    [
        ("1795417798.12", 1795417798.0),
        ("pbx-minsk-1795417798.12", 1795417798.0),
        ("1795417798", None),
        ("abc", None),
        ("x1795417798.12", None),
        ("1795417798.12-x", None),
    ],
)
def test_the_epoch_in_a_unique_id(unique_id, epoch):
    assert epoch_of(unique_id) == epoch


def test_sensible_is_from_ten_years_ago_until_tomorrow():
    times = (NOW - 3654 * 86400, NOW - 3652 * 86400, NOW + 86000, NOW + 87000)
    assert [is_sensible(at, NOW) for at in times] == [False, True, True, False]


def read(kind: EventKind, **fields: object):
    return read_event(StoredEvent(kind, json.dumps(fields), NOW), UTC)


@pytest.mark.parametrize(
    ("written", "is_read"), [("0", CallType.INBOUND), (" 2 ", CallType.INTERNAL), ("3", None), ("", None)]
)
def test_call_types(written, is_read):
    assert read(EventKind.START, CallType=written).call_type is is_read


def test_only_a_hangup_says_who_talked():
    early = read(EventKind.DIAL, Talks="150@1795417801", CallStatus="2")
    assert (early.talks, early.answered) == (None, False)


def test_no_talks_is_less_than_empty_talks():
    assert (read(EventKind.HANGUP).talks, read(EventKind.HANGUP, Talks="").talks) == (None, ())


def test_the_line_is_trunk_or_trunk_id():
    assert (read(EventKind.DIAL, TrunkId=" 7 ").line_id, read(EventKind.DIAL, Trunk="8").line_id) == ("7", "8")
