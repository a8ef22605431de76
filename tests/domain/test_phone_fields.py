"""All phones of a field are found, and nothing else that has digits."""

import time

import pytest

from smart_redirect.domain.phone import normalise
from smart_redirect.domain.phone_fields import numbers_in
from tests.domain.phone_forms import LOOKED_UP, USUAL

A, B = "+375291112233", "+375447654321"


@pytest.mark.parametrize(
    ("field", "phones"),
    [
        ("80291112233", [A]),
        ("8 (029) 111-22-33", [A]),
        ("+375 29 111-22-33, +375 44 765-43-21", [A, B]),
        ("8029 1112233 / 8044 7654321", [A, B]),
        ("+375291112233;+375447654321", [A, B]),
        ("+375291112233\n8 044 7654321", [A, B]),
        ("+375 29 111 22 33 +375 44 765 43 21", [A, B]),
        ("80291112233 80447654321", [A, B]),
        ("+375291112233 Ольга", [A]),
        ("Ольга: +375 (29) 111-22-33, Пётр 8044-765-43-21 (вечером)", [A, B]),
        ("моб. 8029 111\u00a022\u201133", [A]),
        ("80291112233 доб. 12", [A]),
        ("80291112233, доб. 1234", [A]),
        ("80291112233 (внутр. 305); 80447654321 вн.12", [A, B]),
        ("8 029 111-22-33 ext 12 / 8 044 765-43-21 x7", [A, B]),
        ("Felix 80291112233", [A]),
        ("8 029 111-22-33/34", [A]),
        ("+375291112233 с 01.02.2026, кв. 15", [A]),
        ("tel:+375291112233;ext=1234567", [A]),
        ("<sip:+375291112233;tag=80447654321@10.20.30.40>", [A]),
        ("доб. 12, 305", []),
        ("паспорт MP1234567", []),
        ("нет", []),
        ("", []),
    ],
)
def test_the_phones_of_a_field_are_found(field: str, phones: list[str]) -> None:
    assert [phone for each in numbers_in(field) if (phone := normalise(each, "BY"))] == phones


@pytest.mark.parametrize(
    ("place", "phone", "raw"),
    [
        (place, phone, raw)
        for table in (USUAL, LOOKED_UP)
        for place, numbers in table.items()
        for phone, ways in numbers.items()
        for raw in ways
    ],
)
def test_a_field_that_is_one_phone_is_read_as_before(place: tuple[str, str], phone: str, raw: str) -> None:
    assert [normalise(each, *place) for each in numbers_in(raw)] == [phone]


def test_a_long_text_takes_no_time() -> None:
    began = time.process_time()
    for field in ("1 " * 500_000, "+" * 1_000_000, "доб" * 300_000, "((((" * 250_000, "@" * 1_000_000, "1" * 1_000_000):
        list(numbers_in(field))
    assert time.process_time() - began < 0.5
