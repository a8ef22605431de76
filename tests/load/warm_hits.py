"""Warm hits: of the calls of a simulated month, how many find their caller known and with the right manager."""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass, field

from smart_redirect.adapters.memory_live import MemoryBudgets, MemoryLive
from smart_redirect.adapters.memory_mirror import MemoryMirror
from smart_redirect.adapters.memory_mirror_rows import ConnectionRows, MirrorRows
from smart_redirect.adapters.memory_warm import MemoryCalls
from smart_redirect.domain.crm import Found, Person
from smart_redirect.domain.facts import LOOKED_UP_SECONDS, ROUTES_SECONDS
from smart_redirect.usecases.in_slices import owners_of
from smart_redirect.usecases.ports_mirror import Account, Key
from smart_redirect.usecases.refresh_likely import MOST_EACH, RefreshLikely
from tests.load.month import Event, Habits, month
from tests.load.size import Size

KEY = Key(1, 1)
HABITS = Habits()
ROUND = 60.0


def phone(caller: int) -> str:
    return f"+3752{91000000 + caller}"


class Customers:
    """The CRM: a manager for each customer; newcomers are not in it. Counts what it is asked."""

    def __init__(self) -> None:
        self.managers = {phone(number): str(number % 20) for number in range(HABITS.customers)}
        self.asked = 0

    async def lookup(self, wanted: str, seconds: float) -> Found:
        self.asked += 1
        manager = self.managers.get(wanted)
        return Found(() if manager is None else (Person(wanted, "x", (wanted,), manager),))


@dataclass(slots=True)
class Tally:
    """Of all calls: answered from what is kept, and of these with the manager of that moment; entries held meanwhile."""

    calls: int = 0
    warm: int = 0
    right: int = 0
    held: list[int] = field(default_factory=list)

    def add(self, is_warm: bool, known: str | None, truth: str | None, held: int) -> None:
        self.calls += 1
        self.warm += is_warm
        self.right += is_warm and known == truth
        self.held.append(held)


class Lru:
    """The yardstick: the last so many callers, whatever has become of them since."""

    def __init__(self, size: int, believed: float = float("inf")) -> None:
        self._size, self._believed = size, believed
        self._kept: OrderedDict[str, tuple[str | None, float]] = OrderedDict()
        self.crm, self.tally = Customers(), Tally()

    def change(self, event: Event) -> None:
        self.crm.managers[phone(event.caller)] = str(event.manager)

    def call(self, event: Event) -> None:
        wanted = phone(event.caller)
        known, at = self._kept.get(wanted, (None, float("-inf")))
        is_warm = wanted in self._kept and event.at - at <= self._believed
        truth = self.crm.managers.get(wanted)
        self.tally.add(is_warm, known, truth, len(self._kept))
        self.crm.asked += not is_warm
        self._kept[wanted] = (known, at) if is_warm else (truth, event.at)
        self._kept.move_to_end(wanted)
        if len(self._kept) > self._size:
            self._kept.popitem(last=False)


