"""Call events as hosts send them: read from whatever bytes a macro pasted together, and carried by a queue."""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

Fields = dict[str, str | list[str]]
_KNOWN = "UniqueId|Token|Trunk|TrunkId|CallType|Time|Extensions|DateReceived|StartTime|EndTime|CallStatus|Talks"
_PAIR = re.compile(rf'[{{,]\s*"({_KNOWN})"\s*:\s*"([^"]*)"')
_UNIQUE_ID = re.compile(r"[!-~]{1,150}")
# PostgreSQL stores neither: a NUL, and half of a surrogate pair.
_UNSTORABLE = re.compile(r"[\x00\ud800-\udfff]")


class EventKind(StrEnum):
    """What is reported; the last part of the URL."""

    START = "start"
    DIAL = "dial"
    HANGUP = "hangup"


@dataclass(frozen=True, slots=True)
class Posted:
    """One readable body: `body` is its JSON without the token, equal for equal reports."""

    unique_id: str
    body: str
    token: str


@dataclass(frozen=True, slots=True)
class ReceivedEvent:
    """An event as it waits to be recorded; `received_at` is a Unix time. The token is here as its hash only."""

    kind: EventKind
    unique_id: str
    body: str
    token_hash: bytes
    address: str
    received_at: float

    def message(self) -> str:
        """Return the event as text for a queue or a spool."""
        value = [self.kind, self.unique_id, self.body, self.token_hash.hex(), self.address, self.received_at]
        return json.dumps(value, separators=(",", ":"))

    @classmethod
    def of_message(cls, text: str) -> Self:
        """Read what `message` wrote; ValueError when it is none."""
        value = json.loads(text)
        try:
            kind, unique_id, body, hashed, address, received_at = value
            return cls(
                EventKind(kind), str(unique_id), str(body), bytes.fromhex(hashed), str(address), float(received_at)
            )
        except TypeError as error:
            raise ValueError("not an event message") from error


def read_posted(body: bytes) -> Posted | None:
    """Read a posted body; None when it is no JSON object or names no usable UniqueId.

    The macro builds the body by pasting, so a caller's name can break the JSON or add keys. Then Phone is
    nobody's, and a key that came twice says nothing; UniqueId and Token stand before the phone, so their first counts.
    """
    fields = _read_fields(_decode(body))
    unique_id = _text_of(fields.pop("UniqueId", "")).strip()
    token = _take_token(fields)
    if not _UNIQUE_ID.fullmatch(unique_id):
        return None
    return Posted(unique_id, canonical(fields), token)


def canonical(fields: Fields) -> str:
    """Write the fields of a body so that equal ones give equal texts."""
    return json.dumps(fields, sort_keys=True, separators=(",", ":"))


def _decode(body: bytes) -> str:
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError:
        return body.decode("cp1251", "replace")


def _read_fields(text: str) -> Fields:
    try:
        value = json.loads(
            text, object_pairs_hook=_Members, strict=False, parse_int=str, parse_float=str, parse_constant=str
        )
    except (ValueError, RecursionError):
        return _unambiguous(_PAIR.findall(text)) if text.lstrip().startswith("{") else {}
    if not isinstance(value, _Members):
        return {}
    if len({name for name, _ in value}) == len(value):
        return _storable(value)
    return _unambiguous(value)


class _Members(list[tuple[str, object]]):
    """The members of one JSON object, those with the same name included."""


def _unambiguous(pairs: Iterable[tuple[str, object]]) -> Fields:
    found: dict[str, list[object]] = {}
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    ours = ((name, values[0]) for name, values in found.items() if len(values) == 1 or name in {"UniqueId", "Token"})
    fields = _storable(ours)
    fields.pop("Phone", None)
    return fields


def _storable(pairs: Iterable[tuple[str, object]]) -> Fields:
    """Keep texts, numbers as texts, and lists of them."""
    fields: Fields = {}
    for name, value in pairs:
        if isinstance(value, bool):
            fields[_clean(name)] = "true" if value else "false"
        elif isinstance(value, str):
            fields[_clean(name)] = _clean(value)
        elif isinstance(value, list) and not isinstance(value, _Members):
            fields[_clean(name)] = [_clean(each) for each in value if isinstance(each, str)]
    return fields


def _clean(text: str) -> str:
    return _UNSTORABLE.sub("\ufffd", text)


def _text_of(value: str | list[str]) -> str:
    return value if isinstance(value, str) else ""


def _take_token(fields: Fields) -> str:
    """Remove every spelling of Token, so that none is stored; return the one that the contract names."""
    token = _text_of(fields.get("Token", ""))
    for name in [name for name in fields if name.strip().casefold() == "token"]:
        del fields[name]
    return token
