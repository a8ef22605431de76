"""A check tries everything once, writes nothing, and says in plain words what is missing."""

from time import monotonic

import pytest

from smart_redirect.adapters.memory_crm import MemoryCrm, PacedCrm
from smart_redirect.adapters.memory_live import MemoryBudgets
from smart_redirect.adapters.memory_mirror_rows import ConnectionRows, MirrorRows
from smart_redirect.domain.crm import Manager
from smart_redirect.errors import CrmRefused, SecretUnavailable
from smart_redirect.usecases.check_crm import CheckCrm, Finding
from smart_redirect.usecases.ports_mirror import Account, Key, Turn
from tests.usecases.mirrored import people

ACCOUNT = Account(Key(1, 1), "memory", "BY", {"requests_per_second": 100, "burst": 100})


def budgets() -> MemoryBudgets:
    rows = MirrorRows(monotonic)
    rows.connect(ConnectionRows(ACCOUNT))
    return MemoryBudgets(rows)


def checked(crm: MemoryCrm) -> CheckCrm:
    return CheckCrm(lambda _, turn: PacedCrm(crm, turn), budgets(), monotonic)


def found(findings: object, what: str) -> Finding:
    return next(each for each in findings if each.what == what)  # type: ignore[attr-defined]


@pytest.fixture
def crm() -> MemoryCrm:
    crm = MemoryCrm()
    crm.fill(people(5))
    crm.users = (Manager("17", "Анна", "150"), Manager("18", "Пётр"))
    return crm


async def test_a_connection_that_works_is_well_in_every_point(crm: MemoryCrm) -> None:
    findings = await checked(crm)(ACCOUNT)
    assert [each.what for each in findings] == [
        "managers", "customers", "one customer", "deletions", "look-up", "budget",
    ]  # fmt: skip
    assert all(each.is_well for each in findings)
    assert found(findings, "managers").text == "2, 1 with an extension"
    assert "5 in all" in found(findings, "customers").text
    assert "100 requests/s" in found(findings, "budget").text


async def test_managers_without_any_extension_have_to_be_mapped(crm: MemoryCrm) -> None:
    crm.users = (Manager("17", "Анна"),)
    finding = found(await checked(crm)(ACCOUNT), "managers")
    assert (finding.is_well, "crm managers --map" in finding.text) == (False, True)


async def test_managers_who_are_mapped_by_hand_need_no_extension_of_the_crm_s(crm: MemoryCrm) -> None:
    crm.users = (Manager("17", "Анна"), Manager("18", "Пётр", "150"), Manager("19", "Олег", "151"))
    finding = found(await checked(crm)(ACCOUNT, {"17", "19", "20"}), "managers")
    assert (finding.is_well, finding.text) == (True, "3, 3 with an extension, 2 of them by hand")


async def test_a_right_that_is_missing_keeps_nothing_else_from_being_tried(crm: MemoryCrm) -> None:
    crm.failures = [CrmRefused("may not read users"), None]
    findings = await checked(crm)(ACCOUNT)
    assert found(findings, "managers") == Finding("managers", False, "CrmRefused: may not read users")
    assert found(findings, "customers").is_well


async def test_somebody_who_is_listed_and_cannot_be_read_by_id_is_told(crm: MemoryCrm) -> None:
    crm.unreadable = {"0000"}
    finding = found(await checked(crm)(ACCOUNT), "one customer")
    assert (finding.is_well, finding.text) == (False, "CrmMalformed: answers 400")


async def test_without_anybody_nobody_is_read_by_id() -> None:
    assert "one customer" not in {each.what for each in await checked(MemoryCrm())(ACCOUNT)}


async def test_an_error_that_is_not_ours_is_not_shown(crm: MemoryCrm) -> None:
    crm.failure = ValueError("s3cret")
    assert {each.text for each in (await checked(crm)(ACCOUNT))[:4]} == {"ValueError"}


async def test_credentials_that_cannot_be_read_are_all_that_is_told() -> None:
    def refuse(_account: Account, _turn: Turn) -> PacedCrm:
        raise SecretUnavailable("sealed with key 2, the deployment has key 1")

    findings = await CheckCrm(refuse, budgets(), monotonic)(ACCOUNT)
    assert [(each.what, each.is_well) for each in findings] == [("credentials and settings", False)]
    assert "key 2" in findings[0].text
