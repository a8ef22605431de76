"""Asks the CRMs themselves about a caller whom the mirror lacks, within what is left of the call's time."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

from smart_redirect.domain.crm import Manager
from smart_redirect.domain.crm_budget import rate_of
from smart_redirect.domain.crm_mirror import Owner, current_extensions, kept_extensions
from smart_redirect.domain.enterprise import Enterprise
from smart_redirect.domain.facts import Contact
from smart_redirect.errors import DatabaseUnavailable, Unavailable
from smart_redirect.usecases.in_slices import owners_of
from smart_redirect.usecases.live_cache import Lasting, LiveCache, Worth
from smart_redirect.usecases.pace import OutOfTime
from smart_redirect.usecases.ports import Clock, Missed
from smart_redirect.usecases.ports_mirror import Account, Budgets, Key, LiveLedger, OpenCrm, Turn
from smart_redirect.usecases.sync_crm import pause_after

logger = logging.getLogger(__name__)
# The decision, its encoding and the way back to the host still have to fit.
_MARGIN = 0.01
_LEAST = 0.02
_WRITING = 2.0
_MOST_VERSIONS = 1000


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds: of one look-up at most, and for how long its result is believed, by all processes and by this one."""

    look_up: float = 0.15
    found: float = 300.0
    missed: float = 60.0
    in_process: Lasting = field(default_factory=Lasting)


@dataclass(slots=True)
class _Breaker:
    """What this process has seen of a connection lately."""

    failures: int = 0
    open_until: float = 0.0


class _Turn:
    """The turns of one look-up, and whether it got any."""

    def __init__(self, take: Turn) -> None:
        self._take = take
        self.was_granted = False

    async def __call__(self) -> None:
        await self._take()
        self.was_granted = True


