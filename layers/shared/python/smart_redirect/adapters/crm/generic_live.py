"""A CRM that can only be asked about callers: nothing of it is copied, and what was found is forgotten in time."""

from collections.abc import Awaitable, Callable, Mapping

from smart_redirect.domain.crm import Found, Gone, Ids, Manager, Page, Person
from smart_redirect.errors import CrmMalformed, CrmRefused

Ask = Callable[[str, float], Awaitable[Found]]
_CURSOR = '{"live": true}'


class LiveOnly:
    """The Crm of a connection without a list. A sync of it sends nothing, and keeps nobody."""

    people_at_once = 50

    def __init__(self, ask: Ask, settings: Mapping[str, object]) -> None:
        # Without it such a connection would do nothing at all, and nobody would see why.
        if settings.get("live") is not True:
            raise CrmRefused("without list_url there are live look-ups only: the setting live must be true")
        self._ask = ask

    async def lookup(self, phone: str, seconds: float) -> Found:
        """Ask about a caller."""
        return await self._ask(phone, seconds)

    async def changes(self, cursor: str | None) -> Page:
        """Return nothing: there is no list."""
        if cursor not in {None, _CURSOR}:
            raise CrmMalformed("the cursor is not one of a live connection")
        return Page((), _CURSOR, False)

    async def ids(self, cursor: str | None) -> Ids:  # noqa: ARG002
        """Return nothing, and so that nobody is dropped for it."""
        return Ids((), None)

    async def people(self, external_ids: tuple[str, ...]) -> tuple[Person | Gone, ...]:  # noqa: ARG002
        """Say nothing of anybody: nobody can be read by id, and whom a look-up found is to be forgotten in time."""
        return ()

    async def managers(self) -> tuple[Manager, ...]:
        """Return nobody: extensions come with the answers, or are set by hand."""
        return ()
