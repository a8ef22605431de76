"""One connection's mirror: walked once, kept by increments, hints and sweeps, whatever breaks in between."""

import asyncio
from dataclasses import replace

import pytest

from smart_redirect.adapters.memory_crm import MemoryCrm
from smart_redirect.adapters.postgres.hooks import PostgresHooks
from smart_redirect.adapters.postgres.mirror import PostgresMirror
from smart_redirect.domain.crm import Manager, Person
from smart_redirect.errors import CrmLimited, CrmMalformed, CrmRefused, CrmUnavailable
from smart_redirect.usecases.ports_mirror import Key
from smart_redirect.usecases.sync_crm import Outcome, Rhythm, pause_after
from tests.usecases.mirrored import KEY, Mirrored, people, stop_after


async def test_a_walk_copies_everybody(mirrored: Mirrored) -> None:
    mirrored.crms[KEY].fill(people(10))
    assert await mirrored.sync() is Outcome.DONE
    assert len(await mirrored.rows()) == 10
    assert await mirrored.rows() == mirrored.expected()


async def test_what_changes_during_the_walk_is_replayed_after_it(mirrored: Mirrored) -> None:
    crm = mirrored.crms[KEY]
    crm.fill(people(10))
    await mirrored.sync(may_go_on=stop_after(4))
    crm.save(Person("0000", "Новое имя", ("+375291000000",)))
    crm.delete("0001")
    assert await mirrored.sync() is Outcome.DONE
    assert ("+375291000000", "0000", "Новое имя", None) in await mirrored.rows()
    assert await mirrored.rows() == mirrored.expected()


async def test_a_walk_that_stopped_goes_on_at_its_page(mirrored: Mirrored) -> None:
    crm = mirrored.crms[KEY]
    crm.fill(people(10))
    assert await mirrored.sync(may_go_on=stop_after(4)) is Outcome.PAUSED
    before, calls = len(await mirrored.rows()), crm.calls
    assert 0 < before < 10
    assert await mirrored.sync() is Outcome.DONE
    # Managers, what is left of the pages, and the sweep.
    assert crm.calls - calls == 2 + (10 - before + 2) // 3


async def test_progress_shows_while_the_walk_runs(mirrored: Mirrored) -> None:
    mirrored.crms[KEY].fill(people(10))
    await mirrored.sync(may_go_on=stop_after(4))
    state = await mirrored.state()
    assert (0 < state["walk_done"] < 10, state["walk_total"], state["walked_at"]) == (True, 10, None)


async def test_edits_deletions_merges_and_moves_follow(mirrored: Mirrored) -> None:
    crm = mirrored.crms[KEY]
    crm.fill(people(10))
    await mirrored.sync()
    crm.save(replace(crm.people_now["0003"], responsible_id="18", phones=("+375441234567", "не телефон")))
    crm.delete("0004")
    crm.merge("0005", "0006")
    crm.move_phones("0007", "0008")
    await mirrored.sync()
    assert await mirrored.rows() == mirrored.expected()
    assert len({row for row in await mirrored.rows() if row[1] in {"0006", "0008"}}) == 4


async def test_a_phone_may_have_several_owners(mirrored: Mirrored) -> None:
    crm = mirrored.crms[KEY]
    crm.fill([Person("1", "Мать", ("80291112233",)), Person("2", "Дочь", ("+375 29 111-22-33",), "17")])
    await mirrored.sync()
    assert await mirrored.rows() == {("+375291112233", "1", "Мать", None), ("+375291112233", "2", "Дочь", "17")}


async def test_deletions_that_are_not_fed_are_swept(mirrored: Mirrored) -> None:
    crm = mirrored.crms[KEY] = MemoryCrm(feeds_deletions=False)
    crm.fill(people(10))
    await mirrored.sync()
    crm.delete("0004")
    crm.merge("0005", "0006")
    await mirrored.sync()
    assert await mirrored.rows() == mirrored.expected()


async def test_a_sweep_finds_whom_the_walk_has_missed(mirrored: Mirrored) -> None:
    crm = mirrored.crms[KEY] = MemoryCrm(feeds_deletions=False)
    await mirrored.sync()
    crm.fill(people(7))
    await mirrored.sync()
    assert await mirrored.rows() == mirrored.expected() != set()


