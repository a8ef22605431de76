"""The report of an import: what was left out or repaired, row by row, and what is to be done by hand."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum


class Fate(StrEnum):
    """What became of a row, or of a part of it."""

    LEFT_OUT = "left out"
    REPAIRED = "repaired"
    BY_HAND = "by hand"


@dataclass(frozen=True, slots=True)
class Remark:
    """One row of the platform, by its table and id, and what there is to say of it."""

    fate: Fate
    table: str
    id: str
    reason: str


# Of one kind and table so many stay in memory: of a million unreadable calls, the sink has the others.
_KEPT = 100


class Report:
    """Takes remarks, gives every one to the sink at once, and counts rows that hold nothing to take over.

    `remarks` are the first hundred of each fate and table; `counts` says how many there were.
    """

    def __init__(self, sink: Callable[[Remark], None] = lambda _: None) -> None:
        self._sink = sink
        self.remarks: list[Remark] = []
        self.counts: Counter[tuple[Fate, str]] = Counter()
        self.skipped: Counter[tuple[str, str]] = Counter()

    def left_out(self, table: str, row_id: object, reason: str) -> None:
        """Say that a row, or the named part of it, is not in our database."""
        self._take(Fate.LEFT_OUT, table, row_id, reason)

    def repaired(self, table: str, row_id: object, reason: str) -> None:
        """Say that a row was taken over, but not as it was."""
        self._take(Fate.REPAIRED, table, row_id, reason)

    def by_hand(self, table: str, row_id: object, reason: str) -> None:
        """Say what only the operator can take over."""
        self._take(Fate.BY_HAND, table, row_id, reason)

    def skip(self, table: str, reason: str) -> None:
        """Count a row that holds nothing to take over, such as a customer without a name."""
        self.skipped[table, reason] += 1

    def _take(self, fate: Fate, table: str, row_id: object, reason: str) -> None:
        remark = Remark(fate, table, _shown(str(row_id)), _shown(reason))
        self._sink(remark)
        self.counts[fate, table] += 1
        if self.counts[fate, table] <= _KEPT:
            self.remarks.append(remark)

    @property
    def complete(self) -> bool:
        """Whether nothing was left out."""
        return all(fate is not Fate.LEFT_OUT for fate, _ in self.counts)


def _shown(value: str) -> str:
    """Return a text of the platform without what would move an operator's cursor."""
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in value)
