"""The Protocols that the call history needs from the outside: a durable queue, and a ledger of calls."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from typing import Protocol

from smart_redirect.domain.caller_history import CallerHistory, CallTalk
from smart_redirect.domain.event import ReceivedEvent
from smart_redirect.domain.event_fields import StoredEvent
from smart_redirect.domain.facts import Talk
from smart_redirect.domain.history import Call


class EventQueue(Protocol):
    """Where events wait to be recorded."""

    async def put(self, event: ReceivedEvent) -> None:
        """Return when the event is durable; QueueUnavailable if it could not be made so."""


@dataclass(frozen=True, slots=True)
class OwnLine:
    """An external line, as far as the history needs it."""

    id: str
    number: str = ""
    area_code: str = ""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where an event is from; `host_id` is 0 when the host could not be told, `refused` means a wrong address."""

    enterprise_id: int
    host_id: int = 0
    refused: bool = False
    country: str = "BY"
    zone: tzinfo = UTC
    count_outgoing: bool = False
    lines: Mapping[str, OwnLine] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CallKey:
    """Which call; `started_at` is the epoch in its UniqueId, or what stands for it, as a Unix time.

    A call with a `doubtful` start keeps the start that its row was first stored with.
    """

    origin: Origin
    unique_id: str
    started_at: float
    doubtful: bool = False

    @property
    def text(self) -> str:
        """As caller_history names the call."""
        return f"{self.origin.host_id}/{self.unique_id}"


@dataclass(frozen=True, slots=True)
class OwnExtension:
    """Whose an extension is; both None when it is not the enterprise's."""

    internal_id: int | None = None
    user_id: int | None = None


@dataclass(frozen=True, slots=True)
class CallRow:
    """A call as it is stored: `caller` is E.164, `talks` holds the extensions that are not ours too."""

    call: Call
    caller: str | None
    talks: tuple[Talk, ...]
    extensions: Mapping[str, OwnExtension]
    events: tuple[StoredEvent, ...]


class OpenCall(Protocol):
    """One call whose row is locked until its context ends; all changes take effect together."""

    key: str
    started_at: float
    events: tuple[StoredEvent, ...]
    caller: str | None
    had_talks: bool
    extensions: Mapping[str, OwnExtension]

    async def find_extensions(self, numbers: Sequence[str]) -> Mapping[str, OwnExtension]:
        """Return those of the numbers that are the enterprise's: exact, else without leading zeros if unique."""

    async def save(self, row: CallRow) -> None:
        """Store the call and its participants."""

    async def history_of(self, caller: str) -> CallerHistory | None:
        """Return a caller's history, locked until the context ends."""

    async def other_talks(self, caller: str) -> tuple[CallTalk, ...]:
        """Return the first and the last talk of the caller in all calls but this one."""

    async def save_history(self, caller: str, history: CallerHistory | None) -> None:
        """Store a caller's history; None removes it."""


class Ledger(Protocol):
    """The calls of all enterprises. Everything raises DatabaseUnavailable when it may work later."""

    async def origin(self, token_hash: bytes, address: str) -> Origin | None:
        """Return where an event is from, None for an unknown token."""

    def open(self, key: CallKey) -> AbstractAsyncContextManager[OpenCall]:
        """Begin a transaction that holds the call's row, made if it is new."""

    async def bury(self, message: str, reason: str) -> None:
        """Keep an event that can not be recorded where an operator finds it."""
