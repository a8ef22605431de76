"""The Protocols that the call path needs from the outside; each has an in-memory form in adapters/memory.py.

What is made anew for each call is a named tuple: a frozen dataclass sets its fields one by one, which costs twice to
five times as much, 1 to 2 µs each (docs/performance.md).
"""

from typing import NamedTuple, Protocol

from smart_redirect.domain.decision import Decision
from smart_redirect.domain.enterprise import Enterprise
from smart_redirect.domain.facts import CallerFacts, Contact

_FAILURE = 500


class FactsQuestion(NamedTuple):
    """Which caller's facts are wanted, and which version of the settings the asker has."""

    enterprise_id: int
    caller: str | None
    version: int


class FactsAnswer(NamedTuple):
    """The caller's facts and, when the asker's settings are not the current ones, the current ones.

    `cache_epoch` rises when the caches are to be cleared.
    """

    facts: CallerFacts
    cache_epoch: int
    all_switched_off: bool
    newer: Enterprise | None = None


class DecisionRecord(NamedTuple):
    """One decided call, as it is logged, counted and stored; times in milliseconds, ages in seconds."""

    enterprise: Enterprise
    host_id: int | None
    unique_id: str
    line_id: str
    phone: str
    decision: Decision
    facts_source: str
    settings_age_s: float
    read_ms: float
    facts_ms: float
    total_ms: float


class Refusal(NamedTuple):
    """One request that got no decision, as it is logged, counted and stored; the time in milliseconds.

    `enterprise` is None as long as the token has named none. `left_out` is how many of its kind were only counted since
    the last that was written; None: so is this one, because anybody can cause too many of them.
    """

    reason: str
    status: int
    address: str
    total_ms: float
    enterprise: Enterprise | None = None
    host_id: int | None = None
    unique_id: str = ""
    line_id: str = ""
    phone: str = ""
    left_out: int | None = 0

    @property
    def is_failure(self) -> bool:
        """Tell whether the fault is ours, not the asker's."""
        return self.status >= _FAILURE


class SettingsSource(Protocol):
    """Where snapshots come from."""

    async def load(self, token_hash: bytes, deadline: float) -> Enterprise | None:
        """Return the token's enterprise, None if there is none; DatabaseUnavailable by the deadline."""

    async def reload(self, enterprise_id: int, deadline: float) -> Enterprise | None:
        """Return the current snapshot, None if the enterprise is gone; DatabaseUnavailable by the deadline."""


class CallerFactsSource(Protocol):
    """Where a caller's facts come from, in one round trip."""

    async def ask(self, question: FactsQuestion, deadline: float) -> FactsAnswer | None:
        """Return the facts, None if the enterprise is gone; DatabaseUnavailable by the deadline.

        The deadline is a time of the event loop's clock, in seconds.
        """


class Missed(NamedTuple):
    """Whom the mirrors of some connections lack, where their word would count; `epoch` is that of the caches."""

    enterprise: Enterprise
    caller: str
    epoch: int
    connections: frozenset[int]


class MissFiller(Protocol):
    """Who is asked when the mirror does not know a caller."""

    def may_know(self, enterprise: Enterprise) -> bool:
        """Tell whether there may be a CRM to ask: False saves every call of an enterprise that has none."""

    async def __call__(self, call: Missed, deadline: float) -> tuple[Contact, ...]:
        """Return what the CRMs know of a caller by the deadline (the loop's clock, seconds); never raises.

        A risen epoch forgets what was kept of earlier look-ups.
        """


class DecisionLog(Protocol):
    """Where decision records go; the call never waits for it."""

    def write(self, record: DecisionRecord) -> None:
        """Take one record; must not block, await or raise."""

    def refused(self, refusal: Refusal) -> None:
        """Count a request that got no decision, and write it unless it is left out; must not block, await or raise."""


class Normalise(Protocol):
    """How a phone becomes E.164."""

    def __call__(self, raw: str, country: str, area_code: str = "") -> str | None:
        """Return the caller's number with its plus, or None when it is not a full public number."""


class Clock(Protocol):
    """A monotonic clock in seconds: the event loop's."""

    def __call__(self) -> float:
        """Return the time now."""
