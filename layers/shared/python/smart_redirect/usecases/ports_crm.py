"""The Protocol behind which every CRM vendor stands: adapters/crm/<vendor>.py."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from smart_redirect.domain.crm import Found, Gone, Ids, Manager, Page, Person


class Crm(Protocol):
    """One connection of one enterprise to its CRM.

    Every method raises CrmRefused (credentials or rights), CrmLimited (with the seconds to wait), CrmMalformed (an
    answer that the documents do not allow) or CrmUnavailable; no error has a key, a token or a phone in its text.
    """

    @property
    def people_at_once(self) -> int:
        """How many people are read for little more than one: 1 where each is a request of its own."""

    async def lookup(self, phone: str, seconds: float) -> Found:
        """Return the owners of a phone (E.164) within so many seconds; phones are compared by the caller once more."""

    async def changes(self, cursor: str | None) -> Page:
        """Return the next page.

        None begins with everything: the cursor of the increments is taken before the walk, and the pages after the walk
        go on from there.
        """

    async def ids(self, cursor: str | None) -> Ids:
        """Return ids that the CRM has, page by page; an empty page without a cursor where deletions are fed anyway."""

    async def people(self, external_ids: tuple[str, ...]) -> tuple[Person | Gone, ...]:
        """Return these people as they are now, those that are no more as Gone: what a webhook made dirty.

        Whom it cannot know, such as somebody whom a look-up found without an id, it leaves out.
        """

    async def managers(self) -> tuple[Manager, ...]:
        """Return the users of the CRM."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """What OAuth gave: `access` until `expires_at` (Unix time, seconds), and `refresh`, which often works once."""

    access: str = field(repr=False)
    refresh: str = field(repr=False)
    expires_at: float


class TokenStore(Protocol):
    """Where a connection's tokens are kept, for all processes. Both raise DatabaseUnavailable."""

    async def current(self) -> Tokens | None:
        """Return the newest tokens; None before the first renewal, when only the credentials have some."""

    async def renew(self, stale: Tokens | None, refresh: Callable[[Tokens | None], Awaitable[Tokens]]) -> Tokens:
        """Have one process at a time renew the tokens, and keep what `refresh` returns before anybody else may ask.

        If somebody has renewed `stale` meanwhile, his tokens are returned and `refresh` is not called. It gets the
        newest ones.
        """


@dataclass(frozen=True, slots=True)
class Access:
    """How a connection reaches its CRM: settings with the credentials in them, and a turn for each request."""

    settings: Mapping[str, object] = field(repr=False)
    country: str
    turn: Callable[[], Awaitable[None]]
    """Awaited before each request: returns when the budget has one left, or raises OutOfTime."""
    tokens: TokenStore
