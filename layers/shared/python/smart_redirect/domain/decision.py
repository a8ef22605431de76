"""A decision as a value: the answer, the reason, and every candidate that was passed over.

Decisions and candidates are named tuples: they are made anew for each call, and a record is quoted by its candidates;
frozen dataclasses take three times as long for both (docs/performance.md).
"""

from enum import StrEnum
from typing import NamedTuple

from smart_redirect.domain.enterprise import Algorithm


class Reason(StrEnum):
    """Why a decision has the route that it has, or none; each is a row of docs/routing.md."""

    ROUTED = "routed"
    SWITCHED_OFF = "switched_off"
    MODE_OFF = "mode_off"
    LINE_UNKNOWN = "line_unknown"
    LINE_DISABLED = "line_disabled"
    MODE_NAME_ONLY = "mode_name_only"
    ROUTING_OFF_FOR_LINE = "routing_off_for_line"
    NOT_ASKED = "dialplan_not_asked"
    NO_IDENTITY = "no_caller_identity"
    NO_FACTS = "facts_unavailable"
    STALE_SETTINGS = "settings_too_old"
    NO_CANDIDATE = "no_candidate"
    ALL_PASSED_OVER = "all_candidates_passed_over"


class Verdict(StrEnum):
    """What became of one candidate."""

    CHOSEN = "chosen"
    NO_HISTORY = "no_history"
    NOT_IN_CRM = "caller_not_in_crm"
    NO_RESPONSIBLE = "no_responsible"
    NO_EXTENSION = "responsible_without_extension"
    UNKNOWN_EXTENSION = "extension_not_of_enterprise"
    CHANGED_HANDS = "extension_changed_hands"
    NOT_LOADED = "context_not_loaded"
    OUTRANKED = "outranked"


class Candidate(NamedTuple):
    """One possible route: who proposed which extension, and what became of it; `name` is of an outranked owner."""

    algorithm: Algorithm
    verdict: Verdict
    source: str = ""
    extension: str = ""
    context: str = ""
    name: str = ""


class Decision(NamedTuple):
    """The answer to one call; in shadow it is recorded but not given."""

    reason: Reason
    name: str = ""
    context: str | None = None
    algorithm: Algorithm | None = None
    trace: tuple[Candidate, ...] = ()
    name_source: str = ""
    shadow: bool = False
