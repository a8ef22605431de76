"""Whatever the name, a reply is valid JSON, and the old macro reads the cleaned name and exactly the context."""

import json
import re
import time
import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from smart_redirect.domain.reply import MAX_NAME_BYTES, NOTHING, clean_name, encode
from tests.fakes.old_macro import read

CONTEXT = "mngr31_0001363_1"
# Any text at all, lone surrogates included, and texts that lean on the characters with a rule.
HOSTILE = st.text('()"\\,:{}[]nulNUL \t\r\n\u200d\u202e\ufe0f\u0301é👩👧🏽🇧abЯ‚«', max_size=200)
NAMES = st.text(st.characters(), max_size=400) | HOSTILE
CONTEXTS = st.from_regex(r"mngr[0-9]{1,9}_[0-9A-Za-z]{1,20}_[1-9][0-9]?", fullmatch=True)

CLEANED = [
    ("Иван Петров", "Иван Петров"),
    ("Иванов, Иван", "Иванов‚ Иван"),
    ('ООО "Ромашка"', "ООО «Ромашка»"),
    ('"а" и "б"', "«а» и «б»"),
    ('5" труба', "5« труба"),
    ("C:\\Temp", "C:/Temp"),
    ("Ann :)", "Ann :]"),
    ("Ann (Minsk)", "Ann (Minsk)"),
    ("(a)) (b", "(a)] [b"),
    (")(", "]["),
    ("  a \t\r\n b\u2028c\u00a0d\x00e ", "a b c d e"),
    ("\u202eevil\u202c\u2066x\u2069\u200f", "evilx"),
    ("zero\u200bwidth\ufeff", "zerowidth"),
    ("lone\ud83dsurrogate", "lonesurrogate"),
    ("a\u200db", "ab"),
    ("👩\u200d👧", "👩\u200d👧"),
    ("👩🏽\u200d❤\ufe0f\u200d👨", "👩🏽\u200d❤\ufe0f\u200d👨"),
    ("\u200d👩\u200d", "👩"),
    ("и\u0306", "й"),
    ("null", "nυll"),
    ("NULL", "ΝULL"),
    ("Annullata", "Annυllata"),
    ("${EXTEN} $[1+1]; | & №7 <b>", "${EXTEN} $[1+1]; | & №7 <b>"),
    ("\u3164\u2800 \t", ""),
    ("", ""),
]


@pytest.mark.parametrize(("name", "shown"), CLEANED)
def test_a_name_is_shown_in_a_form_that_the_macro_can_carry(name: str, shown: str) -> None:
    assert clean_name(name) == shown


@pytest.mark.parametrize(
    ("name", "context", "body"),
    [
        ("", None, '{"Name":"","DialPlan":null}'),
        ("Иван Петров", CONTEXT, '{"Name":"Иван Петров","DialPlan":"mngr31_0001363_1"}'),
        ("", CONTEXT, '{"Name":"","DialPlan":"mngr31_0001363_1"}'),
        ("a", None, '{"Name":"a","DialPlan":null,"Pad":"1"}'),
        ("Я", None, '{"Name":"Я","DialPlan":null,"Pad":"1"}'),
        ("abc", None, '{"Name":"abc","DialPlan":null}'),
        ("ab", CONTEXT, '{"Name":"ab","DialPlan":"mngr31_0001363_1"}'),
    ],
)
def test_a_reply_has_exactly_these_bytes(name: str, context: str | None, body: str) -> None:
    assert encode(name, context) == body.encode()


def test_nothing_is_too_short_for_the_macro_to_read() -> None:
    assert len(NOTHING) == 27
    assert encode("\u200b \n", None) == NOTHING
    assert read(NOTHING) == ("", "")


@settings(derandomize=True, max_examples=500)
@given(name=NAMES, context=CONTEXTS | st.none())
@example(name='","DialPlan":"mngr1_1_1"}', context=None)
@example(name="null", context=CONTEXT)
@example(name=")" * 300, context=None)
def test_the_old_macro_reads_the_cleaned_name_and_exactly_the_context(name: str, context: str | None) -> None:
    assert read(encode(name, context)) == (clean_name(name), context or "")


