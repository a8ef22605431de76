"""The phones of a field that people type into: one as a rule, sometimes several, with names and extensions beside."""

import re
from collections.abc import Iterator

# Nearly all fields: there is nothing to look for.
_ONE = re.compile(r"[+(]?[0-9][0-9 ()\-]*")
_ADDRESS = re.compile(r"\s*<?\s*(?:tel|callto|sips?):|[^@]*@", re.IGNORECASE)
_BETWEEN = re.compile(r"[,;/|\\\r\n]+")
# Only so many digits: what is longer is a phone that somebody has written a word before.
_EXTENSION = re.compile(r"(?<![^\W\d_])(?:доб|внутр|вн|ext|x)[^\W\d_]*[^\w+]*[0-9]{1,6}(?![0-9])", re.IGNORECASE)
# Digits with anything between them but letters; a plus begins another number.
_RUN = re.compile(r"(?:\+[^\w+]*)?[0-9](?:[^\w+]*[0-9])*")
_SPACES = re.compile(r"\s+")
_LONGEST = 500
# Shorter ones are flats, dates and extensions; no phone without the code of its city is taken either.
_SHORTEST = 7
# More digits than any number has are several with spaces between them, if the parts are long enough.
_MOST_DIGITS = 15
_WHOLE = 9


def numbers_in(field: str) -> Iterator[str]:
    """Return what may be phones in a field, as they are written; one that is nothing but a phone comes as it is."""
    if (_ONE.fullmatch(field) and len(field) <= _MOST_DIGITS) or _ADDRESS.match(field):
        yield field
        return
    for piece in _BETWEEN.split(field[:_LONGEST]):
        for run in _RUN.findall(_EXTENSION.sub(" ", piece)):
            yield from _numbers(run)


def _numbers(run: str) -> Iterator[str]:
    digits = _digits(run)
    if digits > _MOST_DIGITS:
        yield from (each for each in _SPACES.split(run) if _WHOLE <= _digits(each) <= _MOST_DIGITS)
    elif digits >= _SHORTEST:
        yield run


def _digits(text: str) -> int:
    return sum(map(str.isdigit, text))
