"""Foreign values are read alike, whatever type an installation gave its columns."""

import pytest

from smart_redirect.domain.platform.values import flag, listed, mapping, storable, text, whole


@pytest.mark.parametrize(("value", "expected"), [(" a ", "a"), (7, "7"), (None, ""), (True, ""), ("a\x00", "a\ufffd")])
def test_texts(value, expected):
    assert text(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"), [(7, 7), ("7", 7), ("0367", 367), ("7.5", None), (None, None), (True, None)]
)
def test_whole_numbers(value, expected):
    assert whole(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"), [(True, True), ("t", True), (1, True), (False, False), ("no", False), (None, False)]
)
def test_flags(value, expected):
    assert flag(value) is expected


def test_json_is_read_from_its_text_too_and_nonsense_is_empty():
    assert (mapping('{"a": 1}'), mapping({"a": 1}), mapping("[1]"), mapping("{")) == ({"a": 1}, {"a": 1}, {}, {})
    assert (listed("[1]"), listed([1]), listed("{}"), listed(None)) == ([1], [1], [], [])


@pytest.mark.parametrize("value", ["\x00", "\ud800", float("nan"), {"\x00": 1}])
def test_what_jsonb_cannot_hold_is_known(value):
    assert not storable({"data": value})
    assert storable({"data": "Приёмная \\u"})
