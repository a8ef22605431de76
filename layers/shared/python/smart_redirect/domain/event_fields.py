"""What the fields of a call event mean: extensions, talks, times and the epoch in a UniqueId."""

import hashlib
import json
import re
from dataclasses import dataclass
from datetime import datetime, tzinfo
from enum import IntEnum

from smart_redirect.domain.event import EventKind

_TEN_YEARS = 3653 * 86400
_DAY = 86400
_EPOCH = re.compile(r"(?:^|-)([0-9]{1,12})\.[0-9]+$")
# A channel's name: technology, peer, and what Asterisk adds to tell the channels of one peer apart.
_CHANNEL = re.compile(
    r"(?:PJSIP|SIP|IAX2|Local|DAHDI)/([^-&,\s@/]+)(?:/[^-&,\s@]*)?(?:@[^&,\s]*)?(?:-[0-9a-fA-F]{8}(?![0-9a-fA-F]))?",
    re.IGNORECASE,
)
_SEPARATORS = re.compile(r"[,;&\-\s]+")
_LONGEST_EXTENSION = 64
_MOST_EXTENSIONS = 100
_LONGEST_PHONE = 256
_LONGEST_LINE = 64


class CallType(IntEnum):
    """Which way a call goes, as hosts number it."""

    INBOUND = 0
    OUTBOUND = 1
    INTERNAL = 2


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """One distinct event of a call as the calls table keeps it; `received_at` is when it first came."""

    kind: EventKind
    body: str
    received_at: float

    @property
    def digest(self) -> str:
        """The same for an event that is sent again."""
        return hashlib.sha256(f"{self.kind} {self.body}".encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Answer:
    """An extension began to talk; `at` is a Unix time in seconds."""

    extension: str
    at: float


@dataclass(frozen=True, slots=True)
class CallEvent:
    """An event with its fields read; times are Unix times, None when not given or nonsense.

    `talks` is None when the host does not report talks, empty when it reports that nobody talked.
    """

    kind: EventKind
    digest: str
    received_at: float
    phone: str = ""
    line_id: str = ""
    call_type: CallType | None = None
    extensions: tuple[str, ...] = ()
    talks: tuple[Answer, ...] | None = None
    answered: bool = False
    at: float | None = None
    started_at: float | None = None
    ended_at: float | None = None


def read_event(stored: StoredEvent, zone: tzinfo) -> CallEvent:
    """Read the fields of an event; times without a zone are in `zone`."""
    fields = json.loads(stored.body)

    def text(*names: str) -> str:
        return next((value.strip() for name in names if isinstance(value := fields.get(name), str)), "")

    def time(name: str) -> float | None:
        return parse_time(text(name), zone, stored.received_at)

    hangup = stored.kind is EventKind.HANGUP
    return CallEvent(
        kind=stored.kind,
        digest=stored.digest,
        received_at=stored.received_at,
        phone=text("Phone")[:_LONGEST_PHONE],
        line_id=text("Trunk", "TrunkId")[:_LONGEST_LINE],
        call_type=_call_type(text("CallType")),
        extensions=parse_extensions(fields.get("Extensions", "")),
        talks=parse_talks(fields["Talks"], stored.received_at) if hangup and "Talks" in fields else None,
        answered=hangup and text("CallStatus") == "2",
        at=time("Time"),
        started_at=time("StartTime"),
        ended_at=time("EndTime"),
    )


def _call_type(text: str) -> CallType | None:
    return CallType(int(text)) if text in {"0", "1", "2"} else None


def parse_extensions(value: str | list[str]) -> tuple[str, ...]:
    """List the extensions in a JSON list, `150,151`, `150-151`, `SIP/150&SIP/151` or channel names."""
    texts = [value] if isinstance(value, str) else value
    found = [part for text in texts for part in _SEPARATORS.split(_CHANNEL.sub(r" \1 ", text))]
    named = (part.strip("\"'[]") for part in found)
    return tuple(dict.fromkeys(each for each in named if 0 < len(each) <= _LONGEST_EXTENSION))[:_MOST_EXTENSIONS]


def parse_talks(value: str | list[str], received_at: float) -> tuple[Answer, ...]:
    """List who talked, in order, from `150@1795417801,151@1795417850`; a nonsense epoch becomes `received_at`."""
    entries = value.split(",") if isinstance(value, str) else value
    answers = (_answer(entry, received_at) for entry in entries[:_MOST_EXTENSIONS])
    return tuple(answer for answer in answers if answer is not None)


def _answer(entry: str, received_at: float) -> Answer | None:
    # The epoch is behind the last @: a Local channel's name has one of its own.
    who, _, epoch = entry.rpartition("@") if "@" in entry else (entry, "", "")
    extensions = parse_extensions(who)
    if not extensions:
        return None
    at = _number(epoch.strip())
    return Answer(extensions[0], at if at is not None and is_sensible(at, received_at) else received_at)


def parse_time(text: str, zone: tzinfo, received_at: float) -> float | None:
    """Read an epoch or `YYYY-MM-DD HH:MM:SS` in `zone`; None when it is neither or nonsense."""
    at = _number(text)
    if at is None:
        try:
            moment = datetime.fromisoformat(text)
            at = (moment if moment.tzinfo else moment.replace(tzinfo=zone)).timestamp()
        except (ValueError, OverflowError, OSError):
            return None
    return at if is_sensible(at, received_at) else None


def _number(text: str) -> float | None:
    # Milliseconds are what the database gives back unchanged.
    return round(float(text), 3) if re.fullmatch(r"[0-9]{1,12}(?:\.[0-9]{1,9})?", text) else None


def is_sensible(at: float, now: float) -> bool:
    """Tell whether a time is not more than ten years ago nor more than a day ahead."""
    return now - _TEN_YEARS <= at <= now + _DAY


def epoch_of(unique_id: str) -> float | None:
    """Return the epoch in `1795417798.12` or `hostname-1795417798.12`."""
    found = _EPOCH.search(unique_id)
    return float(found[1]) if found else None
