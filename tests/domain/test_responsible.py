"""Whose word on a caller is not known and would count: name and responsible are each the first one's who knows them."""

import pytest

from smart_redirect.domain.enterprise import Connection, Enterprise
from smart_redirect.domain.facts import CallerFacts, Contact
from smart_redirect.domain.responsible import silent_connections, with_looked_up

OFFICE = Enterprise(1, "0001", connections=tuple(Connection(each, f"CRM {each}") for each in (3, 1, 2)))
ALL = Contact(0, "Ольга", "17")
NAME_ALONE = Contact(0, "Ольга", is_name_alone=True)
NAME, RESPONSIBLE, EXTENSION = Contact(0, "Ольга"), Contact(0, "", "17"), Contact(0, "", "", "150")


@pytest.mark.parametrize(
    ("known", "silent"),
    [
        ({}, {3, 1, 2}),
        ({3: ALL}, set()),
        ({1: ALL}, {3}),
        ({2: ALL}, {3, 1}),
        ({3: NAME}, {1, 2}),
        ({3: NAME, 1: RESPONSIBLE}, set()),
        ({3: NAME, 2: EXTENSION}, {1}),
        ({3: RESPONSIBLE, 1: RESPONSIBLE}, {2}),
        ({7: ALL}, {3, 1, 2}),
        ({3: NAME_ALONE}, {3, 1, 2}),
        ({3: NAME_ALONE, 1: ALL}, {3}),
    ],
)
def test_who_stands_before_the_first_that_knows_would_count(known: dict[int, Contact], silent: set[int]) -> None:
    contacts = tuple(each._replace(connection_id=of) for of, each in known.items())
    assert silent_connections(OFFICE, CallerFacts(contacts=contacts)) == silent


def test_what_was_looked_up_takes_the_place_of_a_name_alone_of_the_same_connection() -> None:
    first, second = NAME_ALONE._replace(connection_id=3), NAME_ALONE._replace(connection_id=1)
    found = ALL._replace(connection_id=3)
    facts = CallerFacts(contacts=(first, second), own_name="О")
    assert with_looked_up(facts, (found,)) == facts._replace(contacts=(second, found))
    assert with_looked_up(facts, ()) == facts


def test_what_the_mirror_has_keeps_its_place() -> None:
    mirrored, found = NAME._replace(connection_id=3), ALL._replace(connection_id=1)
    assert with_looked_up(CallerFacts(contacts=(mirrored,)), (found,)).contacts == (mirrored, found)
