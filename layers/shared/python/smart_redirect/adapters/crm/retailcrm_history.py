"""RetailCRM's histories: how far each was read, and which of its rows are to be read once more.

A row has its id and its time when it is written, and is seen when its transaction commits, later than rows with higher
ids; and the lists may show what it tells a little later still. So a history is read again from its last row that is two
minutes old. Applying a row twice changes nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from smart_redirect.adapters.crm.json_values import Json
from smart_redirect.adapters.crm.retailcrm_api import Api, pages_of

_SETTLED_SECONDS = 120.0
# An import writes more in two minutes than could be read again with each run: of so many pages at most.
_MOST_AHEAD = 10


@dataclass(frozen=True, slots=True)
class Feed:
    """How far a history was read: rows up to `since` have settled, and those up to `seen` were acted on.

    `ahead` are the ends of the pages behind `since` that this run has read; the next run begins at `since` again.
    """

    since: int = 0
    ahead: tuple[int, ...] = ()
    seen: int = 0

    @property
    def at(self) -> int:
        """The id behind which the next page begins."""
        return self.ahead[-1] if self.ahead else self.since

    @property
    def ended(self) -> "Feed":
        """The feed for the next run."""
        return replace(self, ahead=())

    def after(self, ids: Sequence[int], settled: int) -> "Feed":
        """Return the feed behind a page of these ids, so many of which have settled before the first that has not."""
        last = max((self.at, *ids))
        seen = max(self.seen, last)
        if settled == len(ids) and not self.ahead:
            return Feed(last, (), seen)
        since = ids[settled - 1] if settled and not self.ahead else self.since
        ahead = (*self.ahead, last)
        if len(ahead) > _MOST_AHEAD:
            since, ahead = ahead[0], ahead[1:]
        return Feed(since, ahead, seen)


@dataclass(frozen=True, slots=True)
class Rows:
    """A page of a history in the order of ids; the first `settled` rows have settled."""

    rows: tuple[Json, ...]
    settled: int
    more: bool
    now: str
    """The account's time."""

    def after(self, feed: Feed) -> Feed:
        """Return the feed behind this page, for the next run if it is the last one."""
        following = feed.after([_id(row) for row in self.rows], self.settled) if self.rows else feed
        return following if self.more else following.ended

    def new_in(self, feed: Feed) -> list[Json]:
        """Return rows that were never acted on, and those that are read for the last time."""
        return [row for place, row in enumerate(self.rows) if place < self.settled or _id(row) > feed.seen]


async def read_history(api: Api, path: str, feed: Feed, size: int) -> Rows:
    """Return the next page. A history that is empty has no end to go on from: it is read from its beginning."""
    since = (("filter[sinceId]", str(feed.at)),) if feed.at else ()
    return _rows(await api.get(path, (*since, ("limit", str(size)))))


async def end_of(api: Api, path: str, size: int) -> Feed:
    """Return a feed that begins with what has not settled; it is a few rows, on the last page."""
    answer = await api.page(path, size, 1)
    last = pages_of(answer)
    for number in range(last, max(0, last - _MOST_AHEAD), -1):
        found = _rows(answer if number == 1 else await api.page(path, size, number))
        if found.settled:
            return _begun(_id(found.rows[found.settled - 1]))
        first = _id(found.rows[0]) if found.rows else 1
    return _begun(first - 1 if last > _MOST_AHEAD else 0)


def _begun(since: int) -> Feed:
    return Feed(since, (), since)


def _rows(answer: Json) -> Rows:
    rows = tuple(sorted(answer.rows("history"), key=_id))
    times = [_seconds(row["createdAt"].text) for row in rows]
    now = _seconds(answer["generatedAt"].text) or max(filter(None, times), default=0.0)
    young = (place for place, each in enumerate(times) if each and each > now - _SETTLED_SECONDS)
    return Rows(rows, next(young, len(rows)), bool(rows) and pages_of(answer) > 1, answer["generatedAt"].text)


def _id(row: Json) -> int:
    return row["id"].count or 0


def _seconds(text: str) -> float | None:
    """Return a time of the account's own clock; it is only ever compared with others of it."""
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        return None


def is_a_day_later(now: str, before: str) -> bool:
    """Tell whether a day has passed between two of the account's times, or whether they do not say."""
    times = _seconds(now), _seconds(before)
    return times[0] is None or times[1] is None or times[0] - times[1] >= 86_400
