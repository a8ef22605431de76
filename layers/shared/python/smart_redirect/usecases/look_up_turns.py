"""The turns of one look-up among all requests to a CRM: what it may need is taken at once and not kept long."""

import asyncio

from smart_redirect.domain.crm_budget import rate_of
from smart_redirect.usecases.pace import OutOfTime
from smart_redirect.usecases.ports import Clock
from smart_redirect.usecases.ports_mirror import Account, Budgets

# So that a wait that is less than what the clock can tell is one.
_LEAST_NAP = 0.001


class LookUpTurns:
    """A Turn that takes from the reserve too; `until` is the end of the look-up, by the clock.

    What was taken and is not used at once is kept no longer than the bucket takes to gain one request: as long, it adds
    nothing to what any window has (domain/crm_budget.py). Who needs it later takes it once more.
    """

    def __init__(self, account: Account, budgets: Budgets, clock: Clock, until: float) -> None:
        self._key = account.key
        self._rate = rate_of(account.vendor, account.settings)
        self._budgets = budgets
        self._clock = clock
        self._until = until
        self._left = 0
        self._kept_until = 0.0
        self.was_granted = False

    async def __call__(self) -> None:
        """Return when one request may be sent; OutOfTime if that is too late.

        The first one is sent now or not at all, since a call waits. With it the look-up is worth an end, and waits.
        """
        now = self._clock()
        if self._left and now <= self._kept_until:
            self._left -= 1
            return
        granted = await self._take(1 if self.was_granted else self._rate.look_up)
        self.was_granted = True
        self._left, self._kept_until = granted - 1, now + 1 / self._rate.per_second

    async def _take(self, wanted: int) -> int:
        while True:
            grant = await self._budgets.take(self._key, wanted, self._rate, 0)
            if grant.requests:
                return grant.requests
            if not self.was_granted or self._clock() + grant.wait >= self._until:
                raise OutOfTime
            await asyncio.sleep(max(grant.wait, _LEAST_NAP))
