"""The ports of keeping the call path warm, in memory, with the same contract as PostgreSQL and AWS Lambda."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from smart_redirect.adapters.memory_mirror_rows import ConnectionRows, MirrorRows
from smart_redirect.errors import FunctionUnavailable
from smart_redirect.usecases.ports_mirror import Key
from smart_redirect.usecases.ports_warm import CLAIMED_SECONDS, SOON_SECONDS, Ending, Warmed

_DAY = 86_400.0
_MOST_AGES = 20


@dataclass(frozen=True, slots=True)
class MemoryCall:
    """A call that somebody made to an enterprise, at a time of the clock."""

    enterprise_id: int
    phone: str
    at: float


class MemoryCalls:
    """The RecentCallers and the EndingLedger over MirrorRows and a list of calls."""

    def __init__(self, rows: MirrorRows) -> None:
        self._rows = rows
        self.calls: list[MemoryCall] = []

    async def enterprises(self, limit: int) -> Sequence[int]:
        """Return enterprises by their latest call within a day."""
        self._rows.check()
        since = self._rows.clock() - _DAY
        latest = {each.enterprise_id: each.at for each in sorted(self.calls, key=lambda call: call.at)}
        lately = sorted((-at, enterprise_id) for enterprise_id, at in latest.items() if at > since)
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
        contacts = [(row.expires_at, phone) for (phone, _), row in rows.contacts.items() if row.expires_at is not None]
        misses = [(until, phone) for phone, until in rows.misses.items()]
        return [each for each in (*contacts, *misses) if now + CLAIMED_SECONDS < each[0] <= now + SOON_SECONDS]

    def _may_be_asked(self, key: Key, now: float) -> bool:
        rows = self._rows.connections[key]
        return rows.is_usable and rows.account.settings.get("live") is True and not rows.is_open(now)

    def _ages(self, key: Key, phone: str) -> tuple[float, ...]:
        now = self._rows.clock()
        own = [each for each in self.calls if (each.enterprise_id, each.phone) == (key.enterprise_id, phone)]
        return tuple(sorted(now - each.at for each in own if now - each.at < 30 * _DAY)[:_MOST_AGES])


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
