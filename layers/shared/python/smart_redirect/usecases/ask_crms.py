"""Asks CRMs themselves about a phone, for people who want to know why: what each says, how long it takes."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from smart_redirect.domain.crm_budget import rate_of
from smart_redirect.domain.crm_mirror import Owner
from smart_redirect.errors import Unavailable
from smart_redirect.usecases.in_slices import owners_of
from smart_redirect.usecases.keep_away import keep_away
from smart_redirect.usecases.pace import OutOfTime
from smart_redirect.usecases.ports import Clock
from smart_redirect.usecases.ports_mirror import Account, Budgets, OpenCrm, Pauses

PATIENCE = 5.0


@dataclass(frozen=True, slots=True)
class Told:
    """What one connection said: the phone's owners and extensions by responsible, or why nothing; in milliseconds."""

    account: Account
    owners: Sequence[Owner] = ()
    extensions: tuple[tuple[str, str], ...] = ()
    ms: float = 0.0
    error: str = ""


class AskCrms:
    """All given connections at once, each within its budget; nothing is written but their wish to be left alone."""

    def __init__(self, open_crm: OpenCrm, budgets: Budgets, pauses: Pauses, clock: Clock) -> None:
        self._open = open_crm
        self._budgets = budgets
        self._pauses = pauses
        self._clock = clock

    async def __call__(self, accounts: Sequence[Account], phone: str, seconds: float = PATIENCE) -> Sequence[Told]:
        """Return what each connection says of a phone (E.164), in their order; never raises what a CRM does."""
        return await asyncio.gather(*(self._ask(each, phone, seconds) for each in accounts))

    async def _ask(self, account: Account, phone: str, seconds: float) -> Told:
        began = self._clock()
        try:
            async with asyncio.timeout(seconds):
                crm = self._open(account, partial(self._turn, account, began + seconds))
                found = await crm.lookup(phone, seconds)
        except OutOfTime:
            return Told(account, ms=self._since(began), error="the budget of the connection is used up for now")
        except Exception as error:
            told = Told(account, ms=self._since(began), error=described(error))
            await keep_away(self._pauses, account.key, error)
            return told
        owners = await owners_of(found, account.country, phone)
        return Told(account, owners, found.extensions, self._since(began))

    async def _turn(self, account: Account, until: float) -> None:
        """Wait for the turn of one request, and leave the reserve to calls; OutOfTime if that is too late."""
        rate = rate_of(account.vendor, account.settings)
        while not (grant := await self._budgets.take(account.key, 1, rate, rate.reserve)).requests:
            if self._clock() + grant.wait >= until:
                raise OutOfTime
            await asyncio.sleep(grant.wait)

    def _since(self, began: float) -> float:
        return round((self._clock() - began) * 1000, 1)


def described(error: Exception) -> str:
    """Return what may be shown of an error: the text of ours, the name alone of any other."""
    if isinstance(error, TimeoutError):
        return "no answer in time"
    return f"{type(error).__name__}: {error}" if isinstance(error, Unavailable) else type(error).__name__
