"""The Protocol behind which every CRM vendor stands: adapters/crm/<vendor>.py."""

from typing import Protocol

from smart_redirect.domain.crm import Found, Gone, Ids, Manager, Page, Person


class Crm(Protocol):
    """One connection of one enterprise to its CRM.

    Every method raises CrmRefused (credentials or rights), CrmLimited (with the seconds to wait), CrmMalformed (an
    answer that the documents do not allow) or CrmUnavailable; never an error that has a key, a token or a phone in its
    text.
    """

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
        """Return these people as they are now, those that are no more as Gone: what a webhook made dirty."""

    async def managers(self) -> tuple[Manager, ...]:
        """Return the users of the CRM."""
