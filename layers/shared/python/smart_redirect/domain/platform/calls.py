"""Past calls: the platform's calls and their participants as our calls, with who talked in what order."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo

from smart_redirect.domain.caller_history import CallTalk
from smart_redirect.domain.enterprise import Enterprise, Extension
from smart_redirect.domain.event_fields import CallType, epoch_of, is_sensible, parse_extensions, parse_time
from smart_redirect.domain.facts import Talk
from smart_redirect.domain.history import CallStatus, Participant
from smart_redirect.domain.phone import normalise
from smart_redirect.domain.platform.report import Report
from smart_redirect.domain.platform.values import Row, text, whole

_UNIQUE_ID = re.compile(r"[!-~]{1,150}")
_TYPES = {
    **dict.fromkeys(("0", "in", "incoming", "inbound"), CallType.INBOUND),
    **dict.fromkeys(("1", "out", "outgoing", "outbound"), CallType.OUTBOUND),
    **dict.fromkeys(("2", "internal", "local"), CallType.INTERNAL),
}
_ANSWERED = {"2", "answered", "answer", "success"}
# A call without an end that began later than this may still go on, seconds.
_GOES_ON = 4 * 3600
_QUARTER = 900
_LARGEST_DRIFT = 15 * 3600
_LONGEST_TEXT = 256
_LONGEST_LINE = 64


@dataclass(frozen=True, slots=True)
class PastCall:
    """A call that is over; `caller` is E.164, times are Unix times, `own` has the extensions that are ours."""

    unique_id: str
    started_at: float
    phone: str
    caller: str | None
    line_id: str
    call_type: CallType
    answered_at: float | None
    ended_at: float | None
    participants: tuple[Participant, ...]
    talks: tuple[Talk, ...]
    own: Mapping[str, Extension]
    answered: bool

    @property
    def status(self) -> CallStatus:
        """Whether anybody answered."""
        return CallStatus.ANSWERED if self.answered else CallStatus.NO_ANSWER

    @property
    def key(self) -> str:
        """As caller_history names the call; its host is not known."""
        return f"0/{self.unique_id}"


@dataclass(frozen=True, slots=True)
class _Times:
    """Reads a call's times; `drift` is how far the platform's clock is from the host's, in whole quarter hours."""

    zone: tzinfo
    now: float
    drift: float = 0.0

    def read(self, value: object) -> float | None:
        at = parse_time(text(value), self.zone, self.now)
        return None if at is None else round(at - self.drift, 3)


class CallReader:
    """Reads calls by what the enterprise has once its settings are taken over."""

    def __init__(self, enterprise: Enterprise, zone: tzinfo, now: float, report: Report) -> None:
        self._enterprise = enterprise
        self._zone = zone
        self._now = now
        self._report = report

    def read(self, row: Row, participants: Sequence[Row]) -> PastCall | None:
        """Return the call, None if it cannot be taken over; the report says why."""
        unique_id, call_type = text(row["unique_id"]), _TYPES.get(text(row.get("call_type")).lower())
        started_at, times = self._start(row, unique_id)
        ended_at = times.read(row.get("end_time"))
        wrong = _what_is_wrong(unique_id, call_type, started_at)
        if not wrong and ended_at is None and started_at is not None and started_at > self._now - _GOES_ON:
            wrong = "it may not be over yet: import again later"
        if wrong or call_type is None or started_at is None:
            self._report.left_out("calls", row["id"], wrong)
            return None
        took_part = _participants(row, participants, (started_at, times))
        own = self._own(took_part)
        answered_at = min((each.answered_at for each in took_part if each.answered_at is not None), default=None)
        says_answered = text(row.get("call_status")).lower() in _ANSWERED
        return PastCall(
            unique_id=unique_id,
            started_at=started_at,
            phone=text(row.get("phone_number"))[:_LONGEST_TEXT],
            caller=self._caller(row),
            line_id=text(row.get("trunk"))[:_LONGEST_LINE],
            call_type=call_type,
            answered_at=answered_at if answered_at is not None or not says_answered else started_at,
            ended_at=None if ended_at is None else max(ended_at, started_at),
            participants=took_part,
            talks=_talks(took_part, own),
            own=own,
            answered=says_answered or answered_at is not None,
        )

    def _start(self, row: Row, unique_id: str) -> tuple[float | None, _Times]:
        """Take the epoch in the UniqueId for the start, because events of the call do; else what the row says."""
        times = _Times(self._zone, self._now)
        written = times.read(row.get("start_time"))
        if written is None:
            written = times.read(row.get("timestamp"))
        epoch = epoch_of(unique_id)
        if epoch is None or not is_sensible(epoch, self._now):
            return written, times
        drift = 0.0 if written is None else round((written - epoch) / _QUARTER) * float(_QUARTER)
        return epoch, _Times(self._zone, self._now, drift if abs(drift) <= _LARGEST_DRIFT else 0.0)

    def _caller(self, row: Row) -> str | None:
        """Return the other side's number, None if there is none or it is one of our own."""
        line = self._enterprise.lines.get(text(row.get("trunk")))
        phone = text(row.get("phone_number"))
        caller = normalise(phone, self._enterprise.country, line.area_code if line else "")
        return None if caller is not None and self._enterprise.is_own(phone, caller) else caller

    def _own(self, participants: Iterable[Participant]) -> dict[str, Extension]:
        found = ((each.extension, self._enterprise.extension(each.extension)) for each in participants)
        return {name: extension for name, extension in found if extension is not None}


