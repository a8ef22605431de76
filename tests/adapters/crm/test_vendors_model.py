"""Whatever happens to each vendor's CRM and to us, after the next sync and sweep the mirror is what the CRM is."""

import asyncio
import importlib
from dataclasses import replace
from datetime import timedelta
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from smart_redirect.adapters.crm import amocrm
from smart_redirect.adapters.memory_live import MemoryBudgets
from smart_redirect.adapters.memory_mirror import MemoryMirror
from smart_redirect.adapters.memory_mirror_rows import ConnectionRows, MirrorRows
from smart_redirect.adapters.memory_tokens import MemoryTokens
from smart_redirect.domain.phone import normalise
from smart_redirect.usecases.pace import Pace
from smart_redirect.usecases.ports_crm import Access, Crm
from smart_redirect.usecases.ports_mirror import Account, Key, Turn
from smart_redirect.usecases.sync_crm import Outcome, Rhythm, SyncCrm
from tests.adapters.crm.account import FAKES
from tests.adapters.crm.direct import Direct, Killed
from tests.fakes.crm.retailcrm import text_of
from tests.fakes.crm.vendor import Customer
from tests.usecases.mirrored import stop_after

KEY = Key(1, 1)
DAY = 86_400.0
START = 1_790_000_000.0
RHYTHM = Rhythm(sync=0.0, managers=10 * DAY, sweep=DAY)
FAST = {"requests_per_second": 9000, "burst": 9000}
# What is written late is seen within less than a minute: no vendor's changes are read again for longer than that.
LATE = 40.0
PHONES = ("80291112233", "+375 44 777-00-11", "8 017 2001122", "12")
CUSTOMERS = st.builds(
    Customer,
    last=st.sampled_from(["Петрова", "Белов"]),
    first=st.sampled_from(["Анна", "Пётр"]),
    phones=st.sampled_from([(), PHONES[:1], PHONES[1:2], PHONES[1:]]),
    manager=st.none() | st.sampled_from(["17", "18"]),
    company=st.sampled_from(["", "Ромашка"]),
)
WHOM = st.integers(0, 100)


