"""One contract for Mirror: claims and fences, pages, marks, sweeps and ends of runs, in PostgreSQL and in memory alike."""

from dataclasses import replace

import pytest

from smart_redirect.domain.crm import Manager
from smart_redirect.domain.crm_mirror import Fold, Owner
from smart_redirect.usecases.ports_mirror import Claim, Key, LeaseLost, Mark, Step
from tests.adapters.mirror_stores import Given, Store

KEY, OTHER, THIRD = Key(1, 1), Key(1, 2), Key(2, 1)
ANNA = Owner("1", "Анна", ("+375291111111",), "17", 5.0)
BORIS = Owner("2", "Борис", ("+375291111111", "+375292222222"), None, 6.0)
WALKED = Step("feed:0", walked=True, done=2, total=2)


async def claimed(store: Store, key: Key = KEY) -> Claim:
    claim = await store.mirror.claim(key, 60)
    assert claim is not None
    return claim


async def connected(store: Store, *pages: Fold) -> Claim:
    """A claimed connection whose mirror has these pages; the walk has ended with the last of them."""
    await store.connect(Given(KEY))
    for page in pages:
        claim = await claimed(store)
        await store.mirror.apply(claim, page, WALKED)
        await store.mirror.done(claim, 60)
    return await claimed(store)


async def test_what_is_new_is_due_and_the_longest_waiting_first(store: Store) -> None:
    for key in (THIRD, KEY, OTHER):
        await store.connect(Given(key, position=key.connection_id))
    await store.mirror.done(await claimed(store, KEY), 10)
    assert await store.mirror.due(9) == [OTHER, THIRD]
    await store.mirror.done(await claimed(store, OTHER), 5)
    await store.advance(11)
    assert await store.mirror.due(9) == [THIRD, OTHER, KEY]
    assert await store.mirror.due(1) == [THIRD]


@pytest.mark.parametrize("given", [Given(KEY, enabled=False), Given(KEY, sealed=b"")])
async def test_a_connection_without_anything_to_sync_by_is_neither_due_nor_claimed(store: Store, given: Given) -> None:
    await store.connect(given)
    assert (await store.mirror.due(9), await store.mirror.claim(KEY, 60)) == ([], None)


async def test_a_connection_that_is_not_there_can_not_be_claimed(store: Store) -> None:
    assert await store.mirror.claim(KEY, 60) is None


async def test_a_claim_tells_how_the_crm_is_reached(store: Store) -> None:
    await store.connect(Given(KEY, {"sync_seconds": 5}))
    account = (await claimed(store)).account
    assert (account.key, account.vendor, account.country) == (KEY, "memory", "BY")
    assert (dict(account.settings), account.sealed, account.key_id) == ({"sync_seconds": 5}, b"sealed", 1)


async def test_one_run_at_a_time_and_the_next_has_a_higher_fence(store: Store) -> None:
    first = await connected(store)
    assert (await store.mirror.claim(KEY, 60), await store.mirror.due(9)) == (None, [])
    await store.advance(61)
    second = await claimed(store)
    assert second.fence > first.fence


async def test_a_run_that_was_taken_for_dead_writes_nothing_more(store: Store) -> None:
    late = await connected(store)
    await store.advance(61)
    await claimed(store)
    for write in (
        store.mirror.apply(late, Fold((ANNA,)), WALKED),
        store.mirror.apply_marked(late, Fold((ANNA,)), ()),
        store.mirror.put_off(late, Mark("1", 1), 3),
        store.mirror.sweep(late, ["1"], None),
        store.mirror.managers(late, ()),
        store.mirror.done(late, 1),
        store.mirror.failed(late, "x", 1, 0),
        store.mirror.give_up(late),
    ):
        with pytest.raises(LeaseLost):
            await write
    assert await store.contacts(KEY) == set()


async def test_a_write_makes_the_lease_last_longer(store: Store) -> None:
    claim = await connected(store)
    await store.advance(50)
    await store.mirror.managers(claim, ())
    await store.advance(50)
    assert await store.mirror.claim(KEY, 60) is None


async def test_a_page_and_where_the_next_begins_are_kept(store: Store) -> None:
    claim = await connected(store)
    await store.mirror.apply(claim, Fold((ANNA, BORIS)), Step("walk:2", walked=False, done=2, total=4))
    await store.mirror.give_up(claim)
    state = (await claimed(store)).state
    assert (state.cursor, state.walked, state.failures) == ("walk:2", False, 0)
    assert await store.contacts(KEY) == {
        ("+375291111111", "1", "Анна", "17", None, True),
        ("+375291111111", "2", "Борис", None, None, True),
        ("+375292222222", "2", "Борис", None, None, True),
    }


