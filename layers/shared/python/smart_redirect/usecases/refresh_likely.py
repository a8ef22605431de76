"""Asks CRMs again about callers who are likely to call, before what is known of them is believed no more."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from smart_redirect.domain.crm_budget import Rate, rate_of
from smart_redirect.domain.crm_mirror import kept_extensions
from smart_redirect.domain.likely_callers import likelihood
from smart_redirect.errors import Unavailable
from smart_redirect.usecases.in_slices import owners_of
from smart_redirect.usecases.keep_away import keep_away
from smart_redirect.usecases.live_asking import Patience
from smart_redirect.usecases.pace import OutOfTime
from smart_redirect.usecases.ports import Clock
from smart_redirect.usecases.ports_mirror import Account, Budgets, Key, LiveLedger, OpenCrm
from smart_redirect.usecases.ports_warm import SOON_SECONDS, Ending, EndingLedger
from smart_redirect.usecases.sync_crm import pause_after

logger = logging.getLogger(__name__)
_MOST = 2000
# By each of them calls are routed until the next round: ten cost a sixth of a request a second (docs/performance.md).
MOST_EACH = 10
_MOST_EVER = 100
_AT_ONCE = 64
# No call waits for it, but a claim is good for some seconds only.
_LOOK_UP = 3.0
# Syncs take from the same bucket, which holds two or three for most vendors: whoever wakes first gets the next one.
_LONGEST_WAIT = 3.0
_LONGEST_NAP = 0.7
# Who called once, a fortnight ago or more, is not refreshed.
_LEAST = 0.25
# Longer than what ends soon, else it would be claimed once more by a run beside this one.
BELIEVED = Patience(missed=SOON_SECONDS + 50.0)


@dataclass(frozen=True, slots=True)
class Refreshed:
    """How many callers were asked about, and how many connections failed."""

    callers: int
    failures: int


class _Turns:
    """The turns of one look-up: the first was taken before the caller was claimed."""

    def __init__(self, may_ask: Callable[[], Awaitable[bool]]) -> None:
        self._may_ask = may_ask
        self._is_first = True

    async def __call__(self) -> None:
        if not self._is_first and not await self._may_ask():
            raise OutOfTime
        self._is_first = False


class RefreshLikely:
    """One round: the likeliest callers of each connection, each connection beside the others and for itself."""

    def __init__(
        self, ledger: EndingLedger, live: LiveLedger, open_crm: OpenCrm, budgets: Budgets, clock: Clock
    ) -> None:
        self._ledger = ledger
        self._live = live
        self._open = open_crm
        self._budgets = budgets
        self._clock = clock
        self._breakers: dict[Key, tuple[int, float]] = {}

    async def __call__(self, may_go_on: Callable[[], bool] = lambda: True) -> Refreshed:
        """Refresh within the budgets and say what was done; DatabaseUnavailable when nothing can be begun."""
        places = asyncio.Semaphore(_AT_ONCE)

        async def connection(key: Key, callers: Sequence[Ending]) -> int | None:
            async with places:
                return await self._connection(key, callers, may_go_on)

        by_key = ranked(await self._ledger.ending(_MOST))
        counts = await asyncio.gather(*(connection(key, callers) for key, callers in by_key.items()))
        return Refreshed(sum(each or 0 for each in counts), sum(each is None for each in counts))

    async def _connection(self, key: Key, callers: Sequence[Ending], may_go_on: Callable[[], bool]) -> int | None:
        """Return how many callers were asked about, None after a failure: with it the connection's round is over."""
        failures, open_until = self._breakers.get(key, (0, 0.0))
        if open_until > self._clock():
            return 0
        try:
            done = await self._callers(callers, may_go_on)
        except Exception as error:
            # Without its text, which may hold a secret or the phone.
            level = logging.INFO if isinstance(error, Unavailable | TimeoutError) else logging.ERROR
            logger.log(level, "callers of connection %s were not refreshed: %s", key, type(error).__name__)
            self._breakers[key] = (failures + 1, self._clock() + pause_after(error, failures + 1))
            await keep_away(self._live, key, error)
            return None
        self._breakers.pop(key, None)
        return done

    async def _callers(self, callers: Sequence[Ending], may_go_on: Callable[[], bool]) -> int:
        done = 0
        for caller in callers:
            if not may_go_on() or not await self._may_ask(caller.account):
                break
            if await self._ledger.claim(caller.account.key, caller.phone):
                done += await self._refresh(caller.account, caller.phone)
        return done

    async def _may_ask(self, account: Account) -> bool:
        """Take one request, if need be after some short waits: a sync beside this takes a second's worth at once."""
        rate = rate_of(account.vendor, account.settings)
        waited = 0.0
        while True:
            grant = await self._budgets.take(account.key, 1, rate, kept(rate))
            waited += grant.wait
            if grant.requests or grant.wait > _LONGEST_NAP or waited > _LONGEST_WAIT:
                return grant.requests > 0
            await asyncio.sleep(grant.wait)

    async def _refresh(self, account: Account, phone: str) -> bool:
        """Look up and keep; False when the budget ended in between."""
        try:
            async with asyncio.timeout(_LOOK_UP):
                found = await self._open(account, _Turns(partial(self._may_ask, account))).lookup(phone, _LOOK_UP)
        except OutOfTime:
            return False
        owners = await owners_of(found, account.country, phone)
        if owners:
            await self._live.found(account.key, owners, kept_extensions(found), BELIEVED.found)
        else:
            await self._live.missed(account.key, phone, BELIEVED.missed)
        return True


def kept(rate: Rate) -> int:
    """Return how many requests a refresh leaves in the bucket: the reserve of calls, and half of it for syncs."""
    return max(rate.reserve, rate.burst // 2)


def ranked(callers: Iterable[Ending]) -> Mapping[Key, Sequence[Ending]]:
    """Return the likeliest callers of each connection, the likeliest first; equals in the order of their phones."""
    found: dict[Key, list[tuple[float, str, Ending]]] = {}
    for each in callers:
        score = likelihood(each.ages)
        if score >= _LEAST:
            found.setdefault(each.account.key, []).append((-score, each.phone, each))
    return {key: [each for _, _, each in sorted(rows)[: _most(rows[0][2].account)]] for key, rows in found.items()}


def _most(account: Account) -> int:
    """Return how many callers a round refreshes: `refresh_callers` of the connection's settings, if it says so."""
    given = account.settings.get("refresh_callers")
    usable = isinstance(given, int) and not isinstance(given, bool) and 0 <= given <= _MOST_EVER
    return given if usable and isinstance(given, int) else MOST_EACH
