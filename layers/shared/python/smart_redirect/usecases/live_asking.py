"""Asks one CRM about one caller, for longer than a call waits if need be, and keeps what it says for the next calls."""

import asyncio
import logging
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from smart_redirect.domain.crm import Found, Manager
from smart_redirect.domain.crm_mirror import Owner, current_extensions, kept_extensions
from smart_redirect.domain.facts import LOOKED_UP_SECONDS, Contact
from smart_redirect.errors import CrmLimited, CrmRefused, DatabaseUnavailable, Unavailable
from smart_redirect.usecases.in_slices import owners_of
from smart_redirect.usecases.keep_away import keep_away
from smart_redirect.usecases.live_cache import Kept, Lasting, LiveCache
from smart_redirect.usecases.look_up_turns import LookUpTurns
from smart_redirect.usecases.pace import OutOfTime
from smart_redirect.usecases.ports import Clock, Missed
from smart_redirect.usecases.ports_mirror import Account, Budgets, Key, LiveLedger, OpenCrm
from smart_redirect.usecases.sync_crm import pause_after

logger = logging.getLogger(__name__)
_WRITING = 2.0
# Of one connection. MoySklad answers five of a user at once, and a sync may be one of them.
_AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds: how long a call waits for look-ups at most, how long one of them goes on, and how long it is believed.

    Believed by all processes, that is; `in_process` by the one that asked.
    """

    look_up: float = 0.15
    whole: float = 3.0
    found: float = LOOKED_UP_SECONDS
    missed: float = 60.0
    in_process: Lasting = field(default_factory=Lasting)


@dataclass(slots=True)
class _Seen:
    """What this process has seen of a connection lately, and the places for its questions."""

    failures: int = 0
    open_until: float = 0.0
    taken_at: float = 0.0
    """When a question last got one of the places."""
    places: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_AT_ONCE))


class LiveAsking:
    """The questions that run: one at a time about a caller to a connection, and few to each connection."""

    def __init__(
        self, ledger: LiveLedger, open_crm: OpenCrm, budgets: Budgets, clock: Clock, patience: Patience
    ) -> None:
        self._ledger = ledger
        self._open = open_crm
        self._budgets = budgets
        self._clock = clock
        self._patience = patience
        self._cache = LiveCache(clock, patience.in_process)
        self._asking: dict[tuple[Key, str, int], asyncio.Task[None]] = {}
        self._writing: set[asyncio.Task[None]] = set()
        self._connections: dict[Key, _Seen] = {}

    @property
    def running(self) -> set[asyncio.Task[None]]:
        """What is asked and what is written at this moment."""
        return {*self._asking.values(), *self._writing}

    def kept(self, key: Key, call: Missed) -> Kept:
        """Return what a connection said of the caller lately, and what of it still counts."""
        return self._cache.get(key, call.caller, call.epoch)

    def is_closed(self, key: Key) -> bool:
        """Tell whether this process has seen nothing that forbids to ask: its breaker lets current through."""
        return self._seen(key).open_until <= self._clock()

    def ask(self, account: Account, managers: Sequence[Manager], call: Missed) -> asyncio.Task[None]:
        """Return the question that runs already, or begin it."""
        place = account.key, call.caller, call.epoch
        asking = self._asking.get(place)
        if asking is None:
            asking = self._asking[place] = asyncio.create_task(self._safely(self._ask(account, managers, call)))
            asking.add_done_callback(lambda _: self._asking.pop(place, None))
        return asking

    async def _ask(self, account: Account, managers: Sequence[Manager], call: Missed) -> None:
        seen = self._seen(account.key)
        if seen.places.locked() and self._clock() - seen.taken_at > self._patience.look_up:
            # Nobody has left for longer than a call waits: the CRM hangs, and this call does not pay for it.
            return
        async with asyncio.timeout(self._patience.look_up):
            await seen.places.acquire()
        seen.taken_at = self._clock()
        try:
            found = await self._look_up(account, call.caller) if self.is_closed(account.key) else None
        finally:
            seen.places.release()
        if found is not None:
            await self._take_in(account, managers, call, found)

    async def _take_in(self, account: Account, managers: Sequence[Manager], call: Missed, found: Found) -> None:
        owners, extensions = await owners_of(found, account.country, call.caller), kept_extensions(found)
        current = current_extensions(extensions, managers)
        contacts = tuple(contact_of(account.key, each, current) for each in owners)
        self._cache.put(account.key, call.caller, contacts, call.epoch)
        self._keep(account.key, call.caller, owners, extensions)

    async def _look_up(self, account: Account, caller: str) -> Found | None:
        """Return what the CRM says, None when it says nothing; what is its own failure counts for its breaker."""
        turns = LookUpTurns(account, self._budgets, self._clock, self._clock() + self._patience.whole)
        try:
            async with asyncio.timeout(self._patience.whole):
                found = await self._open(account, turns).lookup(caller, self._patience.whole)
        except (OutOfTime, DatabaseUnavailable):
            return None
        except asyncio.CancelledError:
            # Where nothing may run on behind a reply, whoever does not answer by then never does.
            self._failed(account.key, TimeoutError(), turns)
            raise
        except Exception as error:
            log(error)
            self._failed(account.key, error, turns)
            return None
        self._seen(account.key).failures = 0
        return found

    def _failed(self, key: Key, error: Exception, turns: LookUpTurns) -> None:
        if isinstance(error, TimeoutError) and not turns.was_granted:
            # It waited for the database: that is no failure of the CRM.
            return
        seen = self._seen(key)
        seen.failures += 1
        seen.open_until = self._clock() + pause_after(error, seen.failures)
        if isinstance(error, CrmLimited | CrmRefused):
            self._write(keep_away(self._ledger, key, error))

    def _seen(self, key: Key) -> _Seen:
        return self._connections.setdefault(key, _Seen())

    def _keep(self, key: Key, caller: str, owners: Sequence[Owner], extensions: Mapping[str, str]) -> None:
        """Write beside the call. What the database does not take is known to this process alone, for a while."""
        if owners:
            self._write(self._ledger.found(key, owners, extensions, self._patience.found))
        else:
            self._write(self._ledger.missed(key, caller, self._patience.missed))

    def _write(self, writing: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(self._safely(asyncio.wait_for(writing, _WRITING)))
        self._writing.add(task)
        task.add_done_callback(self._writing.discard)

    async def _safely(self, doing: Coroutine[Any, Any, None]) -> None:
        try:
            await doing
        except Exception as error:
            log(error)


def log(error: Exception) -> None:
    """Tell of what is our own fault, without its text, which may hold a key or the phone."""
    if not isinstance(error, Unavailable | TimeoutError):
        logger.error("a live look-up failed: %s", type(error).__name__)


def contact_of(key: Key, each: Owner, extensions: Mapping[str, str]) -> Contact:
    """Return an owner as the rules of routing know him; `extensions` are by the id of the responsible."""
    responsible = each.responsible_id or ""
    return Contact(key.connection_id, each.name, responsible, extensions.get(responsible, ""), each.updated_at)
