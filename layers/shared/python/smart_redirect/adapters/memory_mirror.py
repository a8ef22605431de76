"""The Mirror in memory, with the same contract as PostgreSQL: fences, marks, sweeps and what a page means."""

from collections.abc import Sequence

from smart_redirect.adapters.memory_mirror_rows import ConnectionRows, ContactRow, MirrorRows, SyncRow
from smart_redirect.domain.crm import Manager
from smart_redirect.domain.crm_mirror import Fold, Owner
from smart_redirect.usecases.ports_mirror import Claim, Key, LeaseLost, Mark, State, Step

_LEASE = 180.0


class MemoryMirror:
    """The Mirror over MirrorRows; a method runs to its end alone, as a transaction does."""

    def __init__(self, rows: MirrorRows) -> None:
        self._rows = rows

    async def due(self, limit: int) -> Sequence[Key]:
        """Return connections to sync."""
        self._rows.check()
        now = self._rows.clock()
        due = [(_next(rows), key) for key, rows in self._rows.connections.items() if _is_due(rows, now)]
        due.sort(key=lambda each: (each[0], each[1].enterprise_id, each[1].connection_id))
        return [key for _, key in due[:limit]]

    async def tidy(self) -> None:
        """Forget what has had its time."""
        self._rows.check()
        now = self._rows.clock()
        for rows in self._rows.connections.values():
            kept = {at: row for at, row in rows.contacts.items() if row.expires_at is None or row.expires_at >= now}
            rows.contacts = kept
            rows.misses = {phone: until for phone, until in rows.misses.items() if until >= now}

    async def claim(self, key: Key, seconds: float) -> Claim | None:
        """Take the lease; its fence rises each time."""
        rows, now = self._rows.of(key), self._rows.clock()
        if rows is None or not rows.is_usable or rows.lease.until > now:
            return None
        rows.lease.fence += 1
        rows.lease.until = now + seconds
        rows.sync = rows.sync or SyncRow(next_at=now)
        return Claim(rows.account, _state(rows.sync, now), rows.lease.fence)

    async def apply(self, claim: Claim, page: Fold, step: Step) -> None:
        """Write a page and its cursor."""
        rows, sync = self._held(claim)
        sync.cursor, sync.walked = step.cursor, step.walked
        sync.walk_done = max(sync.walk_done, step.done)
        sync.walk_total = sync.walk_total if step.total is None else step.total
        _merge(rows, page, sync.sweep)
        if step.walked and not claim.state.walked:
            self._mark_unmet(rows, sync.sweep)

    async def marks(self, claim: Claim, limit: int) -> Sequence[Mark]:
        """Return the oldest marks."""
        rows = self._rows.of(claim.account.key)
        found = sorted(rows.marks.items(), key=lambda each: each[1]) if rows else []
        return [Mark(external_id, number) for external_id, number in found[:limit]]

    async def apply_marked(self, claim: Claim, page: Fold, marks: Sequence[Mark]) -> None:
        """Write what was read again and take these marks back."""
        rows, sync = self._held(claim)
        _merge(rows, page, sync.sweep)
        for mark in marks:
            if rows.marks.get(mark.external_id) == mark.number:
                del rows.marks[mark.external_id]
                rows.tries.pop(mark.external_id, None)

    async def put_off(self, claim: Claim, mark: Mark, most: int) -> None:
        """Give the mark a new number, or forget it."""
        rows, _ = self._held(claim)
        if rows.marks.get(mark.external_id) != mark.number:
            return
        if rows.tries.get(mark.external_id, 0) >= most:
            del rows.marks[mark.external_id]
            del rows.tries[mark.external_id]
            return
        rows.tries[mark.external_id] = rows.tries.get(mark.external_id, 0) + 1
        self._rows.mark(rows, [mark.external_id], renew=True)

    async def sweep(self, claim: Claim, ids: Sequence[str] | None, cursor: str | None) -> None:
        """Compare one page of ids."""
        rows, sync = self._held(claim)
        if ids is not None:
            sync.sweep += 0 if sync.is_sweeping else 1
            sync.is_sweeping = True
            self._rows.mark(rows, [each for each in ids if each not in rows.people], renew=False)
            rows.people |= {each: sync.sweep for each in ids if each in rows.people}
            if cursor is not None:
                sync.sweep_cursor = cursor
                return
            self._mark_unmet(rows, sync.sweep)
        sync.is_sweeping, sync.sweep_cursor, sync.swept_at = False, None, self._rows.clock()

    async def managers(self, claim: Claim, managers: Sequence[Manager]) -> None:
        """Replace the users of the CRM; of two with the same id the last one counts."""
        rows, sync = self._held(claim)
        rows.managers = tuple({manager.id: manager for manager in managers}.values()) or rows.managers
        sync.managers_at = self._rows.clock()

    async def done(self, claim: Claim, next_in: float, note: str | None = None) -> None:
        """End the lease after a run that reached its end."""
        sync = self._ended(claim)
        sync.next_at, sync.failures, sync.error = self._rows.clock() + next_in, 0, note and note[:500]
        sync.open_until = float("-inf")

    async def failed(self, claim: Claim, text: str, next_in: float, pause: float) -> None:
        """End the lease after a failure."""
        sync, now = self._ended(claim), self._rows.clock()
        sync.error, sync.failures = text[:500], sync.failures + 1
        sync.next_at, sync.open_until = now + max(next_in, pause), max(sync.open_until, now + pause)

    async def give_up(self, claim: Claim) -> None:
        """End the lease with work left."""
        self._ended(claim).next_at = self._rows.clock()

    def _mark_unmet(self, rows: ConnectionRows, sweep: int) -> None:
        self._rows.mark(rows, [external_id for external_id, met in rows.people.items() if met < sweep], renew=False)

    def _held(self, claim: Claim) -> tuple[ConnectionRows, SyncRow]:
        """Return the rows of a claim and make it last longer; LeaseLost when it is not the newest."""
        rows = self._rows.of(claim.account.key)
        if rows is None or rows.sync is None or rows.lease.fence != claim.fence:
            raise LeaseLost
        rows.lease.until = self._rows.clock() + _LEASE
        return rows, rows.sync

    def _ended(self, claim: Claim) -> SyncRow:
        rows, sync = self._held(claim)
        rows.lease.until = float("-inf")
        return sync


