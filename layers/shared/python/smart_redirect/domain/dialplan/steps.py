"""What a call meets, step by step, as values: phones that ring, tests, jumps. No syntax of Asterisk is known here."""

from dataclasses import dataclass
from enum import StrEnum


class CallKind(StrEnum):
    """Whose call begins: what the routine incall_start takes as its first argument."""

    INBOUND = "0"
    OUTBOUND = "1"
    INTERNAL = "2"


# What rings.


@dataclass(frozen=True, slots=True)
class Desk:
    """The phone of an extension."""

    number: str


@dataclass(frozen=True, slots=True)
class Outside:
    """A number outside, dialled through an outgoing context."""

    digits: str
    context: str


Target = Desk | Outside


@dataclass(frozen=True, slots=True)
class Ring:
    """Phones that ring together; an answer outside is credited to the extension `local`."""

    local: str
    targets: tuple[Target, ...]
    seconds: int


# When a jump is taken.


@dataclass(frozen=True, slots=True)
class RouteGiven:
    """The service has named a context for this call."""


@dataclass(frozen=True, slots=True)
class LineIs:
    """The call came in on this line."""

    line: str


@dataclass(frozen=True, slots=True)
class CallerMatches:
    """The caller's number matches a pattern (a regular expression)."""

    expression: str


@dataclass(frozen=True, slots=True)
class DialledMatches:
    """The number that an employee dialled matches a pattern (a regular expression)."""

    expression: str


@dataclass(frozen=True, slots=True)
class KeyIs:
    """The caller pressed this key."""

    key: str


@dataclass(frozen=True, slots=True)
class During:
    """The time is between two minutes of the day, both included, on some days (0 is Monday), in a time zone."""

    first: int
    last: int
    days: tuple[int, ...]
    zone: str


Test = RouteGiven | LineIs | CallerMatches | DialledMatches | KeyIs | During


# Steps. Each kind always takes the same number of priorities, whatever is in it: a call may be between two of them
# when the host loads the next release.


@dataclass(frozen=True, slots=True)
class Nothing:
    """Keeps the place of a step that this enterprise does not use."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Take the call."""


@dataclass(frozen=True, slots=True)
class Record:
    """Record the talk; a Local leg of a recorded call is not recorded twice."""


@dataclass(frozen=True, slots=True)
class TakeLine:
    """Remember which line the call came in on."""


@dataclass(frozen=True, slots=True)
class Begin:
    """A call begins; `line` is the one that an outbound call leaves by."""

    kind: CallKind
    line: str = ""


@dataclass(frozen=True, slots=True)
class AskService:
    """Ask who is calling and where the call should go."""


@dataclass(frozen=True, slots=True)
class Play:
    """Play a sound."""

    sound: str


@dataclass(frozen=True, slots=True)
class AskKey:
    """Play a sound, if there is one, and wait for one key."""

    sound: str
    seconds: int


@dataclass(frozen=True, slots=True)
class RingPhones:
    """Ring phones; `music` is what the caller hears instead of the ringing tone."""

    ring: Ring
    music: str = ""


@dataclass(frozen=True, slots=True)
class HideCustomer:
    """A leg to a mobile is not shown the customer's name, and leaves as a call of the credited extension would."""


@dataclass(frozen=True, slots=True)
class TryTrunk:
    """Dial the number outside by a line; go on only if the line itself could not do it."""

    line: str
    prefix: str
    caller_id: str
    seconds: int


@dataclass(frozen=True, slots=True)
class LeaveOffice:
    """Find the outgoing context of the extension that dials, and go there."""


@dataclass(frozen=True, slots=True)
class DialAs:
    """Go to an outgoing context with the number that was dialled."""

    context: str


@dataclass(frozen=True, slots=True)
class Jump:
    """Go to another context, always or when a test holds."""

    context: str
    when: Test | None = None


@dataclass(frozen=True, slots=True)
class Hangup:
    """End the call."""


Step = (
    Nothing
    | Answer
    | Record
    | TakeLine
    | Begin
    | AskService
    | Play
    | AskKey
    | RingPhones
    | HideCustomer
    | TryTrunk
    | LeaveOffice
    | DialAs
    | Jump
    | Hangup
)