async def test_a_sweep_that_stopped_goes_on_at_its_page(mirrored: Mirrored) -> None:
    crm = mirrored.crms[KEY] = MemoryCrm(feeds_deletions=False)
    crm.fill(people(10))
    await mirrored.sync()
    crm.delete("0001")
    assert await mirrored.sync(may_go_on=stop_after(5)) is Outcome.PAUSED
    assert (await mirrored.state())["is_sweeping"]
    assert await mirrored.sync() is Outcome.DONE
    assert await mirrored.rows() == mirrored.expected()


async def test_a_hint_has_a_person_read_again(mirrored: Mirrored) -> None:
    crm = mirrored.crms[KEY]
    crm.fill(people(3))
    await mirrored.sync()
    crm.people_now["0001"] = replace(crm.people_now["0001"], name="Без события")
    del crm.people_now["0002"]
    for _ in range(2):
        await PostgresHooks(mirrored.pool).hint(KEY, ["0001", "0002", "0001", "никто"])
    await mirrored.sync()
    assert await mirrored.rows() == mirrored.expected()
    assert await mirrored.pool.fetchval("SELECT count(*) FROM crm_dirty") == 0


async def test_a_person_who_cannot_be_read_holds_up_neither_the_others_nor_the_changes(mirrored: Mirrored) -> None:
    crm = mirrored.crms[KEY]
    crm.fill(people(5))
    await mirrored.sync()
    crm.people_now["0001"] = replace(crm.people_now["0001"], name="Без события")
    crm.save(replace(crm.people_now["0002"], name="С событием"))
    crm.unreadable = {"9" * 20, "0004"}
    await PostgresHooks(mirrored.pool).hint(KEY, ["0003", "9" * 20, "0004", "0001"])
    assert await mirrored.sync() is Outcome.DONE
    assert await mirrored.rows() == mirrored.expected()
    assert [await mirrored.sync() for _ in range(3)] == [Outcome.DONE] * 3
    assert await mirrored.pool.fetchval("SELECT count(*) FROM crm_dirty") == 0


async def test_a_crm_that_can_read_nobody_keeps_its_marks(mirrored: Mirrored) -> None:
    crm = mirrored.crms[KEY]
    crm.fill(people(5))
    await mirrored.sync()
    crm.save(replace(crm.people_now["0002"], name="С событием"))
    crm.unreadable = set(crm.people_now)
    await PostgresHooks(mirrored.pool).hint(KEY, sorted(crm.people_now))
    assert await mirrored.sync() is Outcome.FAILED
    assert await mirrored.rows() == mirrored.expected()
    assert await mirrored.pool.fetchval("SELECT count(*) FROM crm_dirty") == 5


@pytest.mark.parametrize("error", [CrmLimited(7.5), CrmRefused("wrong key")])
async def test_a_crm_that_is_not_to_be_asked_is_asked_nothing_more(mirrored: Mirrored, error: Exception) -> None:
    crm = mirrored.crms[KEY]
    crm.fill(people(5))
    await PostgresHooks(mirrored.pool).hint(KEY, ["0001", "0002"])
    crm.failures = [None, error]
    assert await mirrored.sync() is Outcome.FAILED
    assert crm.calls == 2
    assert await mirrored.pool.fetchval("SELECT sum(tries) FROM crm_dirty") == 0


async def test_where_each_person_is_a_request_what_was_read_is_kept_when_time_is_over(mirrored: Mirrored) -> None:
    crm = mirrored.crms[KEY]
    crm.people_at_once = 1
    await mirrored.sync()
    crm.fill(people(5))
    await PostgresHooks(mirrored.pool).hint(KEY, [f"{number:04}" for number in range(5)])
    assert await mirrored.sync(may_go_on=stop_after(4)) is Outcome.PAUSED
    assert 0 < len(await mirrored.rows()) < 5
    assert await mirrored.sync() is Outcome.DONE
    assert await mirrored.rows() == mirrored.expected()


async def test_a_hint_that_comes_while_the_person_is_read_is_kept(mirrored: Mirrored) -> None:
    mirror = PostgresMirror(mirrored.pool)
    await PostgresHooks(mirrored.pool).hint(KEY, ["0001"])
    claim = await mirror.claim(KEY, 60)
    assert claim is not None
    marks = await mirror.marks(claim, 10)
    await PostgresHooks(mirrored.pool).hint(KEY, ["0001"])
    await mirrored.pool.execute("SELECT 1")
    await mirror.apply_marked(claim, _nobody(), marks)
    assert [mark.external_id for mark in await mirror.marks(claim, 10)] == ["0001"]


