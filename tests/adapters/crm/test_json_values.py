"""What CRMs send is read as what it means, whatever type it has."""

import pytest

from smart_redirect.adapters.crm.json_values import Json, read_json


@pytest.mark.parametrize("written", ["17", '"17"', '" 17 "', "17.0", "1.7e1"])
def test_an_id_is_the_same_text_whatever_type_it_has(written: str) -> None:
    assert read_json(written.encode()).id == "17"


@pytest.mark.parametrize("written", ["null", "true", "false", '""', "[]", "{}", "1.5", "NaN", "Infinity", "1e999"])
def test_what_is_no_id_is_none(written: str) -> None:
    assert read_json(written.encode()).id is None


def test_a_number_is_text_without_a_fraction_that_says_nothing() -> None:
    assert [Json(each).text for each in (150, 150.0, -0.0, 1.5)] == ["150", "150", "0", ""]
