"""The ports of keeping the call path warm, in memory, with the same contract as PostgreSQL and AWS Lambda."""

from bisect import insort
from collections.abc import Sequence
from dataclasses import replace

from smart_redirect.adapters.memory_mirror_rows import ConnectionRows, MirrorRows
from smart_redirect.errors import FunctionUnavailable
from smart_redirect.usecases.ports_mirror import Key
from smart_redirect.usecases.ports_warm import (
    CLAIMED_SECONDS,
    FOUND_SOON_SECONDS,
    OPEN_SECONDS,
    SOON_SECONDS,
    Ending,
    Warmed,
)

_DAY = 86_400.0
_MOST_AGES = 20


class MemoryCalls:
    """The RecentCallers and the EndingLedger over MirrorRows and the times of calls."""

    def __init__(self, rows: MirrorRows) -> None:
        self._rows = rows
        self._calls: dict[tuple[int, str], list[float]] = {}
        self._latest: dict[int, float] = {}

    def call(self, enterprise_id: int, phone: str, at: float) -> None:
        """Have somebody call an enterprise, at a time of the clock."""
        insort(self._calls.setdefault((enterprise_id, phone), []), at)
        self._latest[enterprise_id] = max(at, self._latest.get(enterprise_id, at))

    async def enterprises(self, limit: int) -> Sequence[int]:
        """Return enterprises by their latest call within a day."""
        self._rows.check()
        since = self._rows.clock() - _DAY
        lately = sorted((-at, enterprise_id) for enterprise_id, at in self._latest.items() if at > since)
        return [enterprise_id for _, enterprise_id in lately[:limit]]

    async def ending(self, limit: int) -> Sequence[Ending]:
        """Return callers of whom something ends soon."""
        self._rows.check()
        now = self._rows.clock()
        found = [(until, rows, phone) for rows in self._rows.connections.values() for until, phone in self._ends(rows)]
        chosen = dict.fromkeys((rows.account.key, phone) for _, rows, phone in sorted(found, key=lambda e: e[0]))
        usable = [each for each in chosen if self._may_be_asked(each[0], now)]
        accounts = {key: self._rows.connections[key].account for key, _ in usable}
        return [Ending(accounts[key], phone, self._ages(key, phone)) for key, phone in usable[:limit]]

    async def claim(self, key: Key, phone: str) -> bool:
        """Shorten what is known of a caller, unless somebody has."""
        rows, until = self._rows.of(key), self._rows.clock() + CLAIMED_SECONDS
        if rows is None or phone not in {each for _, each in self._ends(rows)}:
            return False
        for place, row in rows.contacts.items():
            if place[0] == phone and row.expires_at is not None:
                rows.contacts[place] = replace(row, expires_at=min(row.expires_at, until))
        if phone in rows.misses:
            rows.misses[phone] = min(rows.misses[phone], until)
        return True

    def _ends(self, rows: ConnectionRows) -> list[tuple[float, str]]:
        now = self._rows.clock()
        contacts = [(row.expires_at, phone, FOUND_SOON_SECONDS) for (phone, _), row in rows.contacts.items()]
        misses = [(until, phone, SOON_SECONDS) for phone, until in rows.misses.items()]
        ends = ((until, phone, soon) for until, phone, soon in (*contacts, *misses) if until is not None)
        return [(until, phone) for until, phone, soon in ends if now + CLAIMED_SECONDS < until <= now + soon]

    def _may_be_asked(self, key: Key, now: float) -> bool:
        rows = self._rows.connections[key]
        is_called = self._latest.get(key.enterprise_id, float("-inf")) > now - OPEN_SECONDS
        is_live = rows.is_usable and rows.account.settings.get("live") is True
        return is_live and rows.is_open_to_look_ups(now) and is_called

    def _ages(self, key: Key, phone: str) -> tuple[float, ...]:
        now = self._rows.clock()
        latest = reversed(self._calls.get((key.enterprise_id, phone), [])[-_MOST_AGES:])
        return tuple(now - at for at in latest if now - at < 30 * _DAY)


class MemoryCallFunction:
    """The CallFunction as so many environments: each invocation takes the next one; `down` refuses them all."""

    def __init__(self, environments: int) -> None:
        self._environments = environments
        self.asked: list[tuple[int, ...]] = []
        self.down = False

    async def warm(self, enterprise_ids: Sequence[int]) -> Warmed:
        """Say that an environment is ready; it was cold when it is asked for the first time."""
        if self.down:
            raise FunctionUnavailable("down")
        number = len(self.asked)
        self.asked.append(tuple(enterprise_ids))
        return Warmed(f"{number % self._environments}", number < self._environments, True, len(enterprise_ids))
