"""The history of calls: the events of one call folded into what happened, in whatever order they came."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from smart_redirect.domain.event import EventKind
from smart_redirect.domain.event_fields import Answer, CallEvent, CallType

_RANK = {EventKind.START: 0, EventKind.DIAL: 1, EventKind.HANGUP: 2}
# Nobody waits longer for an answer; a StartTime further off is in another time zone than the enterprise's.
_LONGEST_WAIT = 3600


class CallStatus(StrEnum):
    """How far a call, or the ringing of one extension, has come."""

    RINGING = "ringing"
    ANSWERED = "answered"
    NO_ANSWER = "no_answer"


@dataclass(frozen=True, slots=True)
class Participant:
    """An extension that was rung or talked; `answered_at` is a Unix time."""

    extension: str
    ring_order: int
    status: CallStatus
    answered_at: float | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """What happened in one call; `answers` are all that talked, in order of their answers."""

    phone: str = ""
    line_id: str = ""
    call_type: CallType = CallType.INBOUND
    status: CallStatus = CallStatus.RINGING
    answered_at: float | None = None
    ended_at: float | None = None
    answers: tuple[Answer, ...] = ()
    participants: tuple[Participant, ...] = ()


def fold(events: Iterable[CallEvent], started_at: float) -> Call:
    """Return what the events of one call say together; their order and repetitions make no difference."""
    known = _in_order(events)
    hangups = [event for event in known if event.kind is EventKind.HANGUP]
    answers = _answers(hangups, started_at)
    status = _status(hangups, answers)
    return Call(
        phone=next((event.phone for event in known if event.phone), ""),
        line_id=next((event.line_id for event in known if event.line_id), ""),
        call_type=next((event.call_type for event in known if event.call_type is not None), CallType.INBOUND),
        status=status,
        answered_at=_answered_at(hangups, answers, started_at) if status is CallStatus.ANSWERED else None,
        ended_at=max((_ended_at(event, started_at) for event in hangups), default=None),
        answers=answers,
        participants=tuple(_participants(known, answers)),
    )


def _in_order(events: Iterable[CallEvent]) -> list[CallEvent]:
    """Drop repetitions, the earliest copy stays; starts first, hangups last, each by the host's time."""
    earliest: dict[str, CallEvent] = {}
    for event in events:
        kept = earliest.get(event.digest)
        if kept is None or event.received_at < kept.received_at:
            earliest[event.digest] = event
    return sorted(earliest.values(), key=lambda e: (_RANK[e.kind], _happened_at(e), e.digest))


def _happened_at(event: CallEvent) -> float:
    return event.received_at if event.at is None else event.at


def _reports_talks(hangups: Sequence[CallEvent]) -> bool:
    return any(event.talks is not None for event in hangups)


def _answers(hangups: Sequence[CallEvent], started_at: float) -> tuple[Answer, ...]:
    """List who talked: what Talks says, else the one extension that an answered call names.

    Several names are those that were rung: they do not tell who answered.
    """
    if _reports_talks(hangups):
        placed = [(talk.at, place, talk.extension) for event in hangups for place, talk in enumerate(event.talks or ())]
        return tuple(dict.fromkeys(Answer(extension, at) for at, _, extension in sorted(placed)))
    sole = {
        Answer(event.extensions[0], _picked_up_at(event, started_at))
        for event in hangups
        if event.answered and len(event.extensions) == 1
    }
    return tuple(sorted(sole, key=lambda answer: (answer.at, answer.extension)))


def _picked_up_at(event: CallEvent, started_at: float) -> float:
    """Take StartTime for the answer of a host that reports no talks, if it can be that; else the call's start."""
    picked_up = event.started_at
    plausible = picked_up is not None and 0 <= picked_up - started_at < _LONGEST_WAIT
    return picked_up if plausible and picked_up is not None else started_at


def _status(hangups: Sequence[CallEvent], answers: tuple[Answer, ...]) -> CallStatus:
    if answers:
        return CallStatus.ANSWERED
    if not hangups:
        return CallStatus.RINGING
    by_somebody = not _reports_talks(hangups) and any(event.answered for event in hangups)
    return CallStatus.ANSWERED if by_somebody else CallStatus.NO_ANSWER


def _answered_at(hangups: Sequence[CallEvent], answers: tuple[Answer, ...], started_at: float) -> float:
    if answers:
        return answers[0].at
    return min(_picked_up_at(event, started_at) for event in hangups if event.answered)


def _ended_at(event: CallEvent, started_at: float) -> float:
    given = (event.ended_at, event.at)
    return next((at for at in given if at is not None and at >= started_at), event.received_at)


def _participants(known: Sequence[CallEvent], answers: tuple[Answer, ...]) -> Iterable[Participant]:
    """List everyone named, those that were rung first, in the order of ringing."""
    over = any(event.kind is EventKind.HANGUP for event in known)
    missed = CallStatus.NO_ANSWER if over else CallStatus.RINGING
    talked: dict[str, float] = {}
    for answer in answers:
        talked.setdefault(answer.extension, answer.at)
    rung = (name for event in known if event.kind is not EventKind.START for name in event.extensions)
    for order, extension in enumerate(dict.fromkeys((*rung, *talked)), start=1):
        at = talked.get(extension)
        yield Participant(extension, order, missed if at is None else CallStatus.ANSWERED, at)