class MirrorIsCrm(RuleBasedStateMachine):
    """One account of a vendor, one mirror, and one clock for both."""

    vendor_name: ClassVar[str]

    @initialize(count=st.integers(0, 4), is_loaded=st.booleans())
    def begin(self, count: int, is_loaded: bool) -> None:
        self.loop = asyncio.new_event_loop()
        self.vendor = importlib.import_module(f"tests.fakes.crm.{self.vendor_name}").VENDOR()
        self.fake = self.vendor.fake
        self.now, self.late_since = START, 0.0
        if self.vendor_name == "amocrm":
            self.fake.clock = iter(lambda: int(self.now), None)
        self.http = Direct(self.fake)
        self.rows = MirrorRows(lambda: self.now)
        account = Account(KEY, self.vendor_name, "BY", FAST)
        self.rows.connect(ConnectionRows(replace(account, sealed=b"sealed")))
        self.customers: dict[str, Customer] = {}
        for number in range(count + 2):
            self.add(Customer(f"Клиент{number}", "Иван", ("80291112233",), "17", "Лютик" if number % 2 else ""))
        if is_loaded:
            self.pass_by(300)
            self.sync_meanwhile()

    # --- what people do there

    @rule(customer=CUSTOMERS)
    def add(self, customer: Customer) -> None:
        self.pass_by(1)
        given = self.known(customer)
        self.customers[self.vendor.add(given)] = given

    @rule(whom=WHOM, customer=CUSTOMERS)
    def edit(self, whom: int, customer: Customer) -> None:
        self.pass_by(1)
        if external_id := self.one(whom):
            self.customers[external_id] = self.known(customer)
            self.vendor.edit(external_id, self.customers[external_id])

    @rule(whom=WHOM)
    def delete(self, whom: int) -> None:
        """The last one stays: a list that is empty drops nobody."""
        self.pass_by(1)
        external_id = self.one(whom)
        if external_id and len(self.customers) > 1:
            self.vendor.delete(external_id)
            del self.customers[external_id]

    @precondition(lambda self: self.vendor.merges)
    @rule(whom=WHOM, into=WHOM)
    def merge(self, whom: int, into: int) -> None:
        self.pass_by(1)
        joined, survivor = self.one(whom), self.one(into)
        if joined and survivor and joined != survivor:
            self.vendor.merge(joined, survivor)
            gone, stays = self.customers.pop(joined), self.customers[survivor]
            self.customers[survivor] = replace(stays, phones=(*stays.phones, *gone.phones))

    @precondition(lambda self: self.vendor_name == "retailcrm")
    @rule(whom=WHOM)
    def close_a_company(self, whom: int) -> None:
        """No history says whose it was."""
        self.pass_by(1)
        employed = sorted(each for each, customer in self.customers.items() if customer.company)
        if employed:
            external_id = employed[whom % len(employed)]
            self.fake.unlink(5000 + int(external_id))
            self.customers[external_id] = replace(self.customers[external_id], company="")

    @rule(whom=WHOM, to=WHOM)
    def move_phones(self, whom: int, to: int) -> None:
        one, other = self.one(whom), self.one(to)
        if one and other and one != other:
            self.pass_by(1)
            moved = self.customers[one]
            for external_id, phones in ((one, ()), (other, moved.phones)):
                self.customers[external_id] = replace(self.customers[external_id], phones=phones)
                self.vendor.edit(external_id, self.customers[external_id])

    # --- what computers do

    @precondition(lambda self: hasattr(self.fake, "catch_up"))
    @rule(
        how=st.sampled_from(["commits_late", "lags"]), whom=WHOM, customer=CUSTOMERS | st.none(), between=st.booleans()
    )
    def write_late(self, how: str, whom: int, customer: Customer | None, between: bool) -> None:
        """Write one and then another, who is seen before him, and perhaps read in between."""
        self.late_since = self.late_since or self.now
        setattr(self.fake, how, True)
        self.edit(whom, customer) if customer else self.delete(whom)
        setattr(self.fake, how, False)
        self.edit(whom + 1, Customer("Другой", "Олег", ("+375 44 777-00-11",), None))
        if between:
            self.sync_meanwhile()

    @rule(seconds=st.sampled_from([5.0, 30.0, 300.0]))
    def pass_by(self, seconds: float) -> None:
        if self.late_since and self.now + seconds > self.late_since + LATE:
            self.catch_up()
        self.now += seconds
        if self.vendor_name == "retailcrm":
            self.fake.wait(seconds)

    @precondition(lambda self: self.vendor_name in {"amocrm", "retailcrm"})
    @rule()
    def write_a_time_to_come(self) -> None:
        if self.vendor_name == "retailcrm" and self.fake.histories["customers"]:
            self.fake.histories["customers"][-1]["createdAt"] = text_of(self.fake.now + timedelta(hours=1))
        elif self.vendor_name == "amocrm":
            for row in list(self.fake.rows["contacts"].values())[:1]:
                row["updated_at"] = int(START + 3650 * DAY)

    @rule(turns=st.integers(1, 8))
    def stop_early(self, turns: int) -> None:
        self.sync(turns)

    @rule(requests=st.integers(0, 8))
    def kill(self, requests: int) -> None:
        self.http.dies_after = requests
        try:
            self.sync()
        except Killed:
            self.rows.connections[KEY].lease.until = self.now
        self.http.dies_after = None

    @rule()
    def sync_meanwhile(self) -> None:
        assert self.sync() is Outcome.DONE

    def settle(self) -> None:
        """Of two sweeps the first may have been begun before, and everybody is read again once a day at most."""
        self.catch_up()
        for _ in range(3):
            assert self.sync() is Outcome.DONE
            self.pass_by(DAY)
        assert self.mirror() == self.expected()

    def teardown(self) -> None:
        if hasattr(self, "loop"):
            try:
                self.settle()
                assert self.fake.refusals == []
            finally:
                self.loop.close()

    # --- how

    def one(self, whom: int) -> str | None:
        return sorted(self.customers)[whom % len(self.customers)] if self.customers else None

    def known(self, customer: Customer) -> Customer:
        """Companies are told apart from people in two vendors' ways only."""
        return customer if self.vendor_name in {"amocrm", "retailcrm"} else replace(customer, company="")

    def catch_up(self) -> None:
        self.late_since = 0.0
        if hasattr(self.fake, "catch_up"):
            self.fake.catch_up()

    def sync(self, turns: int = 10_000) -> Outcome:
        async def pass_by(seconds: float) -> None:
            self.now += max(seconds, 0.001)

        pace = Pace(MemoryBudgets(self.rows), lambda: self.now, pass_by)
        work = SyncCrm(MemoryMirror(self.rows), self.open, pace, RHYTHM)(KEY, stop_after(turns))
        return self.loop.run_until_complete(work)

    def open(self, account: Account, turn: Turn) -> Crm:
        access = Access(self.vendor.settings(443), account.country, turn, MemoryTokens())
        if self.vendor_name == "amocrm":
            return amocrm.make(self.http, access, lambda: self.now)
        module = importlib.import_module(f"smart_redirect.adapters.crm.{self.vendor_name}")
        crm: Crm = module.make(self.http, access)
        return crm

    def mirror(self) -> set[tuple[Any, ...]]:
        contacts = self.rows.connections[KEY].contacts
        return {(phone, each, row.name, row.responsible_id) for (phone, each), row in contacts.items()}

    def expected(self) -> set[tuple[Any, ...]]:
        return {
            (phone, external_id, f"{each.company} {each.last} {each.first}".strip(), each.manager)
            for external_id, each in self.customers.items()
            for raw in each.phones
            if (phone := normalise(raw, "BY"))
        }


@pytest.mark.timeout(300)
@pytest.mark.parametrize("vendor", FAKES)
def test_after_the_next_sync_and_sweep_the_mirror_is_the_crm(vendor: str) -> None:
    machine = type("Machine", (MirrorIsCrm,), {"vendor_name": vendor})
    checks = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
    examples = 60 if vendor in {"amocrm", "retailcrm"} else 12
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=25,
            deadline=None,
            derandomize=True,
            suppress_health_check=checks,
        ),
    )
