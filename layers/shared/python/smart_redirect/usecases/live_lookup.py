"""Asks the CRMs themselves about a caller whom the mirror lacks, within what is left of the call's time."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from smart_redirect.domain.crm_budget import rate_of
from smart_redirect.domain.crm_mirror import Owner, owners_of
from smart_redirect.domain.enterprise import Enterprise
from smart_redirect.domain.facts import Contact
from smart_redirect.errors import Unavailable
from smart_redirect.usecases.pace import OutOfTime
from smart_redirect.usecases.ports import Clock
from smart_redirect.usecases.ports_mirror import Account, Budgets, Key, LiveLedger, OpenCrm
from smart_redirect.usecases.sync_crm import pause_after

logger = logging.getLogger(__name__)
# The decision, its encoding and the way back to the host still have to fit.
_MARGIN = 0.01
_LEAST = 0.02
_WRITING = 2.0
_MOST_VERSIONS = 1000


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds: of one look-up at most, and for how long its result is believed."""

    look_up: float = 0.15
    found: float = 300.0
    missed: float = 60.0


@dataclass(slots=True)
class _Breaker:
    """What this process has seen of a connection lately."""

    failures: int = 0
    open_until: float = 0.0


class LiveLookup:
    """The MissFiller: all live connections of an enterprise at once, one flight a caller, results for the next call."""

    def __init__(
        self,
        ledger: LiveLedger,
        open_crm: OpenCrm,
        budgets: Budgets,
        clock: Clock,
        patience: Patience | None = None,
    ) -> None:
        self._ledger = ledger
        self._open = open_crm
        self._budgets = budgets
        self._clock = clock
        self._patience = patience or Patience()
        self._accounts: dict[int, tuple[int, Sequence[Account]]] = {}
        self._flights: dict[tuple[int, str], asyncio.Task[tuple[Contact, ...]]] = {}
        self._breakers: dict[Key, _Breaker] = {}
        self._writing: set[asyncio.Task[None]] = set()

    async def __call__(self, enterprise: Enterprise, caller: str, deadline: float) -> tuple[Contact, ...]:
        """Return what the CRMs know by the deadline; nothing when there is no time, and never an error."""
        until = min(deadline - _MARGIN, self._clock() + self._patience.look_up)
        if until - self._clock() < _LEAST or self._has_none(enterprise):
            return ()
        flight = self._flights.get((enterprise.id, caller))
        if flight is None:
            flight = asyncio.create_task(self._safely(enterprise, caller, until))
            self._flights[enterprise.id, caller] = flight
            flight.add_done_callback(lambda _: self._flights.pop((enterprise.id, caller), None))
        done, _ = await asyncio.wait({flight}, timeout=max(0.0, until - self._clock()))
        return flight.result() if done else ()

    async def close(self) -> None:
        """Wait for results that are being written: at the end of a server, and in tests."""
        await asyncio.gather(*self._flights.values(), *self._writing, return_exceptions=True)
        await asyncio.gather(*self._writing, return_exceptions=True)

    def _has_none(self, enterprise: Enterprise) -> bool:
        version, accounts = self._accounts.get(enterprise.id, (-1, ()))
        return version == enterprise.version and not accounts

    async def _safely(self, enterprise: Enterprise, caller: str, until: float) -> tuple[Contact, ...]:
        try:
            return await self._look_up(enterprise, caller, until)
        except Exception as error:
            _log(error)
            return ()

    async def _look_up(self, enterprise: Enterprise, caller: str, until: float) -> tuple[Contact, ...]:
        accounts = await self._live(enterprise, until)
        now = self._clock()
        closed = [each for each in accounts if self._breaker(each.key).open_until <= now]
        if not closed:
            return ()
        askable = await self._ledger.askable(enterprise.id, caller, until - now)
        asked = [self._ask(each, caller, until) for each in closed if each.key.connection_id in askable]
        answers = await asyncio.gather(*asked)
        return tuple(contact for contacts in answers for contact in contacts)

    async def _live(self, enterprise: Enterprise, until: float) -> Sequence[Account]:
        """Return the live connections; any change of a connection is a new version of the settings."""
        version, accounts = self._accounts.get(enterprise.id, (-1, ()))
        if version != enterprise.version:
            accounts = await self._ledger.accounts(enterprise.id, until - self._clock())
            if len(self._accounts) >= _MOST_VERSIONS:
                self._accounts.clear()
            self._accounts[enterprise.id] = (enterprise.version, accounts)
        return accounts

    async def _ask(self, account: Account, caller: str, until: float) -> tuple[Contact, ...]:
        breaker = self._breaker(account.key)
        try:
            async with asyncio.timeout(max(0.0, until - self._clock())):
                crm = self._open(account, partial(self._take_turn, account))
                found = await crm.lookup(caller, until - self._clock())
        except OutOfTime:
            return ()
        except Exception as error:
            _log(error)
            breaker.failures += 1
            breaker.open_until = self._clock() + pause_after(error, breaker.failures)
            return ()
        breaker.failures = 0
        owners = owners_of(found, account.country, caller)
        self._keep(account.key, caller, owners, dict(found.extensions))
        return tuple(_contact(account.key, each, dict(found.extensions)) for each in owners)

    async def _take_turn(self, account: Account) -> None:
        """Take from the reserve too: a call is waiting, and for a bucket to fill there is no time."""
        grant = await self._budgets.take(account.key, 1, rate_of(account.vendor, account.settings), 0)
        if not grant.requests:
            raise OutOfTime

    def _breaker(self, key: Key) -> _Breaker:
        return self._breakers.setdefault(key, _Breaker())

    def _keep(self, key: Key, caller: str, owners: Sequence[Owner], extensions: dict[str, str]) -> None:
        """Write beside the call, which does not wait for it."""
        task = asyncio.create_task(self._write(key, caller, owners, extensions))
        self._writing.add(task)
        task.add_done_callback(self._writing.discard)

    async def _write(self, key: Key, caller: str, owners: Sequence[Owner], extensions: dict[str, str]) -> None:
        try:
            async with asyncio.timeout(_WRITING):
                if owners:
                    await self._ledger.found(key, owners, extensions, self._patience.found)
                else:
                    await self._ledger.missed(key, caller, self._patience.missed)
        except (Unavailable, TimeoutError):
            # The next call asks once more.
            return


def _log(error: Exception) -> None:
    """Tell of what is our own fault, without its text, which may hold a key or the phone."""
    if not isinstance(error, Unavailable | TimeoutError):
        logger.error("a live look-up failed: %s", type(error).__name__)


def _contact(key: Key, each: Owner, extensions: dict[str, str]) -> Contact:
    responsible = each.responsible_id or ""
    return Contact(key.connection_id, each.name, responsible, extensions.get(responsible, ""), each.updated_at)