class Ours:
    """Live look-ups into what the mirror keeps, with or without the refresh of likely callers; the code of the service."""

    def __init__(self, most_each: int) -> None:
        self.now = 0.0
        self.rows = MirrorRows(lambda: self.now)
        settings = {"live": True, "requests_per_second": 2.0, "burst": 50, "refresh_callers": most_each}
        self.connection = ConnectionRows(Account(KEY, "bitrix24", "BY", settings, b"sealed"))
        self.rows.connect(self.connection)
        self.crm, self.calls, self.tally = Customers(), MemoryCalls(self.rows), Tally()
        self.live, self.mirror = MemoryLive(self.rows), MemoryMirror(self.rows)
        budgets = MemoryBudgets(self.rows)
        self.refresh = RefreshLikely(self.calls, self.live, lambda *_: self.crm, budgets, lambda: self.now)

    async def turn(self, at: float) -> None:
        """Run a round of the schedule."""
        self.now = at
        await self.mirror.tidy()
        await self.refresh()

    def change(self, event: Event) -> None:
        self.crm.managers[phone(event.caller)] = str(event.manager)

    async def call(self, event: Event) -> None:
        self.now, wanted = event.at, phone(event.caller)
        row = self.connection.contacts.get((wanted, wanted))
        # By a row of a look-up a call is routed for its first minute; later it has the name, and the CRM is asked again.
        ends = self.now + LOOKED_UP_SECONDS - ROUTES_SECONDS
        is_routed = row is not None and (row.expires_at or 0.0) > ends
        is_warm = is_routed or self.connection.misses.get(wanted, 0.0) > self.now
        manager = row.responsible_id if row and is_routed else None
        held = sum((each.expires_at or 0.0) > ends for each in self.connection.contacts.values())
        held += len(self.connection.misses)
        self.tally.add(is_warm, manager, self.crm.managers.get(wanted), held)
        self.calls.call(1, wanted, event.at)
        if not is_warm:
            await self._look_up(wanted)

    async def _look_up(self, wanted: str) -> None:
        found = await self.crm.lookup(wanted, 1.0)
        if owners := await owners_of(found, "BY", wanted):
            await self.live.found(KEY, owners, {}, LOOKED_UP_SECONDS)
        else:
            await self.live.missed(KEY, wanted, 60.0)


async def simulate(events: list[Event], most_each: int) -> Ours:
    """Let a month happen."""
    ours, rounds = Ours(most_each), 0.0
    for event in events:
        while rounds + ROUND <= event.at:
            rounds += ROUND
            await ours.turn(rounds)
        ours.now = event.at
        if event.manager is None:
            await ours.call(event)
        else:
            ours.change(event)
    return ours


class Mirror:
    """The same CRM mirrored: everybody it has is there, with the manager of the last sync, a minute ago at most."""

    def __init__(self) -> None:
        self.crm, self.tally = Customers(), Tally()
        self._synced, self._last = dict(self.crm.managers), 0.0

    def change(self, event: Event) -> None:
        self._sync(event.at)
        self.crm.managers[phone(event.caller)] = str(event.manager)

    def call(self, event: Event) -> None:
        self._sync(event.at)
        known = self._synced.get(phone(event.caller))
        self.tally.add(known is not None, known, self.crm.managers.get(phone(event.caller)), len(self._synced))

    def _sync(self, now: float) -> None:
        """Take over what changed before the last full minute; a request a minute, whether or not anything did."""
        if now - self._last >= ROUND:
            self.crm.asked += int((now - self._last) // ROUND)
            self._last = now - now % ROUND
            self._synced = dict(self.crm.managers)


def run(size: Size = Size.WHOLE) -> None:
    """Print the shares of a month's calls that were answered from what is kept."""
    days = size.of(30, 7, 1)
    events = month(days, HABITS)
    calls = sum(event.manager is None for event in events)
    print(f"{calls:,} calls in {days} days; {HABITS}\n")
    print("| kept | entries when a call came, mean | warm | warm and right | requests a call |\n|---|---|---|---|---|")
    for most_each in (0, MOST_EACH // 2, MOST_EACH, 2 * MOST_EACH):
        ours = asyncio.run(simulate(events, most_each))
        held = round(sum(ours.tally.held) / len(ours.tally.held))
        name = f"look-ups, believed for 300 s, {most_each} likely callers refreshed a round"
        _print(name, ours.tally, ours.crm.asked, held)
        _print_other("LRU of the same size, nothing ends", Lru(held), events, held)
    _print_other("LRU of 80, each believed for 300 s", Lru(80, 300.0), events, 80)
    _print_other("the mirror, synced each minute", Mirror(), events, HABITS.customers)


def _print_other(name: str, other: Lru | Mirror, events: list[Event], size: int) -> None:
    for event in events:
        (other.call if event.manager is None else other.change)(event)
    _print(name, other.tally, other.crm.asked, size)


def _print(name: str, tally: Tally, asked: int, size: int) -> None:
    warm, right = tally.warm / tally.calls, tally.right / tally.calls
    print(f"| {name} | {size:,} | {warm:.1%} | {right:.1%} | {asked / tally.calls:.2f} |", flush=True)
