"""What a page of changes means for the mirror, and what is kept of a person and of a look-up."""

from collections.abc import Iterator

import pytest

from smart_redirect.domain.crm import Change, Found, Gone, Manager, Merged, Person
from smart_redirect.domain.crm_mirror import (
    MOST_OWNERS,
    MOST_PHONES,
    Fold,
    Owner,
    Steps,
    T,
    finding,
    folding,
    kept_extensions,
    kept_managers,
    owner,
)

PHONE = "+375291112233"


def done(work: Steps[T]) -> T:
    """Work to the end."""
    result: list[T] = []

    def run() -> Iterator[int]:
        result.append((yield from work))

    assert all(cost > 0 for cost in run())
    return result[0]


def kept(external_id: str, name: str, *phones: str) -> Owner:
    return Owner(external_id, name, phones, None, 0.0)


def test_the_last_state_of_each_person_counts_in_the_order_of_the_last_changes() -> None:
    changes: list[Change] = [
        Person("1", "Old", ("80291112233",)),
        Person("2", "Gone later"),
        Gone("3"),
        Merged("4", "1"),
        Person("3", "Back again"),
        Person(" 1\x00", "New", ("8029 111-22-33",)),
        Gone("2"),
        Person("\x00", "Nobody"),
    ]
    wanted = Fold((kept("3", "Back again"), kept("1", "New", PHONE)), ("4", "2"))
    assert done(folding(changes, "BY")) == wanted


def test_of_a_person_the_first_ten_phones_are_kept() -> None:
    phones = tuple(f"802911122{number}" for number in range(10, 60))
    assert owner(Person("1", "x", phones), "BY").phones == tuple(f"+37529{each[4:]}" for each in phones[:MOST_PHONES])


def test_a_field_may_hold_several_phones_and_the_first_ten_of_all_are_kept() -> None:
    phones = tuple(f"802911122{number}, 802911122{number + 1} Ольга" for number in range(10, 60, 2))
    assert owner(Person("1", "x", phones), "BY").phones == tuple(f"+3752911122{number}" for number in range(10, 20))
    found = Found((Person("1", "x", ("дом 8017 200-11-22 / моб. 80291112233 доб. 5",)),))
    assert [each.external_id for each in done(finding(found, "BY", PHONE))] == ["1"]


def test_a_page_costs_at_most_ten_phones_a_person() -> None:
    costs = list(folding([Person("1", "x", ("1",) * 1000), Person("2", "x"), Gone("3")], "BY"))
    assert costs == [1, 1, 1, MOST_PHONES, 1, 1]


def test_the_owners_of_a_phone_come_in_the_order_of_the_mirror() -> None:
    lead = Person("4", "x", (PHONE,), "17", 9.0, is_lead=True)
    people = (
        lead,
        Person("1", "x", (PHONE,)),
        Person("22", "x", (PHONE,), "17", 1.0),
        Person("3", "x", (PHONE,), "17"),
    )
    assert [each.external_id for each in done(finding(Found(people), "BY", PHONE))] == ["22", "3", "1", "4"]


@pytest.mark.parametrize("loose", ["+7 495 111-22-33", "80291112234", "не телефон", ""])
def test_who_only_seems_to_have_the_phone_is_no_owner(loose: str) -> None:
    assert done(finding(Found((Person("1", "x", (loose,)),)), "BY", PHONE)) == []


def test_of_those_whose_phones_end_alike_fifty_are_looked_at() -> None:
    others = tuple(Person(str(number), "x", ("80291119999",)) for number in range(2000))
    alike = tuple(Person(f"a{number}", "x", ("+44 20 7111 2233",)) for number in range(MOST_OWNERS - 1))
    ours, late = Person("us", "x", (PHONE,)), Person("late", "x", (PHONE,))
    owners = done(finding(Found((*others, *alike, ours, late)), "BY", PHONE))
    assert [each.external_id for each in owners] == ["us"]


def test_managers_are_kept_by_the_rules_of_people() -> None:
    given = (Manager(" 17\x00", "Анна\ud800\n" + "x" * 300, "1" * 300, is_active=False), Manager("\x00", "Nobody", "1"))
    assert kept_managers(given) == (Manager("17", "Анна " + "x" * 195, "1" * 200, is_active=False),)
    assert kept_managers([Manager("18", "", " \x00")]) == (Manager("18", ""),)


def test_the_manager_of_a_person_is_the_one_that_is_kept() -> None:
    [manager] = kept_managers([Manager("a\x00b", "x")])
    assert owner(Person("1", "x", (), "a\x00b"), "BY").responsible_id == manager.id


def test_of_a_look_up_the_extensions_of_those_who_are_responsible_are_kept() -> None:
    found = Found(
        (Person("1", "x", (), "17\x00"), Person("2", "x")), (("17\x00", "150\x00"), ("18", "151"), ("17\x00", ""))
    )
    assert kept_extensions(found) == {"17": "150"}
