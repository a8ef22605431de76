"""The reply to a host: bytes that no macro, however it parses them, can read as anything but the decision."""

import re
import unicodedata

NOTHING = b'{"Name":"","DialPlan":null}'
MAX_NAME_BYTES = 160

# The macro throws away a reply of fewer than 30 bytes; the 27 of NOTHING are short on purpose.
_SHORTEST_READ_NAME = 3
# Asterisk cuts the name of a context at 79 characters.
_CONTEXT = re.compile(r"(?!.{80})mngr[0-9]+_[0-9A-Za-z][0-9A-Za-z_-]*_[0-9]+")

# Most names are words of these characters with single spaces between them, and pass as they are. No character
# of this set takes more than three bytes in UTF-8.
_WORD = r"[!#-'*+\-./0-9:;<=>?@A-Z\[\]^_`a-z{|}~\u00a1-\u00ac\u00ae-\u02ff\u0400-\u0482\u048a-\u052f‚«»№–—]"
_PLAIN = re.compile(rf"{_WORD}++(?: {_WORD}++)*+")
_PLAIN_LENGTH = MAX_NAME_BYTES // 3

# Controls, separators, and letters that are drawn as blanks.
_BLANK = re.compile(
    r"[\x00-\x20\x7f-\xa0\u115f\u1160\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u2800\u3000\u3164\uffa0]+"
)
# Characters without a glyph that hide, reorder or break the text. The joiner of emoji has its own rule.
_UNSEEN = re.compile(
    "[\xad\u034f\u061c\u17b4\u17b5\u180e\u200b\u200c\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ufdd0-\ufdef\ufffe\uffff\ud800-\udfff\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]+"
)
_EMOJI = "\u2190-\u21ff\u2600-\u27bf\u2b00-\u2bff\ufe0f\U0001f000-\U0001faff"
_STRAY_JOINER = re.compile(f"(?<![{_EMOJI}])\u200d|\u200d(?![{_EMOJI}])")
_BREAKING = str.maketrans({",": "‚", "\\": "/"})
_NULL = re.compile("null", re.IGNORECASE)


def encode(name: str, context: str | None) -> bytes:
    """Write the reply; ValueError for a context that no dialplan of ours has."""
    text = clean_name(name).encode()
    if context is None:
        if not text:
            return NOTHING
        padding = b',"Pad":"1"' if len(text) < _SHORTEST_READ_NAME else b""
        return b'{"Name":"%b","DialPlan":null%b}' % (text, padding)
    if not _CONTEXT.fullmatch(context):
        raise ValueError(f"not a context of a pool: {context[:80]!r}")
    return b'{"Name":"%b","DialPlan":"%b"}' % (text, context.encode())


def clean_name(name: str) -> str:
    """Return the name as the phone will show it: one line of at most 160 bytes, safe in the macro.

    What the macro cannot carry becomes a look-alike: `,` → `‚`, `"` → `«` or `»`.
    """
    if len(name) <= _PLAIN_LENGTH and _PLAIN.fullmatch(name) and "null" not in name.lower():
        return name
    return _close_brackets(_cut(_hide_null(_substitute(_visible(name)))))


def _visible(name: str) -> str:
    """Keep what can be seen, with single spaces. Bounded first: a name may be megabytes long."""
    text = _UNSEEN.sub("", _BLANK.sub(" ", name[: 8 * MAX_NAME_BYTES]))
    return unicodedata.normalize("NFC", " ".join(_STRAY_JOINER.sub("", text).split()))


def _substitute(text: str) -> str:
    first, *quoted = text.translate(_BREAKING).split('"')
    return first + "".join(f"{'»' if index % 2 else '«'}{part}" for index, part in enumerate(quoted))


def _hide_null(text: str) -> str:
    """Give the word null one Greek letter of the same look: the macro turns the plain word into nothing."""
    return _NULL.sub(lambda found: _look_alike(found[0]), text)


def _look_alike(word: str) -> str:
    return f"Ν{word[1:]}" if word[0] == "N" else f"{word[0]}υ{word[2:]}"


def _cut(text: str) -> str:
    """Cut to 160 bytes between two characters as the reader sees them, unless one is longer itself."""
    if len(text.encode()) <= MAX_NAME_BYTES:
        return text
    kept = text.encode()[:MAX_NAME_BYTES].decode(errors="ignore")
    whole = len(kept)
    while whole and _joined(text[whole - 1], text[whole]):
        whole -= 1
    return (kept[:whole] or kept).rstrip(" \u200d")


def _joined(left: str, right: str) -> bool:
    is_mark = unicodedata.category(right).startswith("M") or "\U0001f3fb" <= right <= "\U0001f3ff"
    return is_mark or "\u200d" in (left, right)


def _close_brackets(text: str) -> str:
    """Make a round bracket without its pair square: the macro loses the reply over one that is left open."""
    letters = list(text)
    opened: list[int] = []
    for index, letter in enumerate(letters):
        if letter == "(":
            opened.append(index)
        elif letter == ")" and opened:
            opened.pop()
        elif letter == ")":
            letters[index] = "]"
    for index in opened:
        letters[index] = "["
    return "".join(letters)
