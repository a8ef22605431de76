"""What look-ups found is forgotten by all processes when the caches are cleared; what the mirror has is not."""

from dataclasses import replace

from smart_redirect.adapters.memory_crm import MemoryCrm
from smart_redirect.adapters.postgres.about import PostgresAbout
from smart_redirect.adapters.postgres.hooks import PostgresHooks
from smart_redirect.adapters.postgres.live import PostgresLive
from smart_redirect.domain.crm import Person
from smart_redirect.domain.crm_mirror import owner
from smart_redirect.usecases.ports_mirror import Key
from tests.usecases.mirrored import Mirrored
from tests.usecases.test_live_lookup import CALLER, LIVE, OLGA, Caller, crm

__all__ = ["crm"]


async def test_the_caches_cleared_nobody_is_routed_by_an_earlier_look_up(mirrored: Mirrored, crm: MemoryCrm) -> None:
    await Caller(mirrored).ask()
    crm.save(replace(OLGA, responsible_id="18"))
    await PostgresHooks(mirrored.pool).clear_caches(None)
    assert (await PostgresAbout(mirrored.pool).known(1, CALLER)).facts.contacts == ()
    assert [each.responsible_id for each in await Caller(mirrored).ask(epoch=1)] == ["18"]


async def test_clearing_leaves_the_mirror_and_other_enterprises(mirrored: Mirrored, crm: MemoryCrm) -> None:
    await mirrored.sync(LIVE)
    neighbour = Key(2, 5)
    await mirrored.connect(neighbour, live=True)
    for key in (LIVE, neighbour):
        found = [owner(Person("9", "Живая", ("8 029 999 99 99",)), "BY")]
        await PostgresLive(mirrored.pool).found(key, found, {}, 60)
    assert await PostgresHooks(mirrored.pool).clear_caches("0001") == 1
    assert await mirrored.rows(LIVE) == mirrored.expected(LIVE)
    assert {row[1] for row in await mirrored.rows(neighbour)} == {"9"}
