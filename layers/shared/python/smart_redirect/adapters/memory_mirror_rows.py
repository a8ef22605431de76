"""What the mirrors of CRMs keep, in memory: one value a connection, which the ports in memory stand on."""

import itertools
from collections.abc import Iterable
from dataclasses import dataclass, field

from smart_redirect.domain.crm import Manager
from smart_redirect.errors import DatabaseUnavailable
from smart_redirect.usecases.ports import Clock
from smart_redirect.usecases.ports_mirror import Account, Key

_NEVER = float("-inf")


@dataclass(frozen=True, slots=True)
class ContactRow:
    """One phone of one person; `expires_at` None: the mirror's own."""

    name: str
    responsible_id: str | None
    extension: str | None
    updated_at: float
    expires_at: float | None = None
    is_lead: bool = False


@dataclass(slots=True)
class SyncRow:
    """How far the mirror is; times are the clock's, None: never."""

    next_at: float
    cursor: str | None = None
    walk_done: int = 0
    walk_total: int | None = None
    walked: bool = False
    sweep: int = 0
    sweep_cursor: str | None = None
    is_sweeping: bool = False
    swept_at: float | None = None
    managers_at: float | None = None
    failures: int = 0
    open_until: float = _NEVER
    look_ups_open_until: float = _NEVER
    error: str | None = None


@dataclass(slots=True)
class Lease:
    """Who syncs: the fence of the newest claim, and until when it keeps others out."""

    fence: int = 0
    until: float = _NEVER


@dataclass(slots=True)
class Bucket:
    """Requests that may be sent, as of a time."""

    tokens: float
    filled_at: float


@dataclass(slots=True)
class ConnectionRows:
    """All rows of one connection; contacts by (phone, person), marks and sweeps by person."""

    account: Account
    position: int = 1
    enabled: bool = True
    hook: str = ""
    secret_hash: bytes | None = None
    sync: SyncRow | None = None
    lease: Lease = field(default_factory=Lease)
    bucket: Bucket | None = None
    people: dict[str, int] = field(default_factory=dict)
    contacts: dict[tuple[str, str], ContactRow] = field(default_factory=dict)
    managers: tuple[Manager, ...] = ()
    marks: dict[str, int] = field(default_factory=dict)
    tries: dict[str, int] = field(default_factory=dict)
    misses: dict[str, float] = field(default_factory=dict)

    @property
    def is_usable(self) -> bool:
        """Tell whether there is something to sync by."""
        return self.enabled and bool(self.account.sealed)

    def is_open(self, now: float) -> bool:
        """Tell whether the breaker keeps everybody from asking."""
        return self.sync is not None and self.sync.open_until > now

    def is_open_to_look_ups(self, now: float) -> bool:
        """Tell whether callers may be looked up: neither its breaker nor theirs keeps them from it."""
        return not self.is_open(now) and (self.sync is None or self.sync.look_ups_open_until <= now)

    def drop(self, external_ids: Iterable[str]) -> None:
        """Forget people and their phones."""
        gone = set(external_ids)
        for external_id in gone:
            self.people.pop(external_id, None)
        for place in [each for each in self.contacts if each[1] in gone]:
            del self.contacts[place]


class MirrorRows:
    """All connections; `down` makes every port that stands on it fail as a dead database does."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.connections: dict[Key, ConnectionRows] = {}
        self.down = False
        self._marks = itertools.count(1)

    def connect(self, rows: ConnectionRows) -> None:
        """Take a connection."""
        self.connections[rows.account.key] = rows

    def of(self, key: Key) -> ConnectionRows | None:
        """Return a connection, None if there is none; DatabaseUnavailable while down."""
        self.check()
        return self.connections.get(key)

    def check(self, seconds: float = 1.0) -> None:
        """Raise DatabaseUnavailable while down, or when there is no time left."""
        if self.down or seconds <= 0:
            raise DatabaseUnavailable("down")

    def mark(self, rows: ConnectionRows, external_ids: Iterable[str], *, renew: bool) -> None:
        """Have people read again; a mark that is there gets a new number if it is to be renewed."""
        for external_id in external_ids:
            if renew or external_id not in rows.marks:
                rows.marks[external_id] = next(self._marks)