async def test_a_person_s_rows_are_what_the_last_page_says(store: Store) -> None:
    claim = await connected(store, Fold((ANNA, BORIS)))
    moved = replace(BORIS, name="Боря", phones=("+375293333333",), responsible_id="18")
    await store.mirror.apply(claim, Fold((moved,), ("1",)), WALKED)
    assert await store.contacts(KEY) == {("+375293333333", "2", "Боря", "18", None, True)}


async def test_a_walk_that_was_begun_anew_marks_whom_it_did_not_meet(store: Store) -> None:
    claim = await connected(store, Fold((ANNA, BORIS)))
    await store.mirror.sweep(claim, ["2"], "more")
    await store.mirror.apply(claim, Fold((BORIS,)), Step("walk:1", walked=False))
    await store.mirror.give_up(claim)
    again = await claimed(store)
    await store.mirror.apply(again, Fold(), WALKED)
    assert [each.external_id for each in await store.mirror.marks(again, 9)] == ["1"]


async def test_the_mirror_s_word_takes_the_place_of_a_look_up_s(store: Store) -> None:
    claim = await connected(store)
    await store.live.found(KEY, [ANNA, BORIS], {"17": "150"}, 300)
    await store.mirror.apply(claim, Fold((ANNA, replace(BORIS, responsible_id="17"))), WALKED)
    anna, *boris = sorted(await store.contacts(KEY), key=lambda row: row[1])
    assert anna == ("+375291111111", "1", "Анна", "17", "150", True)
    assert {row[4:] for row in boris} == {(None, True)}


async def test_who_is_a_lead_only_is_known_from_pages_and_look_ups(store: Store) -> None:
    claim = await connected(store, Fold((ANNA, replace(BORIS, is_lead=True))))
    await store.live.found(KEY, [Owner("3", "Вера", ("+375293333333",), None, 0.0, is_lead=True)], {}, 300)
    assert await store.leads(KEY) == {"2", "3"}
    await store.mirror.apply(claim, Fold((BORIS,)), WALKED)
    assert await store.leads(KEY) == {"3"}


async def test_marks_are_read_oldest_first_and_a_renewed_one_outlives_its_reading(store: Store) -> None:
    claim = await connected(store)
    for ids in (["b"], ["a"], ["c"]):
        await store.hooks.hint(KEY, ids)
    marks = await store.mirror.marks(claim, 2)
    assert [each.external_id for each in marks] == ["b", "a"]
    await store.hooks.hint(KEY, ["b"])
    await store.mirror.apply_marked(claim, Fold((ANNA,)), marks)
    assert [each.external_id for each in await store.mirror.marks(claim, 9)] == ["c", "b"]
    assert {row[1] for row in await store.contacts(KEY)} == {"1"}


async def test_a_mark_that_is_put_off_waits_behind_the_others_and_is_forgotten_in_the_end(store: Store) -> None:
    claim = await connected(store)
    for ids in (["a"], ["b"]):
        await store.hooks.hint(KEY, ids)
    found = []
    for _ in range(3):
        marks = await store.mirror.marks(claim, 9)
        found.append([each.external_id for each in marks])
        await store.mirror.put_off(claim, next(each for each in marks if each.external_id == "a"), 2)
    assert found == [["a", "b"], ["b", "a"], ["b", "a"]]
    assert [each.external_id for each in await store.mirror.marks(claim, 9)] == ["b"]


async def test_a_mark_that_was_renewed_meanwhile_is_not_put_off(store: Store) -> None:
    claim = await connected(store)
    await store.hooks.hint(KEY, ["a"])
    (old,) = await store.mirror.marks(claim, 9)
    await store.hooks.hint(KEY, ["a"])
    (new,) = await store.mirror.marks(claim, 9)
    await store.mirror.put_off(claim, old, 0)
    assert await store.mirror.marks(claim, 9) == [new]


async def test_a_mark_makes_a_connection_due_at_once(store: Store) -> None:
    await store.mirror.done(await connected(store), 60)
    assert await store.mirror.due(9) == []
    await store.hooks.hint(KEY, ["1"])
    assert await store.mirror.due(9) == [KEY]


