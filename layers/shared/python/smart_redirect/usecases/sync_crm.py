"""Brings the mirror of one connection up to its CRM: managers, hints, pages of changes, and now and then a sweep."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from functools import partial

from smart_redirect.domain.crm_mirror import kept_id, kept_managers
from smart_redirect.errors import CrmLimited, CrmMalformed, CrmRefused, CrmUnavailable, DatabaseUnavailable, Unavailable
from smart_redirect.usecases.in_slices import Folding
from smart_redirect.usecases.pace import OutOfTime, Pace
from smart_redirect.usecases.ports_crm import Crm
from smart_redirect.usecases.ports_mirror import Claim, Key, LeaseLost, Mark, Mirror, OpenCrm, Step

logger = logging.getLogger(__name__)
LEASE_SECONDS = 180.0
_MOST_HINTS = 1000
# Runs in which one person may be to blame; then he is left to the changes and to the next sweep.
_MOST_TRIES = 3
_MOST_UNREADABLE = 3
_PATIENCE = 3
_LONGEST_PAUSE = 3600.0
_REFUSED_PAUSE = 600.0


class Outcome(StrEnum):
    """How a run ended."""

    DONE = "done"
    PAUSED = "paused"
    BUSY = "busy"
    LOST = "lost"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Rhythm:
    """How often what is done, in seconds."""

    sync: float = 60.0
    managers: float = 3600.0
    sweep: float = 86_400.0


@dataclass(frozen=True, slots=True)
class _Run:
    """One run: its claim, and the CRM, which waits for its turn before each request and is told there when to stop."""

    claim: Claim
    crm: Crm


class SyncCrm:
    """One run at a time for a connection; a page that was written is never read again after a crash."""

    def __init__(self, mirror: Mirror, open_crm: OpenCrm, pace: Pace, rhythm: Rhythm | None = None) -> None:
        self._mirror = mirror
        self._open = open_crm
        self._pace = pace
        self._rhythm = rhythm or Rhythm()
        self._fold = Folding()

    async def __call__(self, key: Key, may_go_on: Callable[[], bool] = lambda: True) -> Outcome:
        """Sync one connection until it is done or time runs out; DatabaseUnavailable is the only error."""
        claim = await self._mirror.claim(key, LEASE_SECONDS)
        if claim is None:
            return Outcome.BUSY
        try:
            turn = partial(self._pace.until(may_go_on).turn, claim.account)
            await self._sync(_Run(claim, self._open(claim.account, turn)))
        except OutOfTime:
            return await self._pause(claim)
        except LeaseLost:
            return Outcome.LOST
        except DatabaseUnavailable:
            raise
        except Exception as error:
            return await self._note(claim, error)
        return Outcome.DONE

    async def _sync(self, run: _Run) -> None:
        note = await self._managers(run) if _is_due(run.claim.state.managers_ago, self._rhythm.managers) else None
        failed = await self._hints(run)
        await self._changes(run)
        if _is_due(run.claim.state.swept_ago, self._rhythm.sweep) or run.claim.state.is_sweeping:
            await self._sweep(run)
        failed = failed or await self._hints(run)
        if failed:
            raise failed
        await self._mirror.done(run.claim, self._every(run.claim), note)

    async def _managers(self, run: _Run) -> str | None:
        """Bring the users of the CRM; return what went wrong: names and responsibles do not wait for extensions."""
        try:
            managers = await run.crm.managers()
        except CrmLimited:
            raise
        except CrmUnavailable as error:
            logger.warning("the managers of connection %s were not read: %s", run.claim.account.key, _text(error))
            return f"managers: {_text(error)}"
        await self._mirror.managers(run.claim, kept_managers(managers))
        return None

    def _every(self, claim: Claim) -> float:
        """Return the seconds between two runs: `sync_seconds` of the connection's settings, if it says so."""
        given = claim.account.settings.get("sync_seconds")
        return float(given) if isinstance(given, int | float) and given > 0 else self._rhythm.sync

    async def _hints(self, run: _Run) -> Exception | None:
        """Read again whom webhooks, look-ups and sweeps have named; bounded, so that a flood starves nothing else.

        Who cannot be read is put off and holds up neither the others nor the changes. What looks like a failure of the
        CRM itself is returned, for the run's end.
        """
        size, unreadable = run.crm.people_at_once, set[str]()
        for _ in range(_MOST_HINTS // size):
            marks = await self._mirror.marks(run.claim, size)
            if not marks or marks[0].external_id in unreadable:
                return None
            try:
                await self._read_again(run, marks)
            except (CrmLimited, CrmRefused):
                raise
            except CrmUnavailable as error:
                if size == 1:
                    await self._put_off(run, marks[0], error)
                    unreadable.add(marks[0].external_id)
                    if not isinstance(error, CrmMalformed) or len(unreadable) == _MOST_UNREADABLE:
                        return error
                # One by one from here on, to find who is to blame.
                size = 1
        return None

    async def _put_off(self, run: _Run, mark: Mark, error: Exception) -> None:
        key = run.claim.account.key
        logger.warning("connection %s cannot read a person: %s", key, type(error).__name__, extra=asdict(key))
        await self._mirror.put_off(run.claim, mark, _MOST_TRIES)

    async def _read_again(self, run: _Run, marks: Sequence[Mark]) -> None:
        people = await run.crm.people(tuple(mark.external_id for mark in marks))
        await self._mirror.apply_marked(run.claim, await self._fold(people, run.claim.account.country), marks)

    async def _changes(self, run: _Run) -> None:
        cursor, walked, more = run.claim.state.cursor, run.claim.state.walked, True
        while more:
            page = await run.crm.changes(cursor)
            if page.more and page.cursor == cursor:
                raise CrmMalformed("its pages do not go on")
            more, ended = page.more, walked or not page.more
            if page.changes or page.cursor != cursor or ended != walked:
                step = Step(page.cursor, ended, page.done, page.total)
                await self._mirror.apply(run.claim, await self._fold(page.changes, run.claim.account.country), step)
            cursor, walked = page.cursor, ended

    async def _sweep(self, run: _Run) -> None:
        """Compare ids; a CRM that feeds its deletions gives none, and then there is nothing to compare."""
        state = run.claim.state
        cursor = state.sweep_cursor if state.is_sweeping else None
        page = await run.crm.ids(cursor)
        is_fed = not page.external_ids and page.cursor is None and cursor is None
        await self._mirror.sweep(run.claim, None if is_fed else _kept(page.external_ids), page.cursor)
        while page.cursor is not None:
            page = await run.crm.ids(page.cursor)
            await self._mirror.sweep(run.claim, _kept(page.external_ids), page.cursor)

    async def _pause(self, claim: Claim) -> Outcome:
        await self._mirror.give_up(claim)
        return Outcome.PAUSED

    async def _note(self, claim: Claim, error: Exception) -> Outcome:
        """Keep what went wrong; the text of an error that is not ours may hold a key or a phone and is not shown."""
        text = _text(error)
        logger.warning("connection %s was not synced: %s", claim.account.key, text, extra=asdict(claim.account.key))
        pause = pause_after(error, claim.state.failures + 1)
        try:
            await self._mirror.failed(claim, text, self._every(claim), pause)
        except LeaseLost:
            return Outcome.LOST
        return Outcome.FAILED


def _text(error: Exception) -> str:
    return f"{type(error).__name__}: {error}" if isinstance(error, Unavailable) else type(error).__name__


def _is_due(ago: float | None, every: float) -> bool:
    return ago is None or ago >= every


def _kept(external_ids: tuple[str, ...]) -> list[str]:
    return [kept for kept in dict.fromkeys(map(kept_id, external_ids)) if kept]


def pause_after(error: Exception, failures: int) -> float:
    """Return for how many seconds nobody asks a CRM: the breaker, open from the third failure in a row on."""
    if isinstance(error, CrmLimited):
        return min(max(error.seconds, 1.0), _LONGEST_PAUSE)
    if isinstance(error, CrmRefused):
        # More attempts change nothing, and some vendors block an account or an address for them.
        return _REFUSED_PAUSE
    return 0.0 if failures < _PATIENCE else float(min(60.0 * 2 ** min(failures - _PATIENCE, 10), _LONGEST_PAUSE))
