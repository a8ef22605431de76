"""Hooks, Budgets and LiveLedger in memory, with the same contract as PostgreSQL."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from uuid import UUID

from smart_redirect.adapters.memory_mirror_rows import Bucket, ConnectionRows, ContactRow, MirrorRows, SyncRow
from smart_redirect.domain.crm import Manager
from smart_redirect.domain.crm_budget import Rate
from smart_redirect.domain.crm_mirror import Owner
from smart_redirect.usecases.ports_mirror import Account, Askable, Grant, Hook, Key


class MemoryHooks:
    """The Hooks over MirrorRows."""

    def __init__(self, rows: MirrorRows) -> None:
        self._rows = rows

    async def hook(self, name: str) -> Hook | None:
        """Return the connection of a webhook's address."""
        self._rows.check()
        try:
            wanted = UUID(name)
        except ValueError:
            return None
        for key, rows in self._rows.connections.items():
            if rows.hook and UUID(rows.hook) == wanted and rows.is_usable and rows.secret_hash is not None:
                return Hook(key, rows.account.vendor, rows.secret_hash)
        return None

    async def hint(self, key: Key, external_ids: Sequence[str]) -> None:
        """Mark people and have the connection synced."""
        rows = self._rows.of(key)
        if rows is None:
            return
        self._rows.mark(rows, sorted(set(external_ids)), renew=True)
        if not external_ids and rows.sync is not None:
            rows.sync.next_at = min(rows.sync.next_at, self._rows.clock())


class MemoryBudgets:
    """The Budgets over MirrorRows."""

    def __init__(self, rows: MirrorRows) -> None:
        self._rows = rows

    async def take(self, key: Key, wanted: int, rate: Rate, keep: int) -> Grant:
        """Take from the bucket; a connection that is gone gets nothing and may ask again in a minute."""
        rows, now = self._rows.of(key), self._rows.clock()
        if rows is None:
            return Grant(0, 60.0)
        bucket = rows.bucket or Bucket(float(rate.burst), now)
        filled = min(float(rate.burst), bucket.tokens + rate.per_second * max(0.0, now - bucket.filled_at))
        granted = max(0, min(wanted, int(filled) - keep))
        rows.bucket = Bucket(filled - granted, now)
        lacking = max(0.0, keep + 1 - rows.bucket.tokens)
        return Grant(granted, 0.0 if granted else lacking / rate.per_second)


class MemoryLive:
    """The LiveLedger over MirrorRows."""

    def __init__(self, rows: MirrorRows) -> None:
        self._rows = rows

    async def accounts(self, enterprise_id: int, seconds: float) -> Sequence[Account]:
        """Return the connections with `live` in their settings, in their order."""
        self._rows.check(seconds)
        usable = [each for each in self._rows.connections.values() if each.is_usable]
        live = [each for each in usable if each.account.settings.get("live") is True]
        own = [each for each in live if each.account.key.enterprise_id == enterprise_id]
        return [each.account for each in sorted(own, key=lambda rows: rows.position)]

    async def askable(self, enterprise_id: int, phone: str, seconds: float) -> Askable:
        """Return connections without an open breaker that have not missed the phone lately."""
        self._rows.check(seconds)
        now = self._rows.clock()
        return {
            key.connection_id: _with_a_word(rows)
            for key, rows in self._rows.connections.items()
            if key.enterprise_id == enterprise_id
            and rows.is_open_to_look_ups(now)
            and rows.misses.get(phone, float("-inf")) <= now
        }

    async def limited(self, key: Key, seconds: float) -> None:
        """Open the breaker of all."""
        if sync := self._sync(key):
            sync.open_until = max(sync.open_until, self._rows.clock() + seconds)

    async def refused(self, key: Key, seconds: float) -> None:
        """Open the breaker of look-ups."""
        if sync := self._sync(key):
            sync.look_ups_open_until = max(sync.look_ups_open_until, self._rows.clock() + seconds)

    def _sync(self, key: Key) -> SyncRow | None:
        rows = self._rows.of(key)
        if rows is not None and rows.sync is None:
            rows.sync = SyncRow(self._rows.clock())
        return rows.sync if rows else None

    async def found(self, key: Key, owners: Sequence[Owner], extensions: Mapping[str, str], seconds: float) -> None:
        """Keep a row for each phone of each owner, but none over the mirror's own."""
        rows = self._rows.of(key)
        if rows is None:
            return
        until = self._rows.clock() + seconds
        self._rows.mark(rows, [each.external_id for each in owners if each.phones], renew=True)
        for owner in owners:
            extension = extensions.get(owner.responsible_id or "")
            row = ContactRow(owner.name, owner.responsible_id, extension, owner.updated_at, until, owner.is_lead)
            for place in ((phone, owner.external_id) for phone in owner.phones):
                known = rows.contacts.get(place)
                rows.contacts[place] = row if known is None or known.expires_at is not None else known

    async def missed(self, key: Key, phone: str, seconds: float) -> None:
        """Keep a miss."""
        rows = self._rows.of(key)
        if rows is not None:
            rows.misses[phone] = self._rows.clock() + seconds


def _with_a_word(rows: ConnectionRows) -> Sequence[Manager]:
    """Return the managers who have an extension or have left, without their names; those of live connections alone."""
    known = rows.managers if rows.account.settings.get("live") is True else ()
    return [replace(each, name="") for each in known if each.extension is not None or not each.is_active]
