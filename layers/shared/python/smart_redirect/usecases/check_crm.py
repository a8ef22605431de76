"""Checks a connection as a person would: each kind of reading once, nothing written, told in plain words."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from smart_redirect.domain.crm import Gone, Ids, Manager, Page, Person
from smart_redirect.domain.crm_budget import rate_of
from smart_redirect.usecases.ask_crms import described
from smart_redirect.usecases.pace import Pace
from smart_redirect.usecases.ports import Clock
from smart_redirect.usecases.ports_crm import Crm
from smart_redirect.usecases.ports_mirror import Account, Budgets, OpenCrm

T = TypeVar("T")
# The ITU has reserved +999: nobody has such a number.
_NOBODY = "+999000000001"
_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at; `is_well` False: a person has to do something."""

    what: str
    is_well: bool
    text: str


class CheckCrm:
    """Reads within the connection's budget; what fails does not keep the rest from being tried."""

    def __init__(self, open_crm: OpenCrm, budgets: Budgets, clock: Clock) -> None:
        self._open = open_crm
        self._budgets = budgets
        self._clock = clock

    async def __call__(self, account: Account, by_hand: Collection[str] = ()) -> Sequence[Finding]:
        """Return what was found; without usable credentials that alone. `by_hand`: managers who are mapped so."""
        pace = Pace(self._budgets, self._clock)
        try:
            crm = self._open(account, partial(pace.turn, account))
        except Exception as error:
            return [Finding("credentials and settings", False, described(error))]
        somebody: list[str] = []
        findings = [
            await self._tried("managers", crm.managers, partial(_of_managers, by_hand)),
            await self._tried("customers", partial(crm.changes, None), partial(_of_page, somebody)),
            *([await self._tried("one customer", partial(crm.people, (somebody[0],)), _of_one)] if somebody else []),
            await self._tried("deletions", partial(crm.ids, None), _of_ids),
            await self._look_up(crm),
        ]
        return [*findings, _of_budget(account)]

    async def _tried(
        self, what: str, read: Callable[[], Awaitable[T]], tell: Callable[[T], tuple[bool, str]]
    ) -> Finding:
        try:
            async with asyncio.timeout(_SECONDS):
                is_well, text = tell(await read())
        except Exception as error:
            return Finding(what, False, described(error))
        return Finding(what, is_well, text)

    async def _look_up(self, crm: Crm) -> Finding:
        began = self._clock()
        found = await self._tried("look-up", partial(crm.lookup, _NOBODY, _SECONDS), lambda _: (True, ""))
        ms = (self._clock() - began) * 1000
        return Finding(found.what, True, f"answers in {ms:.0f} ms") if found.is_well else found


def _of_managers(by_hand: Collection[str], managers: Sequence[Manager]) -> tuple[bool, str]:
    mapped = sum(each.id in by_hand for each in managers)
    known = mapped + sum(bool(each.extension) for each in managers if each.id not in by_hand)
    if managers and not known:
        return False, f"{len(managers)}, none with an extension: map them by hand (crm managers --map ID=EXTENSION)"
    return True, f"{len(managers)}, {known} with an extension" + (f", {mapped} of them by hand" if mapped else "")


def _of_page(somebody: list[str], page: Page) -> tuple[bool, str]:
    somebody += [each.external_id for each in page.changes if isinstance(each, Person)]
    if page.total is not None:
        return True, f"can be read, {page.total} in all"
    return True, f"can be read, {len(page.changes)} on the first page" + (", more follow" if page.more else "")


def _of_one(found: Sequence[Person | Gone]) -> tuple[bool, str]:
    if any(isinstance(each, Person) for each in found):
        return True, "can be read by id, as webhooks and the daily comparison need it"
    return False, "is in the list, but not there when asked for by id"


def _of_ids(ids: Ids) -> tuple[bool, str]:
    return (
        True,
        "are found by comparing ids once a day" if ids.external_ids else "are told by the CRM, or there is nobody",
    )


def _of_budget(account: Account) -> Finding:
    rate = rate_of(account.vendor, account.settings)
    return Finding(
        "budget", True, f"{rate.per_second:g} requests/s, {rate.burst} at once, {rate.reserve} kept for calls"
    )
