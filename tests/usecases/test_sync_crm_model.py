"""Whatever happens to a CRM and to us, after the next sync the mirror is what the CRM is."""

import asyncio
from dataclasses import replace
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from smart_redirect.adapters.memory_crm import MemoryCrm
from smart_redirect.adapters.postgres.hooks import PostgresHooks
from smart_redirect.adapters.postgres.pool import open_pool
from smart_redirect.domain.crm import Person
from smart_redirect.errors import CrmLimited, CrmMalformed, CrmUnavailable
from smart_redirect.usecases.ports_mirror import Key
from smart_redirect.usecases.sync_crm import Outcome
from tests.conftest import run
from tests.usecases.mirrored import KEY, Mirrored, stop_after

IDS = st.sampled_from([f"{number}" for number in range(12)])
PHONES = st.lists(st.sampled_from(["80291112233", "+375 44 777-00-11", "+7 999 123-45-67", "12", "нет"]), max_size=3)
OTHER = Key(2, 1)


class _Killed(BaseException):
    """The process ends here, and nothing of it is done any more: no lease is given back."""


class MirrorIsCrm(RuleBasedStateMachine):
    """One CRM that people change, one mirror that is synced, interrupted, hinted at and left alone."""

    url: ClassVar[str]

    @initialize(feeds=st.booleans(), page=st.integers(1, 4), count=st.integers(0, 8))
    def begin(self, feeds: bool, page: int, count: int) -> None:
        self.loop = asyncio.new_event_loop()
        self.mirrored = Mirrored(self.do(open_pool(self.url, size=2)))
        self.do(self.mirrored.pool.execute("DELETE FROM enterprises"))
        self.crm = self.do(self.mirrored.connect(KEY, MemoryCrm(page, feeds_deletions=feeds)))
        self.do(self.mirrored.connect(OTHER, self.crm))
        self.crm.fill(Person(f"{number}", f"Клиент {number}", ("80291112233",)) for number in range(count))

    def do(self, work: Any) -> Any:
        return self.loop.run_until_complete(work)

    @rule(
        external_id=IDS,
        name=st.sampled_from(["Анна", "Пётр"]),
        phones=PHONES,
        manager=st.none() | st.sampled_from(["17", "18"]),
    )
    def save(self, external_id: str, name: str, phones: list[str], manager: str | None) -> None:
        self.crm.save(Person(external_id, name, tuple(phones), manager))

    @rule(external_id=IDS)
    def delete(self, external_id: str) -> None:
        if external_id in self.crm.people_now:
            self.crm.delete(external_id)

    @rule(one=IDS, other=IDS)
    def merge(self, one: str, other: str) -> None:
        if one != other and {one, other} <= self.crm.people_now.keys():
            self.crm.merge(one, other)

    @rule(one=IDS, other=IDS)
    def move_phones(self, one: str, other: str) -> None:
        if one != other and {one, other} <= self.crm.people_now.keys():
            self.crm.move_phones(one, other)

    @rule(external_ids=st.lists(IDS, max_size=4))
    def hint(self, external_ids: list[str]) -> None:
        """Webhooks come for some changes, twice for others, and for people whom nobody has changed."""
        self.do(PostgresHooks(self.mirrored.pool).hint(KEY, external_ids))

    @rule(turns=st.integers(1, 8))
    def stop_early(self, turns: int) -> None:
        self.do(self.mirrored.sync(may_go_on=stop_after(turns)))

    @rule(at=st.integers(0, 5), error=st.sampled_from([CrmUnavailable("x"), CrmLimited(1), CrmMalformed("x")]))
    def fail(self, at: int, error: Exception) -> None:
        self.crm.failures = [None] * at + [error]
        self.do(self.mirrored.sync())
        self.crm.failures = []

    @rule(at=st.integers(0, 5))
    def kill(self, at: int) -> None:
        self.crm.failures = [*[None] * at, _Killed()]  # type: ignore[list-item]
        try:
            self.do(self.mirrored.sync())
        except _Killed:
            self.do(self.mirrored.pool.execute("UPDATE crm_leases SET until = now()"))
        self.crm.failures = []

    @rule()
    def sync(self) -> None:
        # A sweep that was interrupted may have met people who are gone by now: the one after it does not.
        for _ in range(2):
            assert self.do(self.mirrored.sync()) is Outcome.DONE
        assert self.do(self.mirrored.rows()) == self.mirrored.expected()
        assert self.do(self.mirrored.pool.fetchval("SELECT count(*) FROM crm_dirty")) == 0

    @invariant()
    def nothing_reaches_another_enterprise(self) -> None:
        if hasattr(self, "mirrored"):
            assert self.do(self.mirrored.rows(OTHER)) == set()

    def teardown(self) -> None:
        if hasattr(self, "mirrored"):
            self.sync()
            self.mirrored.pool.terminate()
            self.do(asyncio.sleep(0.01))
            self.loop.close()


@pytest.fixture
def machine(database_url: str) -> type[MirrorIsCrm]:
    MirrorIsCrm.url = database_url
    return MirrorIsCrm


@pytest.mark.timeout(300)
def test_after_the_next_sync_the_mirror_is_the_crm(machine: type[MirrorIsCrm]) -> None:
    checks = [HealthCheck.too_slow, HealthCheck.data_too_large]
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=20, stateful_step_count=25, deadline=None, derandomize=True, suppress_health_check=checks
        ),
    )


def test_the_machine_notices_a_mirror_that_is_wrong(database_url: str) -> None:
    """A deletion that is neither fed nor swept for has to fail the model."""

    async def broken() -> bool:
        mirrored = Mirrored(await open_pool(database_url, size=2))
        crm = await mirrored.connect(KEY)
        crm.fill([Person("1", "x", ("80291112233",))])
        await mirrored.sync()
        crm.people_now["1"] = replace(crm.people_now["1"], name="y")
        await mirrored.sync()
        same = await mirrored.rows() == mirrored.expected()
        mirrored.pool.terminate()
        await asyncio.sleep(0.01)
        return same

    assert not run(broken())
