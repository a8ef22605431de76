"""What an operator sees of an import: how far it is, what it did, and each row that could not be taken over."""

import sys
import time
from collections.abc import Callable, Sequence
from itertools import groupby

from smart_redirect.domain.platform.move import Order
from smart_redirect.domain.platform.report import Remark, Report
from smart_redirect.usecases.import_platform import Outcome

_SHOWN = 20
_HEAD = ("fate", "table", "id", "reason")


class Terminal:
    """The Watch of an import: says on stderr how far a table is, every ten per cent; `write` takes rows of a CSV."""

    def __init__(self, write: Callable[[Sequence[str]], object] = lambda _: None) -> None:
        self._write = write
        self._said: dict[str, int] = {}
        self._began = time.monotonic()
        write(_HEAD)

    def progress(self, table: str, done: int, total: int) -> None:
        """Take the rows done so far."""
        tenth = 10 * done // total if total else 10
        if tenth > self._said.get(table, 0):
            self._said[table] = tenth
            print(f"{table}: {done:,} of {total:,}, {time.monotonic() - self._began:.0f} s", file=sys.stderr)

    def remark(self, remark: Remark) -> None:
        """Take a remark."""
        self._write((remark.fate.value, remark.table, remark.id, remark.reason))


def print_outcome(order: Order, outcome: Outcome) -> None:
    """Print the counts of each table and then the remarks."""
    print(f"enterprise {order.number}{' (dry run: nothing was written)' if order.dry_run else ''}\n")
    print(f"{'table':22}{'new':>9}{'changed':>9}{'same':>9}{'removed':>9}{'only here':>11}")
    for table, tally in outcome.tallies.items():
        numbers = f"{tally.new:9}{tally.changed:9}{tally.same:9}{tally.removed:9}{tally.only_ours:11}"
        print(f"{table:22}{numbers}")
    if not outcome.changed_anything:
        print("\nnothing to change: everything that can be taken over is here already")
    _print_report(outcome.report)


def _print_report(report: Report) -> None:
    ordered = sorted(report.remarks, key=lambda remark: (remark.fate, remark.table))
    for (fate, table), remarks in groupby(ordered, key=lambda remark: (remark.fate, remark.table)):
        count = report.counts[fate, table]
        print(f"\n{fate}: {table} ({count})")
        for remark in list(remarks)[:_SHOWN]:
            print(f"  {remark.id}: {remark.reason}")
        if count > _SHOWN:
            print(f"  and {count - _SHOWN} more: --report FILE lists them all")
    for (table, reason), count in sorted(report.skipped.items()):
        print(f"\nskipped: {table}: {reason} ({count})")
