"""An account of a vendor as the contract test has it: the strict fake, and our adapter on it."""

import importlib
import pkgutil
from dataclasses import dataclass, field

import tests.fakes.crm
from smart_redirect.adapters.crm.outbound import Outbound
from smart_redirect.adapters.crm.vendors import VENDORS
from smart_redirect.adapters.memory_live import MemoryBudgets
from smart_redirect.adapters.memory_mirror_rows import ConnectionRows, MirrorRows
from smart_redirect.adapters.memory_tokens import MemoryTokens
from smart_redirect.domain.crm import Change, Person
from smart_redirect.usecases.pace import OutOfTime, Pace
from smart_redirect.usecases.ports_crm import Access, Crm
from smart_redirect.usecases.ports_mirror import Account as Connection
from smart_redirect.usecases.ports_mirror import Key, Turn
from tests.fakes.crm.vendor import Customer, Vendor

FAKES = sorted({each.name for each in pkgutil.iter_modules(tests.fakes.crm.__path__)} & set(VENDORS))


@dataclass
class Account:
    """An account of a vendor, and our adapter on it."""

    vendor: Vendor
    http: Outbound
    port: int
    turns: int = 0
    stop_after: int = 10_000
    tokens: MemoryTokens = field(default_factory=MemoryTokens)
    wait_for_turns: bool = True
    now: float = 0.0
    """The seconds that pass while turns are waited for, and not otherwise."""

    def __post_init__(self) -> None:
        self.vendor.fake.watch = lambda: self.now
        self.connection = Connection(Key(1, 1), self.vendor.name, "BY")
        rows = MirrorRows(lambda: self.now)
        rows.connect(ConnectionRows(self.connection))
        self.pace = Pace(MemoryBudgets(rows), lambda: self.now, self.wait)

    def open(self, **settings: object) -> Crm:
        given = {**self.vendor.settings(self.port), **settings}
        module = importlib.import_module(f"smart_redirect.adapters.crm.{self.vendor.name}")
        crm: Crm = module.make(self.http, Access(given, "BY", self.turn, self.tokens))
        return crm

    def open_connection(self, connection: Connection, turn: Turn) -> Crm:
        """Open the adapter as a sync does, which keeps a budget of its own."""
        self.vendor.fake.watch = None
        module = importlib.import_module(f"smart_redirect.adapters.crm.{self.vendor.name}")
        access = Access(self.vendor.settings(self.port), connection.country, turn, self.tokens)
        crm: Crm = module.make(self.http, access)
        return crm

    async def turn(self) -> None:
        if self.turns >= self.stop_after:
            raise OutOfTime
        self.turns += 1
        if self.wait_for_turns:
            await self.pace.turn(self.connection)

    async def wait(self, seconds: float) -> None:
        """Let time pass: at least as much as a clock would see."""
        self.now += max(seconds, 0.001)

    def fill(self, count: int) -> dict[str, Customer]:
        people = (Customer(f"Клиент{n}", "Иван", (f"8 029 {1000000 + n}",), "17") for n in range(count))
        return {self.vendor.add(each): each for each in people}

    async def walk(self, cursor: str | None = None, *known: str) -> tuple[dict[str, Person], str]:
        """Follow the pages to their end; return who is there then, of those known before too, and the cursor."""
        there = {each: Person(each, "") for each in known}
        for _ in range(1000):
            page = await self.open().changes(cursor)
            apply(there, page.changes)
            cursor = page.cursor
            if not page.more:
                return there, cursor
        raise AssertionError("the pages do not end")


def apply(there: dict[str, Person], changes: tuple[Change, ...]) -> None:
    for change in changes:
        if isinstance(change, Person):
            there[change.external_id] = change
        else:
            there.pop(change.external_id, None)
