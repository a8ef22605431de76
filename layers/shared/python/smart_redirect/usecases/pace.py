"""Keeps requests to a CRM within the budget that all processes share, and runs within their time."""

import asyncio
from collections.abc import Awaitable, Callable

from smart_redirect.domain.crm_budget import rate_of
from smart_redirect.errors import SmartRedirectError
from smart_redirect.usecases.ports import Clock
from smart_redirect.usecases.ports_mirror import Account, Budgets, Key

# A slice that was taken and not used counts as sent after this: it was meant for that second.
_SLICE_SECONDS = 1.0
_NAP = 2.0


class OutOfTime(SmartRedirectError):
    """The run has to stop; what is left is for the next one."""


class Pace:
    """Waits for the turn of each request; takes from the shared bucket in slices of a second's worth."""

    def __init__(
        self,
        budgets: Budgets,
        clock: Clock,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        may_go_on: Callable[[], bool] = lambda: True,
    ) -> None:
        self._budgets = budgets
        self._clock = clock
        self._sleep = sleep
        self._may_go_on = may_go_on
        self._left: dict[Key, tuple[int, float]] = {}

    def until(self, may_go_on: Callable[[], bool]) -> "Pace":
        """Return a pace for one run that stops when it is told to."""
        return Pace(self._budgets, self._clock, self._sleep, may_go_on)

    async def turn(self, account: Account) -> None:
        """Return when one request may be sent; OutOfTime when the run has to stop first."""
        while True:
            if not self._may_go_on():
                raise OutOfTime
            if self._has_left(account.key):
                return
            rate = rate_of(account.vendor, account.settings)
            grant = await self._budgets.take(account.key, rate.slice, rate, rate.reserve)
            if grant.requests:
                self._left[account.key] = (grant.requests, self._clock())
            else:
                await self._sleep(min(grant.wait, _NAP))

    def _has_left(self, key: Key) -> bool:
        left, taken_at = self._left.pop(key, (0, 0.0))
        if not left or self._clock() - taken_at > _SLICE_SECONDS:
            return False
        self._left[key] = (left - 1, taken_at)
        return True
