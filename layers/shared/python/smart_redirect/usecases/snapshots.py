"""Snapshots in memory: which enterprise a token names, its settings, and how long they have not been verified."""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

from smart_redirect.domain.enterprise import Enterprise
from smart_redirect.errors import DatabaseUnavailable, TokenUnknown
from smart_redirect.usecases.ports import Clock, FactsAnswer, SettingsSource


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """How long what is in memory may be used, in seconds."""

    fresh: float = 60.0
    stale: float = 3600.0
    unknown_token: float = 5.0


@dataclass(slots=True)
class Held:
    """One enterprise's snapshot; the times are of the injected clock, in seconds."""

    enterprise: Enterprise
    loaded_at: float
    verified_at: float
    used_at: float
    all_switched_off: bool = False


@dataclass(frozen=True, slots=True)
class _Load:
    """A load under way, and until when it may last."""

    task: asyncio.Task[Enterprise | None]
    deadline: float


class Snapshots:
    """The settings of the enterprises that called lately, at most `capacity` of them."""

    def __init__(
        self, source: SettingsSource, clock: Clock, lifetimes: Lifetimes | None = None, capacity: int = 2000
    ) -> None:
        self._source = source
        self.clock = clock
        self.lifetimes = lifetimes or Lifetimes()
        self._capacity = capacity
        self._held: OrderedDict[int, Held] = OrderedDict()
        self._enterprise_of: dict[bytes, int] = {}
        self._unknown: OrderedDict[bytes, float] = OrderedDict()
        self._loading: dict[bytes, _Load] = {}

    def known(self, token_hash: bytes) -> Held | None:
        """Return what memory has for a token, without asking the source."""
        enterprise_id = self._enterprise_of.get(token_hash)
        held = self._held.get(enterprise_id) if enterprise_id is not None else None
        if held is not None:
            held.used_at = self.clock()
        return held

    def is_nobodys(self, token_hash: bytes) -> bool:
        """Tell whether the source said a moment ago that nobody has this token: it is not asked again."""
        return self._unknown.get(token_hash, 0.0) > self.clock()

    def was_nobodys(self, token_hash: bytes) -> bool:
        """Tell whether the source ever said so, as far as memory goes."""
        return token_hash in self._unknown

    def is_asked(self, token_hash: bytes) -> bool:
        """Tell whether the source is being asked about this token right now: `find` shares that answer."""
        return token_hash in self._loading

    async def find(self, token_hash: bytes, deadline: float) -> Held:
        """Return the token's enterprise; TokenUnknown, or DatabaseUnavailable by the deadline."""
        held = self.known(token_hash)
        if held is not None:
            return held
        if self.is_nobodys(token_hash):
            raise TokenUnknown
        enterprise = await self._load_once(token_hash, deadline)
        if enterprise is None:
            self._remember_unknown(token_hash)
            raise TokenUnknown
        return self.known(token_hash) or self.put(enterprise)

    async def _load_once(self, token_hash: bytes, deadline: float) -> Enterprise | None:
        """Let calls that need the same snapshot at once share one load, each until its own deadline."""
        load = self._loading.get(token_hash) or self._begin(token_hash, deadline)
        try:
            async with asyncio.timeout(deadline - self.clock()):
                return await asyncio.shield(load.task)
        except TimeoutError as error:
            raise DatabaseUnavailable("no settings in time") from error
        except DatabaseUnavailable:
            if deadline <= load.deadline:
                raise
            # The load had the deadline of a call that came earlier.
            return await self._load_once(token_hash, deadline)

    def _begin(self, token_hash: bytes, deadline: float) -> _Load:
        load = _Load(asyncio.ensure_future(self._source.load(token_hash, deadline)), deadline)
        self._loading[token_hash] = load
        load.task.add_done_callback(lambda task: self._finish(token_hash, task))
        return load

    def _finish(self, token_hash: bytes, task: asyncio.Task[Enterprise | None]) -> None:
        self._loading.pop(token_hash, None)
        if not task.cancelled():
            # Nobody may be waiting any more: an error that is looked at is not logged as forgotten.
            task.exception()

    def _remember_unknown(self, token_hash: bytes) -> None:
        self._unknown[token_hash] = self.clock() + self.lifetimes.unknown_token
        if len(self._unknown) > self._capacity:
            self._unknown.popitem(last=False)

    def put(self, enterprise: Enterprise) -> Held:
        """Take a snapshot that was just read from the source."""
        self.drop(enterprise.id)
        now = self.clock()
        held = Held(enterprise, loaded_at=now, verified_at=now, used_at=now)
        self._held[enterprise.id] = held
        self._enterprise_of.update(dict.fromkeys(enterprise.tokens, enterprise.id))
        if len(self._held) > self._capacity:
            self.drop(next(iter(self._held)))
        return held

    def drop(self, enterprise_id: int) -> None:
        """Forget an enterprise and its tokens."""
        held = self._held.pop(enterprise_id, None)
        for token in held.enterprise.tokens if held else ():
            self._enterprise_of.pop(token, None)

    def wanted_version(self, held: Held) -> int:
        """Return the version to ask with; 0 asks for the whole snapshot, because it is past its time to live."""
        too_old = self.clock() - held.loaded_at > self.lifetimes.fresh
        return 0 if too_old else held.enterprise.version

    def verified(self, held: Held, answer: FactsAnswer) -> Held:
        """Note that the database has just confirmed or replaced a snapshot."""
        current = held if answer.newer is None else self.put(answer.newer)
        current.verified_at = self.clock()
        current.all_switched_off = answer.all_switched_off
        return current

    def is_too_old(self, held: Held) -> bool:
        """Tell whether a snapshot has not been verified for longer than it may serve routes."""
        return self.clock() - held.verified_at > self.lifetimes.stale

    async def warm(self, enterprise_ids: Sequence[int], deadline: float) -> int:
        """Load these snapshots unless memory has them young enough; return how many it has.

        DatabaseUnavailable by the deadline. What was loaded is verified by the next call, as always.
        """
        for enterprise_id in enterprise_ids:
            held = self._held.get(enterprise_id)
            if held is None:
                enterprise = await self._source.reload(enterprise_id, deadline)
                if enterprise is not None:
                    self.put(enterprise)
            elif self._is_half_way(held):
                self._replace(held, await self._source.reload(enterprise_id, deadline))
        return sum(each in self._held for each in enterprise_ids)

    async def refresh(self, deadline: float) -> int:
        """Reload in the background what is half-way to its time to live and still in use; return how many."""
        due = [held for held in self._held.values() if self._is_due(held)]
        for held in due:
            try:
                enterprise = await self._source.reload(held.enterprise.id, deadline)
            except DatabaseUnavailable:
                return 0
            self._replace(held, enterprise)
        return len(due)

    def _replace(self, held: Held, enterprise: Enterprise | None) -> None:
        if enterprise is None:
            self.drop(held.enterprise.id)
            return
        fresh = self.put(enterprise)
        fresh.used_at = held.used_at
        fresh.all_switched_off = held.all_switched_off

    def _is_due(self, held: Held) -> bool:
        in_use = self.clock() - held.used_at < 10 * self.lifetimes.fresh
        return in_use and self._is_half_way(held)

    def _is_half_way(self, held: Held) -> bool:
        return self.clock() - held.loaded_at > self.lifetimes.fresh / 2
