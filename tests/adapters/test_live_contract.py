"""One contract each for Hooks, Budgets and LiveLedger, in PostgreSQL and in memory alike."""

from uuid import UUID

import pytest

from smart_redirect.domain.crm import Manager
from smart_redirect.domain.crm_budget import Rate
from smart_redirect.domain.crm_mirror import Fold, Owner
from smart_redirect.errors import DatabaseUnavailable
from smart_redirect.usecases.ports_mirror import Grant, Hook, Key, Step
from tests.adapters.mirror_stores import Given, Store

KEY, OTHER, THIRD = Key(1, 1), Key(1, 2), Key(2, 1)
LIVE = {"live": True}
PHONE = "+375291111111"
ANNA = Owner("1", "Анна", (PHONE,), "17", 5.0)
RATE = Rate(per_second=0.5, burst=10, reserve=3)


async def test_a_hook_names_its_connection_however_its_name_is_written(store: Store) -> None:
    await store.connect(Given(KEY, hook=UUID(int=0xABC), secret_hash=b"hash"))
    await store.connect(Given(OTHER, hook=UUID(int=2), secret_hash=b"other", position=2))
    expected = Hook(KEY, "memory", b"hash")
    assert await store.hooks.hook(str(UUID(int=0xABC))) == expected
    assert await store.hooks.hook(str(UUID(int=0xABC)).upper()) == expected
    for name in (str(UUID(int=3)), "1", "", "\x00"):
        assert await store.hooks.hook(name) is None


@pytest.mark.parametrize("lacks", [{"enabled": False}, {"sealed": b""}, {"secret_hash": None}])
async def test_a_hook_of_a_connection_that_takes_none_names_nothing(store: Store, lacks: dict[str, object]) -> None:
    hook = UUID(int=7)
    given = {"key": KEY, "hook": hook, "secret_hash": b"hash"}
    await store.connect(Given(**{**given, **lacks}))  # type: ignore[arg-type]
    assert await store.hooks.hook(str(hook)) is None


async def test_a_hint_names_each_person_once_and_only_in_its_connection(store: Store) -> None:
    for key in (KEY, OTHER, THIRD):
        await store.connect(Given(key, position=key.connection_id))
    await store.hooks.hint(KEY, ["b", "a", "b"])
    claims = [await store.mirror.claim(key, 60) for key in (KEY, OTHER, THIRD)]
    marked = [[each.external_id for each in await store.mirror.marks(claim, 9)] for claim in claims if claim]
    assert marked == [["a", "b"], [], []]


async def test_a_hint_for_nobody_is_dropped(store: Store) -> None:
    await store.hooks.hint(KEY, ["a"])
    assert await store.mirror.due(9) == []


@pytest.mark.parametrize("ids", [["a"], []])
async def test_a_hint_makes_its_connection_due_though_it_names_nobody(store: Store, ids: list[str]) -> None:
    for key in (KEY, OTHER):
        await store.connect(Given(key, position=key.connection_id))
        claim = await store.mirror.claim(key, 60)
        assert claim is not None
        await store.mirror.done(claim, 60)
    await store.hooks.hint(KEY, ids)
    assert await store.mirror.due(9) == [KEY]


async def test_a_new_bucket_is_full_and_the_reserve_stays(store: Store) -> None:
    await store.connect(Given(KEY))
    assert await store.budgets.take(KEY, 100, RATE, RATE.reserve) == Grant(7)
    refused = await store.budgets.take(KEY, 1, RATE, RATE.reserve)
    assert (refused.requests, refused.wait) == (0, pytest.approx(2.0, abs=1.0))
    assert (await store.budgets.take(KEY, 100, RATE, 0)).requests == 3


async def test_a_bucket_fills_with_time_and_not_over_its_brim(store: Store) -> None:
    await store.connect(Given(KEY))
    await store.budgets.take(KEY, 10, RATE, 0)
    for seconds, wanted, granted in ((4.5, 9, 2), (86_400, 99, 10)):
        await store.advance(seconds)
        assert (await store.budgets.take(KEY, wanted, RATE, 0)).requests == granted


async def test_each_connection_has_its_own_bucket_and_one_that_is_gone_none(store: Store) -> None:
    for key in (KEY, THIRD):
        await store.connect(Given(key))
    await store.budgets.take(KEY, 10, RATE, 0)
    assert (await store.budgets.take(THIRD, 10, RATE, 0)).requests == 10
    assert await store.budgets.take(Key(9, 9), 1, RATE, 0) == Grant(0, 60.0)


async def test_the_live_connections_of_the_enterprise_come_in_their_order(store: Store) -> None:
    await store.connect(Given(KEY, LIVE, position=3))
    await store.connect(Given(OTHER, LIVE, position=2))
    await store.connect(Given(Key(1, 3), {"live": "true"}, position=1))
    await store.connect(Given(Key(1, 4), LIVE, enabled=False, position=4))
    await store.connect(Given(Key(1, 5), LIVE, sealed=b"", position=5))
    await store.connect(Given(THIRD, LIVE))
    assert [each.key for each in await store.live.accounts(1, 5)] == [OTHER, KEY]


