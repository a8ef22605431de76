"""Phones: the many ways of writing one public number become one E.164 string, and a mask for the logs."""

import re
from dataclasses import dataclass

# What people and exchanges put between digits; the last row is invisible and comes with copied contacts.
_PUNCTUATION = str.maketrans(
    dict.fromkeys(
        " \t().-\"'"
        "\u00a0\u2007\u2009\u202f\u2010\u2011\u2012\u2013\u2014\u2212"
        "\u200b\u200e\u200f\u202a\u202c\u202d\u202e\u2066\u2069\ufeff"
    )
)
_PLAIN = re.compile(r"\+?[0-9]{4,20}")
_DIGITS = re.compile(r"\+?[0-9]+")
_SCHEME = re.compile(r"\A<?\s*(?:tel|callto|sips?):", re.IGNORECASE)
_EXTENSION = re.compile(r"(?:ext|x|доб|вн)[.=: ]{0,2}[0-9]{1,6}$", re.IGNORECASE)
# No country code begins like this: such a plus was pasted before a trunk or an international prefix.
_PASTED_PLUS = ("+0", "+89", *(f"+80{digit}" for digit in "12345679"))
_LONGEST_RAW = 256
# Digits without any mark: from 7 they may be a number of the country, from 10 one of another country.
_SHORTEST = 7
_SHORTEST_FOREIGN = 10
# With a city code in front, so many digits are tried as a local number.
_LOCAL = range(5, 9)
# What a number has at its end in every way of writing it, at home and abroad.
_SAME_END = 6
# The plus, and what E.164 and the column of the history allow: 7 to 15 digits.
_FULL = range(8, 17)
# A mask shows half of a number up to this length.
_LONGEST_HALVED = 10


@dataclass(frozen=True, slots=True)
class _Plan:
    """How a country dials at home: an optional trunk prefix, then the number that follows `prefix` abroad."""

    prefix: str
    national: re.Pattern[str]


# National numbers: the codes of cities and of mobile operators, a little wider than what is in service today.
_BY = r"(?:1[5-7]|2[1-4])\d{7}|2[59][1-9]\d{6}|(?:33|44)\d{7}"
_UA = r"(?:3[1-9]|4[13-8]|5[0-7]|6[1-9]|7[1-3579]|9[1-9])\d{7}"
_RU_AND_KZ = (
    r"(?:9\d\d|7[0-8]\d|80[03489]|3(?:0[12]|36|4[1-35-79]|5[1-3]|65|8[1-58]|9[0145])"
    r"|4(?:01|1[1356]|2[13467]|7[1-5]|8[1-7]|9[1-689])"
    r"|8(?:1[1-8]|2[01]|3[13-6]|4[0-8]|5[15-7]|6[0-35-79]|7[1-37-9]))\d{7}"
)


def _plan(prefix: str, trunk: str, national: str) -> _Plan:
    return _Plan(prefix, re.compile(f"(?:{trunk})?({national})", re.ASCII))


_SEVEN = _plan("+7", "8", _RU_AND_KZ)
_PLANS = {
    "BY": _plan("+375", "80?|0", _BY),
    "UA": _plan("+380", "80|0", _UA),
    "RU": _SEVEN,
    "KZ": _SEVEN,
}
_ABROAD = re.compile(rf"375(?:{_BY})|380(?:{_UA})|7(?:{_RU_AND_KZ})", re.ASCII)


def normalise(raw: str, country: str, area_code: str = "") -> str | None:
    """Return the E.164 number of a caller, or None for what is not a full public number.

    `country` is the ISO 3166 code of the enterprise; `area_code`, the city code of the line, completes local
    numbers. A number dialled abroad (`+`, `00`, `810`) is never read as a national one. Digits without a mark
    are the country's own number if they can be one, else an international one that lacks its `+`.
    """
    number = _digits(raw)
    if number is None:
        return None
    plan = _PLANS.get(country)
    if plan is None:
        return _looked_up(number, country, area_code)
    return _usual(number, plan, area_code) or _looked_up(number, country, area_code)


def may_be(raw: str, phone: str) -> bool:
    """Tell whether `normalise` may make this phone (E.164) of a number, without a look at any numbering plan."""
    number = _digits(raw)
    return number is not None and number[-_SAME_END:] == phone[-_SAME_END:]


