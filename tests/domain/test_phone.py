"""The ways of writing a phone: every usual one, of every country served, becomes the same E.164 number."""

import json
import subprocess
import sys

import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from phonenumbers import PhoneMetadata, PhoneNumberType

from smart_redirect.domain.phone import mask, may_be, normalise
from tests.domain.phone_forms import LOOKED_UP, NOT_PUBLIC, USUAL


def _rows(table: dict[tuple[str, str], dict[str, list[str]]]) -> list[tuple[str, str, str, str]]:
    return [
        (country, area, raw, number)
        for (country, area), numbers in table.items()
        for number, forms in numbers.items()
        for raw in forms
    ]


@pytest.mark.parametrize(("country", "area", "raw", "number"), _rows(USUAL) + _rows(LOOKED_UP))
def test_every_form_of_a_number_is_one_caller(country: str, area: str, raw: str, number: str) -> None:
    assert normalise(raw, country, area) == number


@pytest.mark.parametrize(("country", "area", "raw", "number"), _rows(USUAL) + _rows(LOOKED_UP))
def test_every_form_may_be_that_number_and_not_its_neighbour(country: str, area: str, raw: str, number: str) -> None:
    neighbour = number[:-1] + ("0" if number[-1] != "0" else "1")
    assert (may_be(raw, number) or bool(area), may_be(raw, neighbour)) == (True, False)


def test_an_example_of_each_country_may_be_itself_however_it_is_written() -> None:
    forms = (phonenumbers.PhoneNumberFormat.NATIONAL, phonenumbers.PhoneNumberFormat.INTERNATIONAL)
    for country in sorted(phonenumbers.SUPPORTED_REGIONS):
        for kind in (PhoneNumberType.FIXED_LINE, PhoneNumberType.MOBILE):
            example = phonenumbers.example_number_for_type(country, kind)
            for form in forms if example else ():
                raw = phonenumbers.format_number(example, form)
                number = normalise(raw, country)
                assert number is None or may_be(raw, number), (country, raw)


@pytest.mark.parametrize("country", ["BY", "RU", "UA", "KZ", "PL", "DE", "LT", "US"])
@pytest.mark.parametrize("raw", NOT_PUBLIC)
def test_what_is_not_a_full_public_number_has_no_identity(raw: str, country: str) -> None:
    assert normalise(raw, country) is None


@pytest.mark.parametrize(
    ("country", "area", "raw"),
    [
        ("BY", "", "2223344"),
        ("BY", "17", "150"),
        ("BY", "17", "450911"),
        ("BY", "17", "+2223344"),
        ("RU", "", "1234567"),
        ("RU", "495", "8109161234567"),
        ("RU", "495", "80291112233"),
        ("BY", "17", "89161234567"),
        ("BY", "17", "0048221"),
        ("BY", "17", "800123"),
        ("BY", "17", "8029 sip:1112233"),
        ("BY", "17", "0001363"),
        ("DE", "30", "0001363"),
        ("US", "202", "0001363"),
        ("", "", "80291112233"),
        ("XX", "", "80291112233"),
    ],
)
def test_a_number_is_never_completed_by_guessing(country: str, area: str, raw: str) -> None:
    assert normalise(raw, country, area) is None


def test_an_unknown_country_still_reads_an_international_number() -> None:
    assert normalise("+375291112233", "") == "+375291112233"


def test_the_usual_forms_do_not_load_the_library() -> None:
    script = (
        "import json, sys\n"
        "from smart_redirect.domain.phone import normalise\n"
        "wrong = [row for row in json.load(sys.stdin) if normalise(row[2], row[0], row[1]) != row[3]]\n"
        "json.dump([wrong, 'phonenumbers' in sys.modules], sys.stdout)\n"
    )
    short = [[*row[:2], raw, None] for row in _rows(USUAL)[:1] for raw in ("", "anonymous", "Ivan Petrov", "101")]
    told = subprocess.run(
        [sys.executable, "-c", script],
        input=json.dumps([*_rows(USUAL), *short]),
        capture_output=True,
        text=True,
        check=True,
    )

    assert json.loads(told.stdout) == [[], False]


# What precedes a national number when it is dialled at home, and when it comes from abroad.
AT_HOME = {"BY": ["", "8", "80", "0"], "UA": ["", "0", "80"], "RU": ["", "8"], "KZ": ["", "8"]}
FROM_ABROAD = ["", "+", "00", "810"]
KINDS = ["fixed_line", "mobile"]
PRINTS = [phonenumbers.PhoneNumberFormat.E164, phonenumbers.PhoneNumberFormat.INTERNATIONAL]
PRINTS += [phonenumbers.PhoneNumberFormat.NATIONAL, phonenumbers.PhoneNumberFormat.RFC3966]