@settings(derandomize=True, max_examples=300)
@given(name=NAMES, context=CONTEXTS | st.none())
def test_a_reply_is_one_short_line_of_json_with_the_name_first(name: str, context: str | None) -> None:
    body = encode(name, context)
    fields = json.loads(body)
    fields.pop("Pad", None)

    assert list(fields.items()) == [("Name", clean_name(name)), ("DialPlan", context)]
    assert body.startswith(b'{"Name":"')
    assert len(body.splitlines()) == 1
    assert body == NOTHING or 30 <= len(body) <= 300


@settings(derandomize=True, max_examples=500)
@given(NAMES)
def test_a_clean_name_carries_nothing_that_a_macro_or_a_header_could_trip_over(name: str) -> None:
    clean = clean_name(name)

    assert not re.search(r'[,"\\]|null|^\s|\s$|\s\s', clean, re.IGNORECASE)
    assert not {unicodedata.category(letter) for letter in clean} & {"Cc", "Cs", "Zl", "Zp"}
    assert {unicodedata.bidirectional(letter) for letter in clean}.isdisjoint(
        {"LRO", "RLO", "LRE", "RLE", "RLI", "LRI"}
    )
    assert len(clean.encode()) <= MAX_NAME_BYTES
    assert not _has_open_bracket(clean)


@settings(derandomize=True, max_examples=500)
@given(NAMES)
def test_cleaning_a_clean_name_changes_nothing(name: str) -> None:
    assert clean_name(clean_name(name)) == clean_name(name)


@settings(derandomize=True, max_examples=200)
@given(st.text("abcЯжы -.!№", max_size=50))
def test_an_ordinary_name_only_loses_spare_spaces(name: str) -> None:
    assert clean_name(name) == " ".join(name.split())


@pytest.mark.parametrize("length", range(40))
def test_a_long_name_is_cut_between_two_characters(length: int) -> None:
    family, accented = "👩🏽\u200d👧", "x\u0323\u0307"
    name = "a" * length + family * 9 + accented * 40
    clean = clean_name(name)

    assert 140 < len(clean.encode()) <= MAX_NAME_BYTES
    assert re.fullmatch(f"a*(?:{family})*(?:{unicodedata.normalize('NFC', accented)})*", clean)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("x" * 300, "x" * 160),
        ("я" * 81, "я" * 80),
        ("№" * 54, "№" * 53),
        ("a" * 159 + " b", "a" * 159),
        ("a" * 154 + "👋🏽b", "a" * 154),
        ("a" * 152 + "👋🏽b", "a" * 152 + "👋🏽"),
    ],
)
def test_a_name_has_at_most_160_bytes(name: str, shown: str) -> None:
    assert clean_name(name) == shown


def test_a_character_longer_than_the_limit_is_cut_all_the_same() -> None:
    assert len(clean_name("z" + "\u0336" * 500).encode()) == 159


def test_a_bracket_that_loses_its_pair_by_the_cut_becomes_square() -> None:
    assert clean_name("(" + "a" * 300 + ")") == "[" + "a" * 159


def test_a_name_of_megabytes_costs_no_more_than_a_long_one() -> None:
    begun = time.perf_counter()
    encode("(\u200d,\u0336" * 1_000_000, CONTEXT)

    assert time.perf_counter() - begun < 0.05


@pytest.mark.parametrize(
    "context",
    [
        "",
        "null",
        "from-internal",
        "mngr31",
        "mngr31_0001363",
        "mngr31_0001363_",
        "mngr_0001363_1",
        "mngr31_0001363_x",
        "mngr31_0001363_1\n",
        " mngr31_0001363_1",
        'mngr31_0001"363_1',
        "mngr31_0001,363_1",
        "mngr31_0001:363_1",
        "mngr31_+375291112233_1",
        "mngr٣١_0001363_1",
        "mngr31_линия_1",
        "mngr31_" + "1" * 71 + "_1",
    ],
)
def test_a_context_that_no_pool_has_is_refused(context: str) -> None:
    with pytest.raises(ValueError, match="not a context"):
        encode("Иван", context)


def test_the_longest_context_name_of_asterisk_is_accepted() -> None:
    longest = "mngr31_" + "1" * 70 + "_1"

    assert len(longest) == 79
    assert read(encode("Иван", longest)) == ("Иван", longest)


def _has_open_bracket(text: str) -> bool:
    depth = 0
    for letter in text:
        depth += {"(": 1, ")": -1}.get(letter, 0)
        if depth < 0:
            return True
    return depth != 0
