"""The Protocols that keeping the mirrors of CRMs needs from the outside."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from smart_redirect.domain.crm import Manager
from smart_redirect.domain.crm_budget import Rate
from smart_redirect.domain.crm_mirror import Fold, Owner
from smart_redirect.errors import SmartRedirectError
from smart_redirect.usecases.ports_crm import Crm

Turn = Callable[[], Awaitable[None]]


class LeaseLost(SmartRedirectError):
    """Somebody else syncs the connection by now: what this run read does not count."""


@dataclass(frozen=True, slots=True)
class Key:
    """Names a connection: its id is unique within its enterprise only."""

    enterprise_id: int
    connection_id: int


@dataclass(frozen=True, slots=True)
class Account:
    """A connection with all that its CRM is reached by; the credentials are still sealed."""

    key: Key
    vendor: str
    country: str
    settings: Mapping[str, object] = field(default_factory=dict)
    sealed: bytes = field(default=b"", repr=False)
    key_id: int = 0


@dataclass(frozen=True, slots=True)
class State:
    """How far a mirror is; ages in seconds, None: never."""

    cursor: str | None = None
    walked: bool = False
    sweep: int = 0
    sweep_cursor: str | None = None
    is_sweeping: bool = False
    swept_ago: float | None = None
    managers_ago: float | None = None
    failures: int = 0


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to sync a connection; a page counts only under its fence."""

    account: Account
    state: State
    fence: int


@dataclass(frozen=True, slots=True)
class Step:
    """Where the next page begins, and how far a bulk walk is."""

    cursor: str
    walked: bool
    done: int = 0
    total: int | None = None


@dataclass(frozen=True, slots=True)
class Mark:
    """Somebody who is to be read again; a mark that is made meanwhile has another number."""

    external_id: str
    number: int


class Mirror(Protocol):
    """The mirrors of all connections. Every method raises DatabaseUnavailable when the database does not answer.

    Those that take a claim raise LeaseLost when it is not the newest one; else they make it last longer.
    """

    async def due(self, limit: int) -> Sequence[Key]:
        """Return connections whose time has come and that nobody syncs, the longest waiting first."""

    async def tidy(self) -> None:
        """Forget what live look-ups found, or did not find, too long ago."""

    async def claim(self, key: Key, seconds: float) -> Claim | None:
        """Take the lease of a connection, None while somebody has it or when there is nothing to sync by."""

    async def apply(self, claim: Claim, page: Fold, step: Step) -> None:
        """Write a page and where the next one begins, both or neither; the end of a walk marks whom it did not meet."""

    async def marks(self, claim: Claim, limit: int) -> Sequence[Mark]:
        """Return who is to be read again, the oldest mark first."""

    async def apply_marked(self, claim: Claim, page: Fold, marks: Sequence[Mark]) -> None:
        """Write what was read again and take these very marks back."""

    async def put_off(self, claim: Claim, mark: Mark, most: int) -> None:
        """Let a mark wait behind all others, or take it back when it was put off so often already."""

    async def sweep(self, claim: Claim, ids: Sequence[str] | None, cursor: str | None) -> None:
        """Note who is there and mark who is missing in the mirror; without a cursor mark whom the sweep did not meet.

        Nobody is dropped for a list that lacks him: it may have moved between two of its pages, or have ended early.
        None instead of ids: the CRM feeds its deletions, and there is nothing to compare.
        """

    async def managers(self, claim: Claim, managers: Sequence[Manager]) -> None:
        """Replace the users of the CRM; by nobody, which is hardly ever true, only if there was nobody."""

    async def done(self, claim: Claim, next_in: float, note: str | None = None) -> None:
        """End the lease after a run that reached its end; the next is due in so many seconds.

        `note` is for a person to read: what went wrong beside the people, who are up to date.
        """

    async def failed(self, claim: Claim, text: str, next_in: float, pause: float) -> None:
        """End the lease after a failure; with a pause nobody asks the CRM anything for so many seconds."""

    async def give_up(self, claim: Claim) -> None:
        """End the lease with work left: the connection is due at once."""


@dataclass(frozen=True, slots=True)
class Hook:
    """The connection that a webhook's address names, and the HMAC of the secret in it."""

    key: Key
    vendor: str
    secret_hash: bytes


class Hooks(Protocol):
    """Who webhooks are from, and where they say who has changed."""

    async def hook(self, name: str) -> Hook | None:
        """Return what the name in an address stands for, None if nothing does or webhooks are refused."""

    async def hint(self, key: Key, external_ids: Sequence[str]) -> None:
        """Have these people read again at the next turn; a mark that is there already is renewed."""


@dataclass(frozen=True, slots=True)
class Grant:
    """How many requests may be sent now; with none, in how many seconds to ask again."""

    requests: int
    wait: float = 0.0


class Budgets(Protocol):
    """The buckets of requests that all processes share."""

    async def take(self, key: Key, wanted: int, rate: Rate, keep: int) -> Grant:
        """Take up to so many requests and leave `keep` in the bucket."""


class OpenCrm(Protocol):
    """How a connection's CRM is reached."""

    def __call__(self, account: Account, turn: Turn) -> Crm:
        """Return the CRM, which awaits `turn` before each request; Unavailable when the credentials cannot be read."""


Askable = Mapping[int, Sequence[Manager]]
"""Connections by id, each with the managers on whose extension its mirror has a word."""


class Pauses(Protocol):
    """Until when a CRM is left alone. Every method raises DatabaseUnavailable, and shortens no pause that is longer."""

    async def limited(self, key: Key, seconds: float) -> None:
        """Have nobody ask the CRM for so long: no sync, no look-up."""

    async def refused(self, key: Key, seconds: float) -> None:
        """Have nobody look callers up for so long; syncs go on."""


class LiveLedger(Pauses, Protocol):
    """What live look-ups read and leave. Every method raises DatabaseUnavailable when the database does not answer."""

    async def accounts(self, enterprise_id: int, seconds: float) -> Sequence[Account]:
        """Return the connections that are asked when the mirror does not know a caller."""

    async def askable(self, enterprise_id: int, phone: str, seconds: float) -> Askable:
        """Return connections that may be asked about a phone now: no open breaker, not lately without an answer."""

    async def found(self, key: Key, owners: Sequence[Owner], extensions: Mapping[str, str], seconds: float) -> None:
        """Keep what was found for so long, and have these people read again; never over what the mirror has."""

    async def missed(self, key: Key, phone: str, seconds: float) -> None:
        """Believe for so long that the connection does not know the phone."""