async def test_managers_are_replaced(mirrored: Mirrored) -> None:
    crm = mirrored.crms[KEY]
    crm.users = (Manager("17", "Анна", "150"), Manager("18", "Пётр"), Manager("17", "Анна", "151"))
    await mirrored.sync()
    crm.users = (Manager("17", "Анна", "152", is_active=False),)
    await mirrored.sync()
    rows = await mirrored.pool.fetch("SELECT id, extension, is_active FROM crm_managers")
    assert [tuple(row) for row in rows] == [("17", "152", False)]


async def test_people_are_read_though_the_managers_may_not_be(mirrored: Mirrored) -> None:
    crm = mirrored.crms[KEY]
    crm.fill(people(5))
    crm.failures = [CrmRefused("no right to read users")]
    assert await mirrored.sync() is Outcome.DONE
    assert await mirrored.rows() == mirrored.expected()
    state = await mirrored.state()
    assert (state["error"], state["managers_at"]) == ("managers: CrmRefused: no right to read users", None)
    await mirrored.sync()
    assert (await mirrored.state())["error"] is None


async def test_a_manager_whom_no_database_can_keep_as_he_is_stops_nothing(mirrored: Mirrored) -> None:
    crm = mirrored.crms[KEY]
    crm.fill(people(3))
    crm.users = (
        Manager("17\x00", "Ан\ud800на\x00" + "x" * 300, "15\x070"),
        Manager("\x00", "x"),
        Manager("18", "Пётр", "\x00"),
    )
    assert await mirrored.sync() is Outcome.DONE
    rows = await mirrored.pool.fetch("SELECT id, left(name, 6) AS name, extension FROM crm_managers ORDER BY id")
    assert [tuple(row) for row in rows] == [("17", "Ан на ", "15 0"), ("18", "Пётр", None)]
    assert await mirrored.rows() == mirrored.expected()


async def test_two_runs_at_once_do_not_do_the_work_twice(mirrored: Mirrored) -> None:
    crm = mirrored.crms[KEY]
    crm.fill(people(10))
    outcomes = await asyncio.gather(*(mirrored.sync() for _ in range(3)))
    assert sorted(outcomes) == [Outcome.BUSY, Outcome.BUSY, Outcome.DONE]
    assert crm.calls == 1 + 4 + 1


async def test_a_run_that_lost_its_lease_writes_nothing(mirrored: Mirrored) -> None:
    crm = mirrored.crms[KEY]
    crm.fill(people(10))

    def taken_over() -> bool:
        return crm.calls < 3 or crm.calls == 99

    await mirrored.sync(may_go_on=taken_over)
    rows = await mirrored.rows()
    await mirrored.pool.execute("UPDATE crm_leases SET fence = fence + 1, until = now() + interval '1 h'")
    assert await mirrored.sync() is Outcome.BUSY
    assert await mirrored.rows() == rows


@pytest.mark.parametrize("hint", ["changes", "marks", "sweep", "managers", "done", "failed", "give_up"])
async def test_nothing_counts_under_an_old_fence(mirrored: Mirrored, hint: str) -> None:
    from smart_redirect.domain.crm_mirror import Fold, Owner
    from smart_redirect.usecases.ports_mirror import LeaseLost, Step

    mirror = PostgresMirror(mirrored.pool)
    old = await mirror.claim(KEY, 0.0)
    assert old is not None
    assert await mirror.claim(KEY, 60) is not None
    page = Fold((Owner("1", "x", ("+375291112233",), None, 0.0),))
    late = {
        "changes": lambda: mirror.apply(old, page, Step("c", walked=True)),
        "marks": lambda: mirror.apply_marked(old, page, []),
        "sweep": lambda: mirror.sweep(old, [], None),
        "managers": lambda: mirror.managers(old, []),
        "done": lambda: mirror.done(old, 60),
        "failed": lambda: mirror.failed(old, "x", 60, 0),
        "give_up": lambda: mirror.give_up(old),
    }
    with pytest.raises(LeaseLost):
        await late[hint]()
    assert (await mirrored.rows(), (await mirrored.state())["cursor"]) == (set(), None)


