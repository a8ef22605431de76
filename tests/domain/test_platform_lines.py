"""Lines of a platform: their ids, algorithms and name positions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smart_redirect.domain.platform.lines import Lines
from smart_redirect.domain.platform.move import Move, Order, Ours, Theirs
from smart_redirect.domain.platform.names import positions
from smart_redirect.domain.platform.report import Report
from smart_redirect.domain.platform.schemes import Schemes

SOURCE = ("gsm_lines", 7)
PARTS = ("line_name", "customer_name", "shop_name")


def move_of(line_id: object, smart: dict | None = None, **order: object) -> Move:
    enterprise = {"number": "0367", "name": "x", "integrations_config": {"smart": smart or {}}}
    tables = {"enterprises": [enterprise], "gsm_lines": [{"id": 7, "line_id": line_id, "enterprise_number": "0367"}]}
    return Move(Theirs(tables), Ours(), Order(number="0367", key=b"k" * 32, key_id=1, now=0.0, **order), Report())


def line_of(move: Move) -> dict:
    return dict(Lines(move, Schemes(move)).rows[0])


@pytest.mark.parametrize(
    ("given_id", "keys", "digits", "expected"),
    [
        ("0001363", (), None, "0001363"),
        (1363, ("gsm:0001363",), None, "0001363"),
        (1363, ("gsm:0001363", "gsm:001363"), None, None),
        (1363, ("sip:0001363",), None, None),
        (1363, (), 7, "0001363"),
        (1363, (), None, None),
        (3881848, (), None, "3881848"),
        ("  ", (), None, None),
        ("x" * 65, (), None, None),
    ],
)
def test_a_line_id_keeps_its_leading_zeros_or_is_left_out(given_id, keys, digits, expected):
    move = move_of(given_id, {"lines": {key: {} for key in keys}}, gsm_digits=digits)
    rows = Lines(move, Schemes(move)).rows
    assert [row["line_id"] for row in rows] == ([expected] if expected else [])
    assert move.report.complete == (expected is not None and len(keys) < 2)


@pytest.mark.parametrize(
    ("algorithm", "expected"),
    [
        *((vendor, ["crm"]) for vendor in ("retailcrm", "uon", "ms", "bitrix24")),
        *((own, [own]) for own in ("first_call", "last_call")),
        *((none, []) for none in ("", None, "magic")),
    ],
)
def test_algorithms_become_ours(algorithm, expected):
    assert line_of(move_of("0001363", {"lines": {"gsm:0001363": {"algorithm": algorithm}}}))["algorithms"] == expected


def test_a_crm_that_is_not_the_primary_is_said_to_be_asked_later():
    move = move_of("0001363", {"primary": "uon", "lines": {"gsm:0001363": {"algorithm": "retailcrm"}}})
    line_of(move)
    assert [remark.reason for remark in move.report.remarks] == [
        "algorithm retailcrm is now crm: it asks uon, the primary, before retailcrm"
    ]


ORDERS = st.one_of(st.none(), st.integers(-1, 5), st.sampled_from(["1", "2", "3", "x"]))


@given(st.fixed_dictionaries({part: st.tuples(st.booleans(), ORDERS) for part in PARTS}))
def test_positions_are_unique_and_in_1_to_3_for_exactly_the_parts_that_are_sent(parts):
    smart = {f"send_{part}": sent for part, (sent, _) in parts.items()}
    smart |= {f"{part}_order": order for part, (_, order) in parts.items()}
    placed = [place for place in positions(Report(), SOURCE, smart).values() if place is not None]
    assert len(set(placed)) == len(placed) == sum(sent for sent, _ in parts.values())
    assert set(placed) <= {1, 2, 3}


@given(st.permutations([1, 2, 3]))
def test_positions_that_are_right_stay_and_are_not_reported(places):
    report = Report()
    smart = {f"send_{part}": True for part in PARTS} | {
        f"{part}_order": at for part, at in zip(PARTS, places, strict=True)
    }
    assert [positions(report, SOURCE, smart)[f"{part}_order"] for part in PARTS] == list(places)
    assert report.remarks == []