def _next(rows: ConnectionRows) -> float:
    return rows.sync.next_at if rows.sync else float("-inf")


def _is_due(rows: ConnectionRows, now: float) -> bool:
    is_free = rows.is_usable and rows.lease.until <= now and not rows.is_open(now)
    return is_free and (_next(rows) <= now or bool(rows.marks))


def _state(sync: SyncRow, now: float) -> State:
    return State(
        cursor=sync.cursor,
        walked=sync.walked,
        sweep=sync.sweep,
        sweep_cursor=sync.sweep_cursor,
        is_sweeping=sync.is_sweeping,
        swept_ago=None if sync.swept_at is None else now - sync.swept_at,
        managers_ago=None if sync.managers_at is None else now - sync.managers_at,
        failures=sync.failures,
    )


def _merge(rows: ConnectionRows, page: Fold, sweep: int) -> None:
    rows.drop(page.gone)
    for owner in page.owners:
        rows.people[owner.external_id] = max(sweep, rows.people.get(owner.external_id, 0))
        before = {place: row for place, row in rows.contacts.items() if place[1] == owner.external_id}
        for place in before:
            del rows.contacts[place]
        for phone in owner.phones:
            place = phone, owner.external_id
            rows.contacts[place] = _row(owner, before.get(place))


def _row(owner: Owner, before: ContactRow | None) -> ContactRow:
    """Return a row of the mirror; the extension that a look-up has brought goes with its responsible."""
    is_same = before is not None and before.responsible_id == owner.responsible_id is not None
    extension = before.extension if before is not None and is_same else None
    return ContactRow(owner.name, owner.responsible_id, extension, owner.updated_at, is_lead=owner.is_lead)