def _digits(raw: str) -> str | None:
    """Take the digits, with a `+` if it means something, out of the usual wrappings."""
    if len(raw) > _LONGEST_RAW:
        return None
    number = raw if _PLAIN.fullmatch(raw) else raw.translate(_PUNCTUATION)
    if not _PLAIN.fullmatch(number):
        number = _unwrap(raw).translate(_PUNCTUATION)
        if not _PLAIN.fullmatch(number):
            return None
    return number[1:] if number.startswith(_PASTED_PLUS) else number


def _unwrap(raw: str) -> str:
    """Drop what surrounds the number in `<sip:number;parameter@host>`, `tel:number;ext=1` or `number x1`."""
    text = _SCHEME.sub("", raw.strip(), count=1).removeprefix("<").removesuffix(">")
    return _EXTENSION.sub("", text.partition("@")[0].partition(";")[0])


def _marked_abroad(number: str) -> str | None:
    """Return what follows the international prefix, or None when the number has none."""
    if number[0] == "+":
        return number[1:]
    if len(number) < _SHORTEST_FOREIGN:
        return None
    if number.startswith("00"):
        return number[2:]
    return number[3:] if number.startswith("810") else None


def _usual(number: str, plan: _Plan, area_code: str) -> str | None:
    """Read the usual forms of the countries that are served most, without the library."""
    abroad = _marked_abroad(number)
    if abroad is not None:
        return f"+{abroad}" if _ABROAD.fullmatch(abroad) else None
    if own := plan.national.fullmatch(number):
        return plan.prefix + own[1]
    if _ABROAD.fullmatch(number):
        return f"+{number}"
    if _may_be_local(number, area_code) and (own := plan.national.fullmatch(area_code + number)):
        return plan.prefix + own[1]
    return None


def _may_be_local(number: str, area_code: str) -> bool:
    return area_code.isdecimal() and len(number) in _LOCAL and number[0] not in "0+"


def _looked_up(number: str, country: str, area_code: str) -> str | None:
    """Ask the library, which knows every numbering plan; its import takes 13 ms, so only for what is left."""
    if len(number) < _SHORTEST and not _may_be_local(number, area_code):
        return None
    abroad = _marked_abroad(number)
    if abroad is not None and (country in _PLANS or number.startswith(("+", "00"))):
        return _valid(f"+{abroad}", country)
    local = _valid(area_code + number, country) if _may_be_local(number, area_code) else None
    return local or _unmarked(number, country)


def _unmarked(number: str, country: str) -> str | None:
    """Read digits that may be the country's own, or lack their plus.

    Where home numbers begin with 0 and have no fixed length, nearly any digits without the 0 would pass for one.
    There only a mobile is taken before the number from abroad.
    """
    if len(number) < _SHORTEST:
        return None
    own = _valid(number, country)
    if len(number) < _SHORTEST_FOREIGN or (own and not _lacks_zero(number, country)):
        return own
    return _valid(f"+{number}", country) or own


def _lacks_zero(number: str, country: str) -> bool:
    import phonenumbers

    if number[0] == "0" or phonenumbers.ndd_prefix_for_region(country, True) != "0":
        return False
    kind = phonenumbers.number_type(phonenumbers.parse(number, country))
    return kind != phonenumbers.PhoneNumberType.MOBILE


def _valid(text: str, country: str) -> str | None:
    import phonenumbers

    try:
        parsed = phonenumbers.parse(text, country)
    except phonenumbers.NumberParseException:
        return None
    full = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
    return full if phonenumbers.is_valid_number(parsed) and len(full) in _FULL else None


def mask(phone: str) -> str:
    """Hide the middle of a phone, five digits of a long one; of a text, which may be a name, show only its length."""
    number = phone
    if not _DIGITS.fullmatch(number):
        number = phone.translate(_PUNCTUATION)
        if not _DIGITS.fullmatch(number):
            return f"text({len(phone)})"
    shown = min(8, len(number) - 5) if len(number) > _LONGEST_HALVED else len(number) // 2
    tail = min(4, shown)
    return f"{number[: shown - tail]}***{number[len(number) - tail :]}"
