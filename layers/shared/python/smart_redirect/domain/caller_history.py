"""The history of one caller: who talked first in the first answered call, who last in the last one."""

from collections.abc import Iterable
from dataclasses import dataclass

from smart_redirect.domain.facts import Talk


@dataclass(frozen=True, slots=True)
class CallTalk:
    """A talk and the call that it was in; `place` is its rank among the talks of that call."""

    call: str
    talk: Talk
    place: int = 0

    @property
    def order(self) -> tuple[float, str, int]:
        """By the time of the answer; calls answered in the same moment by their keys, so that arrival never counts."""
        return (self.talk.at, self.call, self.place)


@dataclass(frozen=True, slots=True)
class CallerHistory:
    """The two ends of a caller's history."""

    first: CallTalk
    last: CallTalk


def ends_of(talks: Iterable[CallTalk | None]) -> CallerHistory | None:
    """Return the first and the last of some talks, None of none."""
    known = sorted((talk for talk in talks if talk is not None), key=lambda talk: talk.order)
    return CallerHistory(known[0], known[-1]) if known else None


def ends_outside(history: CallerHistory | None, call: str) -> tuple[CallTalk, ...]:
    """Return what a history knows from other calls than this one."""
    if history is None:
        return ()
    return tuple(end for end in (history.first, history.last) if end.call != call)


def needs_other_calls(history: CallerHistory | None, call: str, talks: tuple[CallTalk, ...]) -> bool:
    """Tell whether this call no longer holds an end that it held: then another call may hold it now."""
    if history is None:
        return False
    ours = ends_of(talks)
    lost_first = history.first.call == call and (ours is None or ours.first.talk.at > history.first.talk.at)
    lost_last = history.last.call == call and (ours is None or ours.last.talk.at < history.last.talk.at)
    return lost_first or lost_last
