"""One contract each for EndingLedger and RecentCallers, in PostgreSQL and in memory alike."""

import pytest

from smart_redirect.domain.crm_mirror import Fold, Owner
from smart_redirect.domain.facts import LOOKED_UP_SECONDS, ROUTES_SECONDS
from smart_redirect.usecases.ports_mirror import Key, Step
from smart_redirect.usecases.ports_warm import CLAIMED_SECONDS, FOUND_SOON_SECONDS, OPEN_SECONDS, SOON_SECONDS
from tests.adapters.mirror_stores import Given, Store

KEY, THIRD = Key(1, 1), Key(2, 1)
LIVE = {"live": True}
DAY = 86_400.0
ANNA, BORIS, VERA = "+375291111111", "+375292222222", "+375293333333"


async def known(store: Store, phone: str, left: float = 60.0, key: Key = KEY) -> None:
    await store.live.found(key, [Owner(phone, "x", (phone,), None, 0.0)], {}, left)


async def ending(store: Store, limit: int = 99) -> dict[tuple[Key, str], int]:
    return {(each.account.key, each.phone): len(each.ages) for each in await store.ending.ending(limit)}


async def test_who_was_found_or_missed_ends_soon_with_the_ages_of_his_calls(store: Store) -> None:
    await store.connect(Given(KEY, LIVE))
    await known(store, ANNA)
    await store.live.missed(KEY, BORIS, 60)
    for ago in (3 * DAY, 60.0, 40 * DAY):
        await store.call(1, ANNA, ago)
    found = {each.phone: each.ages for each in await store.ending.ending(9)}
    assert found == {ANNA: (pytest.approx(60, abs=10), pytest.approx(3 * DAY, abs=10)), BORIS: ()}


@pytest.mark.parametrize(
    ("found", "missed"), [(CLAIMED_SECONDS - 1,) * 2, (FOUND_SOON_SECONDS + 20, SOON_SECONDS + 20)]
)
async def test_what_ends_at_another_time_is_not_ending(store: Store, found: float, missed: float) -> None:
    await store.connect(Given(KEY, LIVE))
    await known(store, ANNA, found)
    await store.live.missed(KEY, BORIS, missed)
    await store.call(1, ANNA, 60)
    assert await ending(store) == {}
    assert not await store.ending.claim(KEY, ANNA)
    assert not await store.ending.claim(KEY, BORIS)


async def test_who_was_found_ends_while_calls_are_still_routed_by_him(store: Store) -> None:
    await store.connect(Given(KEY, LIVE))
    await known(store, ANNA, LOOKED_UP_SECONDS)
    await store.call(1, ANNA, 60)
    assert await ending(store) == {}
    await store.advance(ROUTES_SECONDS - 1)
    assert await ending(store) == {(KEY, ANNA): 1}
    assert await store.ending.claim(KEY, ANNA)
    await known(store, ANNA, LOOKED_UP_SECONDS)
    assert (await ending(store), await store.ending.claim(KEY, ANNA)) == ({}, False)


async def test_what_the_mirror_has_does_not_end(store: Store) -> None:
    await store.connect(Given(KEY, LIVE))
    await known(store, ANNA)
    claim = await store.mirror.claim(KEY, 60)
    assert claim
    await store.mirror.apply(claim, Fold((Owner(ANNA, "x", (ANNA,), None, 0.0),)), Step("x", walked=True))
    await store.call(1, ANNA, 60)
    assert await ending(store) == {}


@pytest.mark.parametrize("given", [Given(KEY), Given(KEY, LIVE, enabled=False), Given(KEY, LIVE, sealed=b"")])
async def test_only_connections_that_may_be_asked_are_ending(store: Store, given: Given) -> None:
    await store.connect(given)
    await known(store, ANNA)
    await store.call(1, ANNA, 60)
    assert await ending(store) == {}


async def test_an_open_breaker_keeps_a_connection_out(store: Store) -> None:
    await store.connect(Given(KEY, LIVE))
    claim = await store.mirror.claim(KEY, 60)
    assert claim
    await store.mirror.failed(claim, "x", 1, 600)
    await known(store, ANNA)
    await store.call(1, ANNA, 60)
    assert await ending(store) == {}


async def test_an_enterprise_that_nobody_calls_is_closed(store: Store) -> None:
    await store.connect(Given(KEY, LIVE))
    await known(store, ANNA)
    await store.call(2, ANNA, 60)
    await store.call(1, ANNA, OPEN_SECONDS + 60)
    assert await ending(store) == {}
    await store.call(1, BORIS, OPEN_SECONDS - 60)
    assert await ending(store) == {(KEY, ANNA): 1}


async def test_a_caller_of_two_enterprises_has_the_calls_of_each(store: Store) -> None:
    for key in (KEY, THIRD):
        await store.connect(Given(key, LIVE))
        await known(store, ANNA, key=key)
    for enterprise_id in (1, 1, 2):
        await store.call(enterprise_id, ANNA, 60)
    assert await ending(store) == {(KEY, ANNA): 2, (THIRD, ANNA): 1}


async def test_a_claim_is_given_once_and_ends_with_its_time(store: Store) -> None:
    for key in (KEY, THIRD):
        await store.connect(Given(key, LIVE))
        await known(store, ANNA, key=key)
        await store.call(key.enterprise_id, BORIS, 60)
    assert await store.ending.claim(KEY, ANNA)
    assert not await store.ending.claim(KEY, ANNA)
    assert await ending(store) == {(THIRD, ANNA): 0}
    await store.advance(CLAIMED_SECONDS + 1)
    await store.mirror.tidy()
    assert (await store.contacts(KEY), len(await store.contacts(THIRD))) == (set(), 1)


async def test_a_claim_takes_all_rows_of_a_caller_and_no_other_s(store: Store) -> None:
    await store.connect(Given(KEY, LIVE))
    people = [Owner(name, name, (ANNA,), None, 0.0) for name in "abc"]
    await store.live.found(KEY, people, {}, 60)
    await known(store, BORIS)
    await store.call(1, VERA, 60)
    assert await store.ending.claim(KEY, ANNA)
    assert await ending(store) == {(KEY, BORIS): 0}
    assert not await store.ending.claim(Key(9, 9), ANNA)


async def test_at_most_twenty_calls_of_a_caller_are_told(store: Store) -> None:
    await store.connect(Given(KEY, LIVE))
    await known(store, VERA)
    for number in range(25):
        await store.call(1, VERA, 60.0 * number)
    assert await ending(store) == {(KEY, VERA): 20}


async def test_the_enterprises_that_were_called_within_a_day_come_latest_first(store: Store) -> None:
    for enterprise_id, ago in ((1, 300.0), (2, 60.0), (3, 2 * DAY)):
        await store.connect(Given(Key(enterprise_id, 1)))
        await store.call(enterprise_id, ANNA, ago)
        await store.call(enterprise_id, ANNA, ago + 10)
    assert await store.recent.enterprises(9) == [2, 1]
    assert await store.recent.enterprises(1) == [2]
