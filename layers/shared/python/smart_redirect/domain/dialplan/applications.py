"""Writes steps as Asterisk's applications: the only place, with render.py, that knows its syntax."""

from collections.abc import Iterable, Iterator
from typing import assert_never

from smart_redirect.domain.dialplan.dialects import Syntax
from smart_redirect.domain.dialplan.plan import OUTGOING_BY_EXTENSION
from smart_redirect.domain.dialplan.steps import (
    Answer,
    AskKey,
    AskService,
    Begin,
    CallerMatches,
    CallKind,
    Desk,
    DialAs,
    DialledMatches,
    During,
    Hangup,
    HideCustomer,
    Jump,
    KeyIs,
    LeaveOffice,
    LineIs,
    Nothing,
    Play,
    Record,
    Ring,
    RingPhones,
    RouteGiven,
    Step,
    TakeLine,
    Target,
    Test,
    TryTrunk,
)

NOOP, HANGUP = "NoOp()", "Hangup()"
BACK_TO_LINE = "Goto(from-out-office,${EXTEN},lines)"
SAME_NUMBER = "${EXTEN},1"
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_EVERY_DAY = tuple(range(7))
_FIXED: dict[type, str] = {
    Nothing: NOOP,
    Answer: "Answer()",
    TakeLine: "Set(INCALL=${EXTEN})",
    Hangup: HANGUP,
    # A Local leg belongs to a call that is recorded already, and a call that was transferred out is too.
    Record: 'ExecIf($["${SR_LEG}" != "1" & "x${MIXMONITOR_FILENAME}" = "x"]?MixMonitor(${UNIQUEID}.wav,b))',
}


def applications(step: Step, syntax: Syntax) -> Iterator[str]:
    """Yield the applications of a step, one a priority; priorities.py says how many."""
    match step:
        case RingPhones():
            yield from ring(step.ring, syntax, music=step.music)
        case TryTrunk():
            yield from _try_trunk(step, syntax)
        case HideCustomer():
            yield "Set(CALLERID(name)=)"
            yield 'ExecIf($["x${LOCAL}" != "x"]?Set(CALLERID(num)=${LOCAL}))'
        case LeaveOffice():
            yield from _leave_office()
        case _:
            yield _single(step, syntax)


def _single(step: Step, syntax: Syntax) -> str:
    match step:
        case Jump():
            return jump(step)
        case Begin():
            return _begin(step, syntax)
        case AskService():
            return syntax.routine("getcustomerdata")
        case Play():
            return f"Playback({step.sound})"
        case AskKey():
            return f"Read(SR_KEY,{step.sound},1,,1,{step.seconds})"
        case DialAs():
            return f"Goto({step.context},${{SR_DIALLED}},1)"
        case _:
            return _FIXED[type(step)]


def _begin(step: Begin, syntax: Syntax) -> str:
    match step.kind:
        case CallKind.INBOUND:
            return syntax.routine("incall_start")
        case CallKind.INTERNAL:
            return syntax.routine("incall_start", step.kind)
        case CallKind.OUTBOUND:
            return syntax.routine("incall_start", step.kind, step.line, "${EXTEN}")


def ring(rings: Ring, syntax: Syntax, music: str = "") -> tuple[str, ...]:
    """Return the four applications that ring phones."""
    options = f"m({music}){syntax.on_answer}" if music else syntax.on_answer
    return (
        f"Set(__LOCAL={rings.local})",
        f"Set(RING={dial_list(rings.targets, syntax)})",
        syntax.routine("incall_dial", "${RING}"),
        f"Dial(${{RING}},{rings.seconds},{options})",
    )


def dial_list(targets: Iterable[Target], syntax: Syntax) -> str:
    """Return what Dial rings: devices with & between them."""
    return "&".join(
        f"{syntax.phone}/{target.number}" if isinstance(target, Desk) else f"Local/{target.digits}@{target.context}"
        for target in targets
    )


def _try_trunk(step: TryTrunk, syntax: Syntax) -> Iterator[str]:
    yield f"Set(CALLERID(num)={step.caller_id})" if step.caller_id else NOOP
    yield f"Set(RING={syntax.phone}/{step.prefix}${{EXTEN}}@{step.line})"
    yield syntax.routine("incall_dial", "${RING}")
    yield f"Dial(${{RING}},{step.seconds},{syntax.on_answer})"
    # Busy or no answer is the other side's: only a line that could not dial leads on to the next one.
    yield 'ExecIf($["${DIALSTATUS}" != "CHANUNAVAIL" & "${DIALSTATUS}" != "CONGESTION"]?Hangup())'


def _leave_office() -> Iterator[str]:
    """A blind transfer leaves as a call of the one who transferred. What was dialled is cut down to digits."""
    yield "Set(SR_DIALLED=${FILTER(0-9*#,${EXTEN})})"
    yield 'Set(SR_PEER=${IF($["x${BLINDTRANSFER}" = "x"]?${CHANNEL(name)}:${BLINDTRANSFER})})'
    yield "Set(SR_EXT=${CUT(SR_PEER,/,2)})"
    yield "Set(SR_EXT=${FILTER(0-9,${CUT(SR_EXT,-,1)})})"
    yield 'ExecIf($["x${SR_CREDIT}" = "x"]?Set(__SR_CREDIT=${SR_EXT}))'
    found = f"${{DIALPLAN_EXISTS({OUTGOING_BY_EXTENSION},${{SR_EXT}},1)}}"
    yield f"GotoIf({found}?{OUTGOING_BY_EXTENSION},${{SR_EXT}},1)"
    yield HANGUP


def jump(step: Jump) -> str:
    """Return a Goto, or the test and its jump."""
    if step.when is None:
        return f"Goto({step.context},{SAME_NUMBER})"
    if isinstance(step.when, RouteGiven):
        return 'GotoIf($["${NEXT}" != ""]?${NEXT},${INCALL},1)'
    if isinstance(step.when, During):
        return f"GotoIfTime({_time(step.when)}?{step.context},{SAME_NUMBER})"
    return f"GotoIf($[{_condition(step.when)}]?{step.context},{SAME_NUMBER})"


def _time(when: During) -> str:
    first, last = (f"{minute // 60:02}:{minute % 60:02}" for minute in (when.first, when.last))
    days = "*" if when.days == _EVERY_DAY else "&".join(_DAYS[day] for day in when.days)
    return f"{first}-{last},{days},*,*,{when.zone}"


def _condition(when: Test) -> str:
    """The x keeps Asterisk from comparing 0001363 and 1363 as numbers."""
    match when:
        case LineIs():
            return f'"x${{EXTEN}}" = "x{when.line}"'
        case KeyIs():
            return f'"x${{SR_KEY}}" = "x{when.key}"'
        case CallerMatches():
            return f'"${{REGEX("{when.expression}" ${{SR_PHONE.${{UNIQUEID}}}})}}" = "1"'
        case DialledMatches():
            return f'"${{REGEX("{when.expression}" ${{EXTEN}})}}" = "1"'
        case RouteGiven() | During():
            raise TypeError(f"{when} is no expression")
        case _:
            assert_never(when)