def _talks(participants: Iterable[Participant], own: Mapping[str, Extension]) -> tuple[Talk, ...]:
    """List who talked, in the order of the answers."""
    talked = [(each.answered_at, each.ring_order, each.extension) for each in participants if each.answered_at]
    return tuple(
        Talk(name, own[name].internal_id if name in own else None, own[name].user_id if name in own else None, at or 0)
        for at, _, name in sorted(talked)
    )


def _what_is_wrong(unique_id: str, call_type: CallType | None, started_at: float | None) -> str:
    if not _UNIQUE_ID.fullmatch(unique_id):
        return "its unique_id is empty or holds characters that no UniqueId has"
    if call_type is None:
        return "its call_type is unknown"
    return "" if started_at is not None else "its start is in no column, or more than ten years ago"


def _participants(row: Row, rows: Sequence[Row], when: tuple[float, _Times]) -> tuple[Participant, ...]:
    """List who was rung, in order; of an answered call that names one extension only, that one answered."""
    started_at, times = when
    ordered = sorted(rows, key=lambda each: (whole(each.get("ring_order")) or 1 << 15, text(each["extension"])))
    found: dict[str, float | None] = {}
    for each in ordered:
        for name in parse_extensions(text(each["extension"]))[:1]:
            at = _answer_time(each, started_at, times)
            found[name] = at if found.get(name) is None else found[name]
    if not any(at is not None for at in found.values()) and text(row.get("call_status")).lower() in _ANSWERED:
        names = {*found, *parse_extensions(text(row.get("main_extension")))}
        found |= {name: started_at for name in names if len(names) == 1}
    return tuple(
        Participant(name, order, CallStatus.NO_ANSWER if at is None else CallStatus.ANSWERED, at)
        for order, (name, at) in enumerate(found.items(), start=1)
    )


def _answer_time(row: Row, started_at: float, times: _Times) -> float | None:
    if text(row.get("participant_status")).lower() not in _ANSWERED:
        return None
    at = times.read(row.get("answer_time"))
    return started_at if at is None else max(at, started_at)


def counted_talks(call: PastCall, *, count_outgoing: bool) -> tuple[CallTalk, ...]:
    """Return the talks that feed the caller's history: inbound ones of our extensions, outbound ones if counted."""
    counts = call.call_type is CallType.INBOUND or (call.call_type is CallType.OUTBOUND and count_outgoing)
    if not counts or call.caller is None:
        return ()
    talks = (CallTalk(call.key, talk, place) for place, talk in enumerate(call.talks))
    return tuple(each for each in talks if each.talk.internal_id is not None)