async def test_who_has_missed_a_phone_is_not_asked_for_a_while(store: Store) -> None:
    for key in (KEY, OTHER, THIRD):
        await store.connect(Given(key, LIVE, position=key.connection_id))
    await store.live.missed(KEY, PHONE, 60)
    assert set(await store.live.askable(1, PHONE, 5)) == {2}
    assert set(await store.live.askable(1, "+375290000000", 5)) == {1, 2}
    assert set(await store.live.askable(2, PHONE, 5)) == {1}
    await store.advance(61)
    assert set(await store.live.askable(1, PHONE, 5)) == {1, 2}


async def test_who_may_be_asked_comes_with_the_managers_whom_the_mirror_knows(store: Store) -> None:
    for key, settings in ((KEY, LIVE), (OTHER, {}), (THIRD, LIVE)):
        await store.connect(Given(key, settings, position=key.connection_id))
        claim = await store.mirror.claim(key, 60)
        assert claim
        anna, left = Manager("17", "Анна", f"15{key.enterprise_id}"), Manager("18", "Ушёл", "152", False)
        await store.mirror.managers(claim, (anna, left, Manager("19", "Без номера")))
    told = {1: [Manager("17", "", "151"), Manager("18", "", "152", False)], 2: []}
    assert {key: sorted(each, key=str) for key, each in (await store.live.askable(1, PHONE, 5)).items()} == told


@pytest.mark.parametrize("is_synced", [False, True])
async def test_a_crm_that_has_limited_us_is_asked_by_nobody(store: Store, is_synced: bool) -> None:
    for key in (KEY, OTHER):
        await store.connect(Given(key, LIVE, position=key.connection_id))
        if is_synced and (claim := await store.mirror.claim(key, 60)):
            await store.mirror.done(claim, 0)
    for seconds in (100, 20):
        await store.live.limited(KEY, seconds)
    await store.advance(50)
    assert (await store.mirror.due(9), set(await store.live.askable(1, PHONE, 5))) == ([OTHER], {2})
    await store.advance(51)
    assert (set(await store.mirror.due(9)), set(await store.live.askable(1, PHONE, 5))) == ({KEY, OTHER}, {1, 2})


async def test_a_crm_that_refuses_look_ups_is_looked_up_by_nobody_and_synced_all_the_same(store: Store) -> None:
    for key in (KEY, THIRD):
        await store.connect(Given(key, LIVE))
    for seconds in (100, 20):
        await store.live.refused(KEY, seconds)
    await store.advance(50)
    assert (await store.live.askable(1, PHONE, 5), set(await store.mirror.due(9))) == ({}, {KEY, THIRD})
    assert await store.live.askable(2, PHONE, 5) == {1: []}
    await store.advance(51)
    assert await store.live.askable(1, PHONE, 5) == {1: []}


async def test_a_pause_of_a_connection_that_is_gone_is_dropped(store: Store) -> None:
    await store.live.limited(KEY, 100)
    await store.live.refused(KEY, 100)
    assert await store.mirror.due(9) == []


async def test_what_was_found_is_kept_for_each_phone_and_marked(store: Store) -> None:
    await store.connect(Given(KEY, LIVE))
    boris = Owner("2", "Борис", (PHONE, "+375292222222"), None, 6.0)
    await store.live.found(KEY, [ANNA, boris, Owner("3", "Без телефона", (), None, 0.0)], {"17": "150"}, 300)
    assert await store.contacts(KEY) == {
        (PHONE, "1", "Анна", "17", "150", False),
        (PHONE, "2", "Борис", None, None, False),
        ("+375292222222", "2", "Борис", None, None, False),
    }
    claim = await store.mirror.claim(KEY, 60)
    assert claim
    assert {each.external_id for each in await store.mirror.marks(claim, 9)} == {"1", "2"}


async def test_a_look_up_replaces_a_look_up_and_never_the_mirror(store: Store) -> None:
    await store.connect(Given(KEY, LIVE))
    await store.live.found(KEY, [ANNA], {}, 300)
    newer = Owner("1", "Анна-Мария", (PHONE,), "18", 7.0)
    await store.live.found(KEY, [newer], {"18": "151"}, 300)
    assert await store.contacts(KEY) == {(PHONE, "1", "Анна-Мария", "18", "151", False)}
    claim = await store.mirror.claim(KEY, 60)
    assert claim
    await store.mirror.apply(claim, Fold((newer,)), Step("x", walked=True))
    await store.live.found(KEY, [ANNA], {}, 300)
    assert await store.contacts(KEY) == {(PHONE, "1", "Анна-Мария", "18", "151", True)}


async def test_results_for_a_connection_that_is_gone_are_dropped(store: Store) -> None:
    await store.live.found(KEY, [ANNA], {}, 300)
    await store.live.missed(KEY, PHONE, 300)
    assert await store.live.askable(1, PHONE, 5) == {}


async def test_without_time_nothing_is_read(store: Store) -> None:
    for read in (store.live.accounts(1, 0), store.live.askable(1, PHONE, 0)):
        with pytest.raises(DatabaseUnavailable):
            await read
