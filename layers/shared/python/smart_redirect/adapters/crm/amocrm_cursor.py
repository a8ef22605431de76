"""Where the reading of amoCRM is: of each kind the second from which its changes are read, and of the deletions too."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

from smart_redirect.adapters.crm.amocrm_people import KINDS
from smart_redirect.adapters.crm.json_values import Json, read_json
from smart_redirect.errors import CrmMalformed

PAGE = 100
"""Rows of a page. 250 are allowed; with many fields of the account's own that would be more than 1 MB."""
DELETIONS = len(KINDS)
"""What is read behind the kinds."""
# A change may be written later than its time says.
_OVERLAP = 60
# An account's clock may differ from ours by so much, before anything is known of it.
_DIFFERENCE = 3600
# Accounts that have no events may have them one day.
_QUIET = 86_400


@dataclass(frozen=True, slots=True)
class Cursor:
    """Of each kind the second from which its changes are read and the page within it, and which kind is next.

    A list in the order of changes can be followed while it changes: who is edited moves to its end and is met again.
    Everything is but the changes since second 0, so the walk needs no other way. Deletions are read since `deleted`,
    the newest of them so far was at `newest`; until `quiet` they are not, because the account tells none.
    """

    since: tuple[int, int] = (0, 0)
    page: int = 1
    kind: int = 0
    walked: bool = False
    deleted: int = 0
    newest: int = 0
    quiet: int = 0

    @property
    def text(self) -> str:
        """The cursor as it is kept."""
        return json.dumps(asdict(self))

    def after(self, rows: Sequence[Json], now: int) -> "Cursor":
        """Return the cursor behind a page.

        A full page is followed from the second of its last row; one that lies within a single second, or in times to
        come, by its next page. At the end the next run begins a minute earlier. No second is ever later than now: a row
        whose time is years ahead, which imports and wrong clocks write, would hide all changes until then.
        """
        times = [row["updated_at"].count for row in rows]
        if rows and times[-1] is None:
            raise CrmMalformed("its rows do not say when they were changed")
        since = self.since[self.kind]
        newest = max((each for each in times if each is not None and each <= now), default=since)
        if len(rows) >= PAGE:
            return replace(self._from(newest), page=1) if newest > since else replace(self, page=self.page + 1)
        return replace(self._from(max(since, newest - _OVERLAP)), page=1, kind=self.kind + 1)

    def after_deletions(self, times: Sequence[int], now: int, *, more: bool) -> "Cursor":
        """Return the cursor behind a page of deletions, whichever end they begin with."""
        newest = max((self.newest, *(each for each in times if each <= now)))
        if more:
            return replace(self, newest=newest, page=self.page + 1)
        # What was read is read once more for a minute, and then not again: each deletion costs a request.
        return replace(self.rested(), deleted=max(self.deleted, min(newest + 1, now - _OVERLAP)), newest=0)

    def rested(self, quiet: int = 0) -> "Cursor":
        """Return the cursor for the next run."""
        return replace(self, page=1, kind=0, walked=True, quiet=quiet or self.quiet)

    def hushed(self, now: int) -> "Cursor":
        """Return the cursor for the next run of an account that tells no deletions."""
        return self.rested(now + _QUIET)

    def _from(self, second: int) -> "Cursor":
        contacts, companies = self.since
        return replace(self, since=(second, companies) if self.kind == 0 else (contacts, second))


def begun(now: int) -> Cursor:
    """Return the cursor that everything is read by."""
    return Cursor(deleted=now - _DIFFERENCE)


def read_cursor(text: str, now: int) -> Cursor:
    """Read a cursor; CrmMalformed for what is none of amoCRM. One whose seconds are later than now begins anew."""
    found = read_json(text.encode())
    since = tuple(each.count for each in found["since"])
    page, kind = found["page"].count, found["kind"].count
    if len(since) != len(KINDS) or None in since or not page or kind not in range(DELETIONS + 1):
        raise CrmMalformed("the cursor is not one of amoCRM")
    contacts, companies = (each or 0 for each in since)
    deleted, newest, quiet = (found[name].count or 0 for name in ("deleted", "newest", "quiet"))
    read = Cursor((contacts, companies), page, kind or 0, found["walked"].is_true, deleted, newest, quiet)
    if max(contacts, companies) > now:
        return replace(read, since=(0, 0), page=1, kind=0)
    return read if deleted else replace(read, deleted=now - _DIFFERENCE)
