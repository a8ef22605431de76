"""The report of an import: what was left out or repaired, row by row, and what is to be done by hand."""

from collections import Counter
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


class Report:
    """Collects remarks, and counts rows that hold nothing to take over."""

    def __init__(self) -> None:
        self.remarks: list[Remark] = []
        self.skipped: Counter[tuple[str, str]] = Counter()

    def left_out(self, table: str, row_id: object, reason: str) -> None:
        """Say that a row, or the named part of it, is not in our database."""
        self.remarks.append(Remark(Fate.LEFT_OUT, table, str(row_id), reason))

    def repaired(self, table: str, row_id: object, reason: str) -> None:
        """Say that a row was taken over, but not as it was."""
        self.remarks.append(Remark(Fate.REPAIRED, table, str(row_id), reason))

    def by_hand(self, table: str, row_id: object, reason: str) -> None:
        """Say what only the operator can take over."""
        self.remarks.append(Remark(Fate.BY_HAND, table, str(row_id), reason))

    def skip(self, table: str, reason: str) -> None:
        """Count a row that holds nothing to take over, such as a customer without a name."""
        self.skipped[table, reason] += 1

    @property
    def complete(self) -> bool:
        """Whether nothing was left out."""
        return all(remark.fate is not Fate.LEFT_OUT for remark in self.remarks)
