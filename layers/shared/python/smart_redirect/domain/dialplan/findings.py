"""What is wrong with an enterprise's settings or with a dialplan, in words for the person who can put it right."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from smart_redirect.errors import SmartRedirectError


class Severity(StrEnum):
    """An error keeps a dialplan from being published; a warning says what was left out of it."""

    ERROR = "error"
    WARNING = "warning"


class Kind(StrEnum):
    """What was found."""

    UNSAFE_TEXT = "unsafe_text"
    LINE_ID = "line_id"
    SCHEME = "scheme"
    MISSING_CONTEXT = "missing_context"
    MISSING_ROUTINE = "missing_routine"
    DUPLICATE_CONTEXT = "duplicate_context"
    DUPLICATE_NUMBER = "duplicate_number"
    ENDLESS_CYCLE = "endless_cycle"
    NOTHING_TO_RING = "nothing_to_ring"
    RING_TIME = "ring_time"
    FOREIGN_EXTENSION = "foreign_extension"
    RINGS_ITSELF = "rings_itself"
    OWN_LINE = "own_line"
    UNDIALLABLE = "undiallable"
    NO_OUTGOING = "no_outgoing"
    NO_FALLBACK = "no_fallback"
    NO_SCHEME = "no_scheme"


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One thing that was found; `row` names what the operator has to look at."""

    severity: Severity
    kind: Kind
    row: str
    text: str

    def __str__(self) -> str:
        return f"{self.severity}: {self.row}: {self.text} ({self.kind})"


class DialplanInvalid(SmartRedirectError):
    """The dialplan has errors and must not be written."""

    def __init__(self, findings: Iterable[Finding]) -> None:
        self.findings = tuple(findings)
        super().__init__("\n".join(map(str, self.findings)))


class Findings:
    """Collects what a build finds; each finding once, in an order of its own."""

    def __init__(self) -> None:
        self._found: set[Finding] = set()

    def error(self, kind: Kind, row: str, text: str) -> None:
        """Note what keeps the dialplan from being published."""
        self._found.add(Finding(Severity.ERROR, kind, row, text))

    def warn(self, kind: Kind, row: str, text: str) -> None:
        """Note what the dialplan goes without."""
        self._found.add(Finding(Severity.WARNING, kind, row, text))

    def all(self) -> tuple[Finding, ...]:
        """Return the findings, errors first."""
        return tuple(sorted(self._found))


def errors(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return those that keep a dialplan from being published."""
    return tuple(finding for finding in findings if finding.severity is Severity.ERROR)