async def test_a_failure_is_told_and_the_next_run_goes_on(mirrored: Mirrored) -> None:
    crm = mirrored.crms[KEY]
    crm.fill(people(10))
    crm.failures = [None, None, CrmUnavailable("HTTP 502")]
    assert await mirrored.sync() is Outcome.FAILED
    state = await mirrored.state()
    assert (state["error"], state["failures"]) == ("CrmUnavailable: HTTP 502", 1)
    assert await mirrored.sync() is Outcome.DONE
    assert await mirrored.rows() == mirrored.expected()
    assert ((await mirrored.state())["error"], (await mirrored.state())["failures"]) == (None, 0)


async def test_the_text_of_a_foreign_error_is_never_kept(mirrored: Mirrored) -> None:
    mirrored.crms[KEY].failure = ValueError("https://crm/?apiKey=s3cret")
    assert await mirrored.sync() is Outcome.FAILED
    assert (await mirrored.state())["error"] == "ValueError"


async def test_pages_that_do_not_go_on_are_malformed(mirrored: Mirrored) -> None:
    crm = mirrored.crms[KEY]
    crm.fill(people(10))
    await mirrored.sync(may_go_on=stop_after(4))

    async def stuck(cursor: str | None) -> object:
        from smart_redirect.domain.crm import Page

        return Page((), cursor or "", more=True)

    crm.changes = stuck  # type: ignore[method-assign]
    assert await mirrored.sync() is Outcome.FAILED
    assert "do not go on" in (await mirrored.state())["error"]


@pytest.mark.parametrize(
    ("error", "failures", "pause"),
    [
        (CrmLimited(7.5), 1, 7.5),
        (CrmLimited(0.0), 1, 1.0),
        (CrmLimited(1e9), 1, 3600.0),
        (CrmRefused(), 1, 600.0),
        (CrmUnavailable(), 2, 0.0),
        (CrmUnavailable(), 3, 60.0),
        (CrmMalformed(), 5, 240.0),
        (CrmUnavailable(), 4000, 3600.0),
    ],
)
def test_the_breaker_opens_as_the_failure_demands(error: Exception, failures: int, pause: float) -> None:
    assert pause_after(error, failures) == pause


async def test_a_connection_that_is_to_wait_is_not_due(mirrored: Mirrored) -> None:
    mirrored.crms[KEY].failure = CrmLimited(60)
    mirror = PostgresMirror(mirrored.pool)
    assert await mirror.due(10) == [KEY]
    await mirrored.sync()
    await PostgresHooks(mirrored.pool).hint(KEY, ["1"])
    assert await mirror.due(10) == []


async def test_a_hint_makes_a_connection_due(mirrored: Mirrored) -> None:
    mirror = PostgresMirror(mirrored.pool)
    await mirrored.syncing(Rhythm(sync=600.0))(KEY)
    assert await mirror.due(10) == []
    await PostgresHooks(mirrored.pool).hint(KEY, ["1"])
    assert await mirror.due(10) == [KEY]


async def test_a_disabled_connection_and_one_without_credentials_are_not_synced(mirrored: Mirrored) -> None:
    await mirrored.connect(Key(1, 2))
    await mirrored.pool.execute("UPDATE crm_connections SET sealed = NULL, key_id = NULL WHERE id = 2")
    await mirrored.pool.execute("UPDATE crm_connections SET enabled = false WHERE id = 1")
    assert await PostgresMirror(mirrored.pool).due(10) == []
    assert [await mirrored.sync(), await mirrored.sync(Key(1, 2))] == [Outcome.BUSY, Outcome.BUSY]


def _nobody() -> object:
    from smart_redirect.domain.crm_mirror import Fold

    return Fold()


async def test_a_walk_that_is_begun_anew_drops_whom_it_does_not_meet(mirrored: Mirrored) -> None:
    crm = mirrored.crms[KEY]
    crm.fill(people(10))
    await mirrored.sync()
    del crm.people_now["0003"]
    claim = await PostgresMirror(mirrored.pool).claim(KEY, 60)
    assert claim is not None
    await PostgresMirror(mirrored.pool).walk_anew(claim)
    assert len(await mirrored.rows()) == 10
    await mirrored.sync()
    assert await mirrored.rows() == mirrored.expected()
