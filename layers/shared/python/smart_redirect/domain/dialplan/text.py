"""Safe writing: which text of a setting may stand in a dialplan at all.

Everything is a list of what is allowed, never of what is not: a newline, `;`, `,`, `)`, `]`, `&`, `"`, `\\` or `${` in
a setting would add a line, a comment, an argument or an application of its own.
"""

import hashlib
import re

_LINE_ID = re.compile(r"[0-9][0-9A-Za-z_-]{1,39}")
_EXTENSION = re.compile(r"[0-9]{1,10}")
_DIGITS = re.compile(r"\+?[0-9]{1,20}")
_PREFIX = re.compile(r"[0-9*#+]{0,16}")
_MUSIC = re.compile(r"[0-9A-Za-z_-]{1,40}")
_ZONE = re.compile(r"[A-Za-z][A-Za-z0-9_+-]{0,31}(?:/[A-Za-z0-9_+-]{1,31}){0,2}")
_CONTEXT = re.compile(r"[0-9A-Za-z_][0-9A-Za-z_.-]{0,78}")
_SOUND_ENDING = re.compile(r"\.(?:wav|wav49|mp3|gsm|ulaw|alaw|ul|al|sln\d*|g722|g729|ogg)$", re.IGNORECASE)
_PUNCTUATION = str.maketrans(dict.fromkeys(" ().-\t\u00a0"))


def is_line_id(value: str) -> bool:
    """Tell whether `_X.` matches this line id, and a context may carry it in its name."""
    return _LINE_ID.fullmatch(value) is not None


def is_extension(value: str) -> bool:
    """Tell whether this can be an internal number."""
    return _EXTENSION.fullmatch(value) is not None


def is_prefix(value: str) -> bool:
    """Tell whether this can stand before a dialled number."""
    return _PREFIX.fullmatch(value) is not None


def is_music_class(value: str) -> bool:
    """Tell whether this can name a class of music on hold."""
    return _MUSIC.fullmatch(value) is not None


def is_time_zone(value: str) -> bool:
    """Tell whether this looks like a time zone of the tz database."""
    return _ZONE.fullmatch(value) is not None


def is_context(value: str) -> bool:
    """Tell whether Asterisk can have a context of this name."""
    return _CONTEXT.fullmatch(value) is not None


def number(raw: str) -> str | None:
    """Return the digits of a dialled number, a leading plus kept, or None for what cannot be dialled."""
    compact = raw.translate(_PUNCTUATION)
    return compact if _DIGITS.fullmatch(compact) else None


def sound(raw: str) -> str | None:
    """Return a sound's name as Playback takes it, without the ending of its file, or None for an unsafe one."""
    name = _SOUND_ENDING.sub("", raw.strip())
    plain = all(letter.isalnum() or letter in "_-./ " for letter in name)
    return name if plain and 0 < len(name) <= 100 and name[0].isalnum() and ".." not in name else None


def short_hash(text: str) -> str:
    """Name a context: the first 8 hex digits of an MD5, as hosts in service have them. Nothing secret rests on it."""
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()[:8]


def numeric(value: str) -> tuple[int, str]:
    """Order numbers as people do: 99 before 150, 0150 beside 150."""
    return int(value), value
