"""The first call of a caller, whom a look-up finds, is routed as the next one is, which finds him in the mirror."""

import pytest

from smart_redirect.adapters.memory_crm import MemoryCrm
from smart_redirect.adapters.postgres.about import PostgresAbout
from smart_redirect.domain.crm import Manager, Person
from tests.usecases.mirrored import Mirrored
from tests.usecases.test_live_lookup import CALLER, LIVE, OLGA, Caller

ANNA = Manager("17", "Анна", "150")


async def connected(mirrored: Mirrored, managers: tuple[Manager, ...], *, tells: bool) -> MemoryCrm:
    """A CRM whose managers are mirrored, and whose people are not."""
    crm = await mirrored.connect(LIVE, MemoryCrm(tells_extensions=tells), live=True)
    crm.users = managers
    await mirrored.sync(LIVE)
    crm.fill([OLGA])
    return crm


async def extensions(mirrored: Mirrored) -> tuple[str, str]:
    """The extension of the first call, and that of the next one."""
    first = (await Caller(mirrored).ask())[0].responsible_extension
    known = await PostgresAbout(mirrored.pool).known(1, CALLER)
    return first, known.facts.contacts[0].responsible_extension


@pytest.mark.parametrize("tells", [True, False])
@pytest.mark.parametrize(
    ("manager", "extension"),
    [(ANNA, "150"), (Manager("17", "Анна", "150", is_active=False), ""), (Manager("17", "Анна"), "")],
    ids=["working", "dismissed", "without one"],
)
async def test_the_first_call_gets_the_extension_that_the_mirrored_manager_has(
    mirrored: Mirrored, manager: Manager, extension: str, tells: bool
) -> None:
    await connected(mirrored, (manager,), tells=tells)
    assert await extensions(mirrored) == (extension, extension)


async def test_the_mirror_s_word_wins_over_what_a_look_up_tells(mirrored: Mirrored) -> None:
    (await connected(mirrored, (ANNA,), tells=True)).users = (Manager("17", "Анна", "199"),)
    assert await extensions(mirrored) == ("150", "150")


async def test_a_manager_whom_the_mirror_lacks_has_what_the_look_up_tells(mirrored: Mirrored) -> None:
    crm = await connected(mirrored, (Manager("18", "Пётр", "152"),), tells=True)
    crm.users = (ANNA,)
    assert await extensions(mirrored) == ("150", "150")


async def test_the_manager_of_another_connection_is_somebody_else(mirrored: Mirrored) -> None:
    neighbour = mirrored.crms[next(iter(mirrored.crms))]
    neighbour.users = (ANNA,)
    await mirrored.sync()
    await connected(mirrored, (Manager("18", "Пётр", "152"),), tells=False)
    neighbour.fill([Person("9", "Чужая", ("8 029 999 99 99",))])
    assert await extensions(mirrored) == ("", "")
