"""Asks the CRMs themselves about a caller whom the mirror lacks, within what is left of the call's time."""

import asyncio
import math
from collections.abc import Sequence

from smart_redirect.domain.enterprise import Enterprise
from smart_redirect.domain.facts import Contact
from smart_redirect.usecases.live_asking import LiveAsking, Patience, log
from smart_redirect.usecases.live_cache import Worth
from smart_redirect.usecases.ports import Clock, Missed
from smart_redirect.usecases.ports_mirror import Account, Budgets, LiveLedger, OpenCrm

# The decision, its encoding and the way back to the host still have to fit.
_MARGIN = 0.01
_LEAST = 0.02
_MOST_VERSIONS = 1000
# A call that comes when so many look-ups run goes on without one.
_MOST_FLIGHTS = 100
# Seconds for which a database that failed is not asked again.
_PAUSE = 1.0
# The version of the settings, and the live connections at it.
_UNREAD: tuple[int, Sequence[Account]] = (-1, ())


class LiveLookup:
    """The MissFiller: all live connections of an enterprise at once, one flight a caller, results for the next calls.

    A flight goes on when its call has gone on without it: what a slow CRM says comes too late for this call and not for
    the next one, which joins the flight if it still runs. A result goes to the mirror beside the call, for all
    processes, and stays in this one until it is there, or longer if the database does not take it.
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
        self._clock = clock
        self._patience = patience or Patience()
        self._asking = LiveAsking(ledger, open_crm, budgets, clock, self._patience)
        self._accounts: dict[int, tuple[int, Sequence[Account]]] = {}
        self._away_until: dict[int, float] = {}
        self._flights: dict[tuple[int, str, int, frozenset[int]], asyncio.Task[None]] = {}

    def may_know(self, enterprise: Enterprise) -> bool:
        """Tell whether the enterprise has a live connection, or it is not known yet at this version of its settings."""
        version, accounts = self._accounts.get(enterprise.id, _UNREAD)
        return bool(accounts) or (version != enterprise.version and not self._is_away(enterprise))

    def _is_away(self, enterprise: Enterprise) -> bool:
        """Tell whether the database failed it a moment ago: not every call has to wait for the same."""
        return self._clock() < self._away_until.get(enterprise.id, -math.inf)

    async def __call__(self, call: Missed, deadline: float) -> tuple[Contact, ...]:
        """Return what the CRMs know by the deadline; what is kept when there is no time, and never an error."""
        until = min(deadline - _MARGIN, self._clock() + self._patience.look_up)
        if until - self._clock() >= _LEAST and not self._is_settled(call) and (flight := self._flight(call)):
            await asyncio.wait({flight}, timeout=max(0.0, until - self._clock()))
        accounts = self._known_accounts(call)
        if not accounts:
            return ()
        kept = (self._asking.kept(each.key, call) for each in accounts)
        return tuple(contact for each in kept for contact in each.contacts)

    def _flight(self, wanted: Missed) -> asyncio.Task[None] | None:
        """Return the look-up that runs already, or begin one; None where too many run or the database is away."""
        place = wanted.enterprise.id, wanted.caller, wanted.epoch, wanted.connections
        flight = self._flights.get(place)
        if flight is None and len(self._flights) < _MOST_FLIGHTS and not self._is_away(wanted.enterprise):
            flight = self._flights[place] = asyncio.create_task(self._safely(wanted))
            flight.add_done_callback(lambda _: self._flights.pop(place, None))
        return flight

    async def close(self) -> None:
        """Wait for look-ups to end and for results to be written: at the end of a server, and in tests."""
        while running := self._running:
            await asyncio.wait(running)

    async def settle(self, seconds: float) -> None:
        """Wait so long for what is asked and written, and end what is left: afterwards the process may be frozen."""
        until = self._clock() + seconds
        while running := self._running:
            _, late = await asyncio.wait(running, timeout=max(0.0, until - self._clock()))
            for each in late:
                each.cancel()
            if late:
                await asyncio.wait(late)

    @property
    def _running(self) -> set[asyncio.Task[None]]:
        return {*self._flights.values(), *self._asking.running}

    def _is_settled(self, wanted: Missed) -> bool:
        """Tell whether there is nothing to ask: each live connection has said all of the caller lately, or none is."""
        version, _ = self._accounts.get(wanted.enterprise.id, _UNREAD)
        return version == wanted.enterprise.version and not self._unknown(self._known_accounts(wanted), wanted)

    def _known_accounts(self, wanted: Missed) -> Sequence[Account]:
        _, accounts = self._accounts.get(wanted.enterprise.id, _UNREAD)
        return [each for each in accounts if each.key.connection_id in wanted.connections]

    def _unknown(self, accounts: Sequence[Account], wanted: Missed) -> Sequence[Account]:
        return [each for each in accounts if self._asking.kept(each.key, wanted).worth is not Worth.ALL]

    async def _safely(self, wanted: Missed) -> None:
        try:
            await self._look_up(wanted)
        except Exception as error:
            self._away_until[wanted.enterprise.id] = self._clock() + _PAUSE
            log(error)

    async def _look_up(self, wanted: Missed) -> None:
        """Ask at once whoever has not said lately; what they say is in the cache then."""
        # What the database does not answer while the call waits, the next call asks it again.
        until = self._clock() + self._patience.look_up
        await self._read_accounts(wanted.enterprise, until)
        unknown = self._unknown(self._known_accounts(wanted), wanted)
        closed = [each for each in unknown if self._asking.is_closed(each.key)]
        if not closed:
            return
        askable = await self._ledger.askable(wanted.enterprise.id, wanted.caller, until - self._clock())
        known = [(each, askable.get(each.key.connection_id)) for each in closed]
        asked = [self._asking.ask(each, managers, wanted) for each, managers in known if managers is not None]
        await asyncio.gather(*asked)

    async def _read_accounts(self, enterprise: Enterprise, until: float) -> None:
        """Read the live connections; any change of a connection is a new version of the settings."""
        version, _ = self._accounts.get(enterprise.id, _UNREAD)
        if version != enterprise.version:
            accounts = await self._ledger.accounts(enterprise.id, until - self._clock())
            if len(self._accounts) >= _MOST_VERSIONS:
                self._accounts.clear()
            self._accounts[enterprise.id] = (enterprise.version, accounts)