class LiveLookup:
    """The MissFiller: all live connections of an enterprise at once, one flight a caller, results for the next calls.

    A result goes to the mirror beside the call, for all processes, and stays in this one until it is there, or longer
    if the database does not take it.
    """

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
        self._cache = LiveCache(clock, self._patience.in_process)
        self._accounts: dict[int, tuple[int, Sequence[Account]]] = {}
        self._flights: dict[tuple[int, str, int, frozenset[int]], asyncio.Task[None]] = {}
        self._breakers: dict[Key, _Breaker] = {}
        self._writing: set[asyncio.Task[None]] = set()

    async def __call__(self, call: Missed, deadline: float) -> tuple[Contact, ...]:
        """Return what the CRMs know by the deadline; what is kept when there is no time, and never an error."""
        until = min(deadline - _MARGIN, self._clock() + self._patience.look_up)
        if until - self._clock() >= _LEAST and not self._is_settled(call):
            await asyncio.wait({self._flight(call, until)}, timeout=max(0.0, until - self._clock()))
        accounts = self._known_accounts(call)
        if not accounts:
            return ()
        kept = (self._cache.get(each.key, call.caller, call.epoch) for each in accounts)
        return tuple(contact for each in kept for contact in each.contacts)

    def _flight(self, wanted: Missed, until: float) -> asyncio.Task[None]:
        """Return the look-up that runs already, or begin one."""
        place = wanted.enterprise.id, wanted.caller, wanted.epoch, wanted.connections
        flight = self._flights.get(place)
        if flight is None:
            flight = asyncio.create_task(self._safely(wanted, until))
            self._flights[place] = flight
            flight.add_done_callback(lambda _: self._flights.pop(place, None))
        return flight

    async def close(self) -> None:
        """Wait for results that are being written: at the end of a server, and in tests."""
        await asyncio.gather(*self._flights.values(), *self._writing, return_exceptions=True)
        await asyncio.gather(*self._writing, return_exceptions=True)

    async def settle(self, seconds: float) -> None:
        """Wait so long for what is asked and written, and end what is left: afterwards the process may be frozen."""
        until = self._clock() + seconds
        while running := {*self._flights.values(), *self._writing}:
            _, late = await asyncio.wait(running, timeout=max(0.0, until - self._clock()))
            for each in late:
                each.cancel()
            if late:
                await asyncio.wait(late)

    def _is_settled(self, wanted: Missed) -> bool:
        """Tell whether there is nothing to ask: each live connection has said all of the caller lately, or none is."""
        version, _ = self._accounts.get(wanted.enterprise.id, (-1, ()))
        return version == wanted.enterprise.version and not self._unknown(self._known_accounts(wanted), wanted)

    def _known_accounts(self, wanted: Missed) -> Sequence[Account]:
        _, accounts = self._accounts.get(wanted.enterprise.id, (-1, ()))
        return [each for each in accounts if each.key.connection_id in wanted.connections]

    def _unknown(self, accounts: Sequence[Account], wanted: Missed) -> Sequence[Account]:
        kept = ((each, self._cache.get(each.key, wanted.caller, wanted.epoch)) for each in accounts)
        return [each for each, found in kept if found.worth is not Worth.ALL]

    async def _safely(self, wanted: Missed, until: float) -> None:
        try:
            await self._look_up(wanted, until)
        except Exception as error:
            _log(error)

    async def _look_up(self, wanted: Missed, until: float) -> None:
        """Ask at once whoever has not said lately; what they say is in the cache then."""
        await self._read_accounts(wanted.enterprise, until)
        accounts = self._known_accounts(wanted)
        now = self._clock()
        closed = [each for each in self._unknown(accounts, wanted) if self._breaker(each.key).open_until <= now]
        if not closed:
            return
        askable = await self._ledger.askable(wanted.enterprise.id, wanted.caller, until - now)
        known = [(each, askable.get(each.key.connection_id)) for each in closed]
        asked = [self._ask(each, managers, wanted, until) for each, managers in known if managers is not None]
        await asyncio.gather(*asked)

    async def _read_accounts(self, enterprise: Enterprise, until: float) -> None:
        """Read the live connections; any change of a connection is a new version of the settings."""
        version, _ = self._accounts.get(enterprise.id, (-1, ()))
        if version != enterprise.version:
            accounts = await self._ledger.accounts(enterprise.id, until - self._clock())
            if len(self._accounts) >= _MOST_VERSIONS:
                self._accounts.clear()
            self._accounts[enterprise.id] = (enterprise.version, accounts)

    async def _ask(self, account: Account, managers: Sequence[Manager], wanted: Missed, until: float) -> None:
        breaker, turn = self._breaker(account.key), _Turn(partial(self._take_turn, account))
        try:
            async with asyncio.timeout(max(0.0, until - self._clock())):
                crm = self._open(account, turn)
                found = await crm.lookup(wanted.caller, until - self._clock())
        except (OutOfTime, DatabaseUnavailable):
            return
        except Exception as error:
            _log(error)
            if isinstance(error, TimeoutError) and not turn.was_granted:
                # It waited for the database: that is no failure of the CRM.
                return
            breaker.failures += 1
            breaker.open_until = self._clock() + pause_after(error, breaker.failures)
            return
        breaker.failures = 0
        owners, extensions = await owners_of(found, account.country, wanted.caller), kept_extensions(found)
        current = current_extensions(extensions, managers)
        contacts = tuple(contact_of(account.key, each, current) for each in owners)
        self._cache.put(account.key, wanted.caller, contacts, wanted.epoch)
        self._keep(account.key, wanted.caller, owners, extensions)

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
        except Exception as error:
            # This process knows it for a while; another one asks once more.
            _log(error)


def _log(error: Exception) -> None:
    """Tell of what is our own fault, without its text, which may hold a key or the phone."""
    if not isinstance(error, Unavailable | TimeoutError):
        logger.error("a live look-up failed: %s", type(error).__name__)


def contact_of(key: Key, each: Owner, extensions: dict[str, str]) -> Contact:
    """Return an owner as the rules of routing know him; `extensions` are by the id of the responsible."""
    responsible = each.responsible_id or ""
    return Contact(key.connection_id, each.name, responsible, extensions.get(responsible, ""), each.updated_at)