@st.composite
def _valid_numbers(draw: st.DrawFn) -> tuple[str, phonenumbers.PhoneNumber]:
    country = draw(st.sampled_from(sorted(AT_HOME)))
    metadata = PhoneMetadata.metadata_for_region(country)
    assert metadata is not None
    pattern = getattr(metadata, draw(st.sampled_from(KINDS))).national_number_pattern
    national = draw(st.from_regex(pattern, fullmatch=True, alphabet="0123456789"))
    return country, phonenumbers.parse(f"+{metadata.country_code}{national}")


@settings(derandomize=True, max_examples=400, deadline=None)
@given(_valid_numbers())
def test_a_valid_number_in_any_form_is_what_the_library_writes(
    valid: tuple[str, phonenumbers.PhoneNumber],
) -> None:
    country, number = valid
    full = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    forms = [f"{trunk}{number.national_number}" for trunk in AT_HOME[country]]
    forms += [f"{mark}{full[1:]}" for mark in FROM_ABROAD]

    assert phonenumbers.is_valid_number(number)
    assert {form: normalise(form, country) for form in forms} == dict.fromkeys(forms, full)


@settings(derandomize=True, max_examples=400, deadline=None)
@given(_valid_numbers(), st.sampled_from(PRINTS))
def test_a_number_as_the_library_prints_it_is_read_as_the_library_reads_it(
    valid: tuple[str, phonenumbers.PhoneNumber], style: int
) -> None:
    country, number = valid
    printed = phonenumbers.format_number(number, style)
    parsed = phonenumbers.parse(printed, country)

    assert normalise(printed, country) == phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


@pytest.mark.parametrize("kind", [PhoneNumberType.FIXED_LINE, PhoneNumberType.MOBILE, PhoneNumberType.TOLL_FREE])
@pytest.mark.parametrize("country", ["BY", "RU", "UA", "KZ", "PL", "DE", "LT", "US", "LV", "GE", "CN", "GB"])
def test_the_example_numbers_of_the_library_are_read_from_each_print(country: str, kind: int) -> None:
    number = phonenumbers.example_number_for_type(country, kind)
    assert number is not None
    full = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    printed = [phonenumbers.format_number(number, style) for style in PRINTS]

    assert {text: normalise(text, country) for text in printed} == dict.fromkeys(printed, full)


@settings(derandomize=True, max_examples=300, deadline=None)
@given(
    st.text("+0123456789 ()-;@:<>xtelsip.", max_size=40) | st.text(max_size=40),
    st.sampled_from(["BY", "RU", "UA", "KZ", "DE"]),
)
def test_any_text_gives_a_full_number_or_none_and_the_number_reads_as_itself(raw: str, country: str) -> None:
    number = normalise(raw, country, "17")

    assert number is None or (number[0] == "+" and number[1:].isdecimal() and 8 <= len(number) <= 16)
    assert number is None or normalise(number, country) == number


@pytest.mark.parametrize(
    ("phone", "shown"),
    [
        ("+375291112233", "+375***2233"),
        ("375291112233", "375***2233"),
        ("80291112233", "80***2233"),
        ("+375 (29) 111-22-33", "+375***2233"),
        ("1" * 128, "1111***1111"),
        ("2223344", "***344"),
        ("0001363", "***363"),
        ("123456", "***456"),
        ("150", "***0"),
        ("15", "***5"),
        ("5", "***"),
        ("Ivan Petrov", "text(11)"),
        ("Иван 80291112233", "text(16)"),
        ("sip:80291112233@10.0.0.1", "text(24)"),
        ("anonymous", "text(9)"),
        ("٨٠٢٩١١١٢٢٣٣", "text(11)"),
        ("\n80291112233", "text(12)"),
        ("", "text(0)"),
    ],
)
def test_a_masked_phone_shows_its_ends_and_a_text_only_its_length(phone: str, shown: str) -> None:
    assert mask(phone) == shown


@settings(derandomize=True, max_examples=200)
@given(st.from_regex(r"\+?[0-9]{1,20}", fullmatch=True))
def test_a_mask_hides_five_digits_of_a_long_number_and_half_of_a_short_one(phone: str) -> None:
    head, hidden, tail = mask(phone).partition("***")
    shown = len(head) + len(tail)

    assert hidden == "***"
    assert (phone.startswith(head), phone.endswith(tail)) == (True, True)
    assert max(len(head) - 4, len(tail) - 4) <= 0
    assert shown <= (len(phone) - 5 if len(phone) > 10 else len(phone) // 2)