async def test_a_sweep_marks_whom_no_page_met_and_who_is_missing(store: Store) -> None:
    claim = await connected(store, Fold((ANNA, BORIS)))
    await store.mirror.sweep(claim, ["3"], "more")
    assert len(await store.contacts(KEY)) == 3
    await store.mirror.give_up(claim)
    claim = await claimed(store)
    assert (claim.state.is_sweeping, claim.state.sweep_cursor) == (True, "more")
    await store.mirror.sweep(claim, ["1"], None)
    assert {row[1] for row in await store.contacts(KEY)} == {"1", "2"}
    assert [each.external_id for each in await store.mirror.marks(claim, 9)] == ["3", "2"]


async def test_a_sweep_does_not_renew_a_mark(store: Store) -> None:
    claim = await connected(store)
    await store.hooks.hint(KEY, ["3"])
    [before] = await store.mirror.marks(claim, 9)
    await store.mirror.sweep(claim, ["3"], None)
    assert await store.mirror.marks(claim, 9) == [before]


async def test_where_deletions_are_fed_a_sweep_only_notes_the_time(store: Store) -> None:
    claim = await connected(store, Fold((ANNA,)))
    await store.mirror.sweep(claim, None, None)
    await store.mirror.give_up(claim)
    await store.advance(7)
    state = (await claimed(store)).state
    assert (state.is_sweeping, state.swept_ago) == (False, pytest.approx(7, abs=3))
    assert len(await store.contacts(KEY)) == 1


async def test_managers_are_replaced_and_their_age_is_told(store: Store) -> None:
    claim = await connected(store)
    assert claim.state.managers_ago is None
    await store.mirror.managers(claim, (Manager("17", "Анна"), Manager("17", "Анна", "150")))
    await store.mirror.give_up(claim)
    await store.advance(7)
    assert (await claimed(store)).state.managers_ago == pytest.approx(7, abs=3)


async def test_an_empty_list_of_managers_replaces_nobody_and_a_run_may_end_with_a_note(store: Store) -> None:
    claim = await connected(store)
    await store.mirror.managers(claim, (Manager("17", "Анна", "150"),))
    await store.mirror.managers(claim, ())
    await store.mirror.done(claim, 60, "managers: x")
    assert await store.told(KEY) == ({"17"}, "managers: x")
    await store.mirror.done(await claimed(store), 60)
    assert await store.told(KEY) == ({"17"}, None)


async def test_a_failure_is_counted_and_its_pause_keeps_everybody_from_asking(store: Store) -> None:
    await store.mirror.failed(await connected(store), "x", 5, 100)
    assert await store.live.askable(1, "+375291111111", 5) == {}
    await store.hooks.hint(KEY, ["1"])
    assert await store.mirror.due(9) == []
    await store.advance(101)
    assert (await store.mirror.due(9), await store.live.askable(1, "+375291111111", 5)) == ([KEY], {1: []})
    assert (await claimed(store)).state.failures == 1


async def test_a_failure_does_not_shorten_the_pause_that_the_crm_has_asked_a_look_up_for(store: Store) -> None:
    claim = await connected(store)
    await store.live.limited(KEY, 100)
    await store.mirror.failed(claim, "x", 5, 0)
    await store.advance(50)
    assert (await store.mirror.due(9), await store.live.askable(1, "+375291111111", 5)) == ([], {})


async def test_a_run_that_reached_its_end_forgets_failures(store: Store) -> None:
    await store.mirror.failed(await connected(store), "x", 5, 0)
    await store.mirror.done(await claimed(store), 60)
    assert await store.mirror.due(9) == []
    assert (await claimed(store)).state.failures == 0


async def test_work_that_is_left_is_due_at_once(store: Store) -> None:
    await store.mirror.give_up(await connected(store))
    assert await store.mirror.due(9) == [KEY]


async def test_tidying_takes_what_look_ups_left_too_long_ago_and_nothing_else(store: Store) -> None:
    claim = await connected(store, Fold((ANNA,)))
    await store.live.found(KEY, [BORIS], {}, 10)
    await store.live.missed(KEY, "+375294444444", 10)
    for seconds, people, misses in ((5, {"1", "2"}, {"+375294444444"}), (6, {"1"}, set())):
        await store.advance(seconds)
        await store.mirror.tidy()
        assert ({row[1] for row in await store.contacts(KEY)}, await store.misses(KEY)) == (people, misses)
    assert isinstance((await store.mirror.marks(claim, 1))[0], Mark)
