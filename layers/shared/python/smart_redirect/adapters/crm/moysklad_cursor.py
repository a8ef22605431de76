"""Where the reading of MoySklad's counterparties is: a moment of their changes, in Moscow's time."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta, timezone

from smart_redirect.adapters.crm.json_values import Json, read_json
from smart_redirect.errors import CrmMalformed

MOSCOW = timezone(timedelta(hours=3))
# Nothing was changed before; as the first moment that their filters take.
START = "1970-01-01 03:00:00"
_OVERLAP = 120.0
_SETTLED = 600.0
# So many rows of a moment may be edited between two pages of it.
_AGAIN = 10
Clock = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Cursor:
    """The moment from which changes are read, how many rows of it were read, and how many rows the walk has read.

    A list in the order of changes may be read while it moves: who is edited goes to its end and is met again.
    Everything is but the changes since the beginning, so the walk needs no other way.

    The audit is read from `deleted` on, without the `listed` first rows. `newest` is the newest of them, `seen` are
    contexts that were read, `contexts` those that are to be read, the first of them without its `events` first rows.
    """

    since: str = START
    skip: int = 0
    done: int = 0
    deleted: str = START
    listed: int = 0
    newest: str = ""
    seen: tuple[str, ...] = ()
    contexts: tuple[str, ...] = ()
    events: int = 0

    @property
    def text(self) -> str:
        """The cursor as it is kept."""
        return json.dumps(asdict(self))

    @property
    def is_within_audit(self) -> bool:
        """Whether the audit has more that is there already."""
        return bool(self.contexts or self.listed)

    @property
    def condition(self) -> str:
        """The filter's condition, none at the beginning."""
        return f"updated>={self.since};" if self.since != START else ""


def read_cursor(text: str) -> Cursor:
    """Read a cursor; CrmMalformed for what is none of MoySklad."""
    found = read_json(text.encode())
    numbers = [found[name].count for name in ("skip", "done", "listed", "events")]
    since, deleted, newest = (found[name].text for name in ("since", "deleted", "newest"))
    if None in numbers or None in map(moment, (since, deleted, newest or START)):
        raise CrmMalformed("the cursor is not one of MoySklad")
    skip, done, listed, events = (max(0, each or 0) for each in numbers)
    seen, contexts = (tuple(each.text for each in found[name]) for name in ("seen", "contexts"))
    return Cursor(since, skip, done, deleted, listed, newest, seen, contexts, events)


def advanced(at: Cursor, rows: Sequence[Json], size: int, clock: Clock) -> tuple[Cursor, bool]:
    """Return the cursor after a page of a list of so many rows, and whether there is more.

    A page is followed from the moment of its last row, and rows of that moment are read again: one that is edited
    meanwhile goes to the end of the list, and with an offset the row behind it would never be read. There is one only
    where a whole page has the same moment, and some rows are read again there too.
    """
    if not rows:
        return replace(at, skip=0, done=0), False
    newest = second(rows[-1]["updated"].text)
    seconds(newest)
    if at.skip + len(rows) < size:
        again = _AGAIN if newest == at.since else _of_moment(rows, newest)
        step = max(1, len(rows) - again)
        skip = at.skip + step if newest == at.since else 0
        return replace(at, since=newest, skip=skip, done=at.done + step), True
    return replace(at, since=resumed(newest, clock), skip=0, done=0), False


def resumed(newest: str, clock: Clock) -> str:
    """Return the moment from which the next run reads.

    What was changed within the last two minutes may appear late and is read once more. Older moments are not gone back
    from, and after ten minutes the newest second itself is left behind: else an import of thousands would be read again
    with every run until somebody changes something else. Ten, because our clock may be wrong.
    """
    known, now = seconds(newest), clock()
    if known <= now - _SETTLED:
        return written(known + 1.0)
    return written(known - min(_OVERLAP, max(0.0, known - (now - _OVERLAP))))


def written(time: float) -> str:
    """Write a time, seconds since the epoch, as their filters take it."""
    return datetime.fromtimestamp(time, UTC).astimezone(MOSCOW).strftime("%Y-%m-%d %H:%M:%S")


def moment(text: str) -> float | None:
    """Read a time of theirs as seconds since the epoch, None when it is none."""
    try:
        return datetime.fromisoformat(text).replace(tzinfo=MOSCOW).timestamp()
    except ValueError:
        return None


def second(text: str) -> str:
    """Return a time of theirs without its milliseconds."""
    return text.partition(".")[0]


def seconds(text: str) -> float:
    """Read a time that the documents promise; CrmMalformed when it is none."""
    found = moment(text)
    if found is None:
        raise CrmMalformed("its rows have times that are none")
    return found


def _of_moment(rows: Sequence[Json], newest: str) -> int:
    return sum(second(row["updated"].text) == newest for row in rows)
