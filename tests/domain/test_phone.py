"""The ways of writing a phone: every usual one, of every country served, becomes the same E.164 number."""

import json
import subprocess
import sys

import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from phonenumbers import PhoneMetadata, PhoneNumberType

from smart_redirect.domain.phone import mask, normalise

# (country, area code of the line) -> number -> the ways in which it is sent
USUAL: dict[tuple[str, str], dict[str, list[str]]] = {
    ("BY", "17"): {
        "+375291112233": [
            "+375291112233",
            "375291112233",
            "80291112233",
            "0291112233",
            "291112233",
            "8291112233",
            "00375291112233",
            "810375291112233",
            "+375 (29) 111-22-33",
            "8 029 111-22-33",
            "8-10-375-29-111-22-33",
            "8 (029) 111.22.33",
            " +375\u00a029\u2011111\u201122\u201133 ",
            "\u202a+375291112233\u202c",
            '"+375291112233"',
            "tel:+375291112233",
            "tel:+375-29-111-22-33;ext=12",
            "+375291112233;phone-context=by;cpc=ordinary",
            "sip:80291112233@10.0.0.1",
            "<sip:+375291112233;user=phone@10.0.0.1:5060>",
            "SIP:375291112233@pbx.example;transport=udp",
            "80291112233 ext. 5",
            "80291112233 доб. 105",
            "+80291112233",
            "+0291112233",
            "+00375291112233",
        ],
        "+375172223344": ["2223344", "222-33-44", "80172223344", "0172223344", "172223344", "375172223344"],
        "+375152450911": ["80152450911", "375152450911", "152450911"],
        "+79161234567": ["79161234567", "+79161234567", "81079161234567", "0079161234567"],
        "+380671234567": ["380671234567", "+380671234567", "810380671234567"],
    },
    ("BY", "152"): {"+375152450911": ["450911", "45-09-11", "80152450911"]},
    ("BY", "017"): {"+375172223344": ["2223344"]},
    ("RU", "495"): {
        "+79161234567": [
            "89161234567",
            "79161234567",
            "+79161234567",
            "9161234567",
            "8 (916) 123-45-67",
            "+7 916 123-45-67",
            "sip:+79161234567@10.0.0.1",
            "81079161234567",
            "0079161234567",
            "+89161234567",
        ],
        "+74951234567": ["84951234567", "4951234567", "1234567", "123-45-67", "74951234567"],
        "+74958101234": ["8101234", "84958101234"],
        "+78121234567": ["88121234567", "8121234567"],
        "+78002000600": ["88002000600", "+7 800 200-06-00"],
        "+77011234567": ["87011234567", "77011234567", "7011234567"],
        "+375291112233": ["375291112233", "810375291112233", "+375291112233"],
    },
    ("KZ", "727"): {
        "+77011234567": ["87011234567", "77011234567", "+7 (701) 123-45-67", "7011234567", "81077011234567"],
        "+77272345678": ["87272345678", "2345678", "77272345678", "7272345678"],
        "+79161234567": ["89161234567", "79161234567"],
    },
    ("UA", "44"): {
        "+380671234567": [
            "0671234567",
            "380671234567",
            "80671234567",
            "671234567",
            "+380 (67) 123-45-67",
            "067 123 45 67",
            "00380671234567",
            "810380671234567",
            "tel:+380671234567",
        ],
        "+380442345678": ["0442345678", "2345678", "80442345678", "380442345678"],
        "+375291112233": ["375291112233", "00375291112233"],
    },
}
LOOKED_UP: dict[tuple[str, str], dict[str, list[str]]] = {
    ("BY", "17"): {
        "+48221234567": ["48221234567", "+48221234567", "0048221234567", "81048221234567", "+48 22 123 45 67"],
        "+12025550123": ["12025550123", "+1 (202) 555-0123", "81012025550123"],
        "+4930123456": ["4930123456", "+49 30 123456"],
        "+375291112233": ["+375 (0) 29 111-22-33"],
        "+3758011001010": ["88011001010", "+3758011001010"],
    },
    ("RU", "495"): {"+3725012345": ["3725012345", "+3725012345"], "+919161234567": ["810919161234567"]},
    ("PL", ""): {
        "+48221234567": ["221234567", "48221234567", "+48 22 123 45 67", "0048221234567", "22 123-45-67"],
        "+48512345678": ["512345678", "sip:+48512345678@10.0.0.1"],
        "+375291112233": ["375291112233", "00375291112233"],
    },
    ("DE", "30"): {
        "+4930123456": ["030123456", "4930123456", "+49 30 123456", "004930123456", "+49 (0)30 123456", "123456"],
        "+4915112345678": ["015112345678", "4915112345678", "15112345678"],
        "+375291112233": ["00375291112233", "375291112233"],
    },
    ("TR", "212"): {
        "+905321234567": ["5321234567", "05321234567", "905321234567"],
        "+375291112233": ["375291112233", "00375291112233"],
    },
    ("LT", ""): {
        "+37061234567": ["861234567", "061234567", "61234567", "37061234567", "+370 612 34567", "0037061234567"],
        "+37052123456": ["852123456", "37052123456"],
    },
    ("US", "202"): {
        "+12024561111": ["2024561111", "12024561111", "(202) 456-1111", "+1 202 456 1111", "4561111"],
        "+375291112233": ["011375291112233", "375291112233"],
        "+442079460958": ["011442079460958", "442079460958"],
    },
}
NOT_PUBLIC = [
    "",
    " ",
    "+",
    "anonymous",
    "Anonymous",
    "unknown",
    "Restricted",
    "asterisk",
    "Ivan Petrov",
    "Иван Петров",
    "Ivan 80291112233",
    "<Ivan>",
    "sip:anonymous@anonymous.invalid",
    "s",
    "0",
    "101",
    "112",
    "103",
    "911",
    "150",
    "0001363",
    "123456",
    "000000000",
    "0000000000",
    "+375000000000",
    "+70000000000",
    "111111111",
    "+37529",
    "+3752911122334455",
    "80291112233,80447654321",
    "8029111223380447654321",
    "٨٠٢٩١١١٢٢٣٣",
    "\ud83d",
    "\x0080291112233\x00x",
    "9" * 128,
    "1" * 5000,
    " " * 250 + "x",
    "tel:" * 60,
]


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
        ("+375291112233", "+37529***2233"),
        ("375291112233", "37529***2233"),
        ("80291112233", "8029***2233"),
        ("+375 (29) 111-22-33", "+37529***2233"),
        ("1" * 128, "111111***1111"),
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
def test_a_mask_hides_three_digits_of_a_long_number_and_half_of_a_short_one(phone: str) -> None:
    head, hidden, tail = mask(phone).partition("***")
    shown = len(head) + len(tail)

    assert hidden == "***"
    assert (phone.startswith(head), phone.endswith(tail)) == (True, True)
    assert max(len(head) - 6, len(tail) - 4) <= 0
    assert shown <= (len(phone) - 3 if len(phone) > 10 else len(phone) // 2)
