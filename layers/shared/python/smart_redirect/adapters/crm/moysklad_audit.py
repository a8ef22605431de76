"""Reads from MoySklad's audit which counterparties were deleted, where the employee may see the audit."""

from collections.abc import Sequence
from dataclasses import replace

from smart_redirect.adapters.crm.json_values import Json
from smart_redirect.adapters.crm.moysklad_cursor import START, Clock, Cursor, resumed, seconds
from smart_redirect.adapters.crm.moysklad_lists import listed, part
from smart_redirect.adapters.crm.moysklad_people import absent, tail
from smart_redirect.adapters.crm.session import Session
from smart_redirect.domain.crm import Gone

_PATH = "/audit"
_DELETIONS = "entityType=counterparty;eventType=delete"
_CONTEXTS = 100
# An event has all that the counterparty had.
_EVENTS = 25


class Audit:
    """The deletions of one account."""

    def __init__(self, session: Session, clock: Clock) -> None:
        self._session = session
        self._clock = clock

    async def may_be_read(self) -> bool:
        """Tell whether the employee has the right."""
        return await self._contexts(START, 0, 1) is not None

    async def next(self, at: Cursor) -> tuple[tuple[Gone, ...], Cursor]:
        """Read one page of contexts, and whom the first new one of them has deleted.

        Without the right nothing is read and the cursor stays, so that all is read when the right is given.
        """
        found = await self._contexts(at.deleted, at.listed, _CONTEXTS)
        if found is None:
            return (), at
        following = self._following(at, *found)
        return await self.events(following) if following.contexts else ((), following)

    async def events(self, at: Cursor) -> tuple[tuple[Gone, ...], Cursor]:
        """Read whom one context has deleted: several pages, if somebody has deleted many at once."""
        path = f"{_PATH}/{at.contexts[0]}/events"
        rows, size = await listed(self._session, path, part(at.events, _EVENTS), missing=(404,)) or ((), 0)
        ids = (tail(row["entity"]["meta"]["href"].text) for row in rows if row["entityType"].text == "counterparty")
        gone = tuple(each for lost in filter(None, ids) for each in (Gone(lost), *absent(lost)))
        if rows and at.events + len(rows) < size:
            return gone, replace(at, events=at.events + len(rows))
        return gone, replace(at, contexts=at.contexts[1:], events=0)

    def _following(self, at: Cursor, rows: Sequence[Json], size: int) -> Cursor:
        """Note what is to be read; the order of contexts is not documented, so the newest may be anywhere."""
        if not rows:
            return replace(at, listed=0, newest="")
        here = tuple(row["id"].text for row in rows)
        new = tuple(each for each in here if each not in at.seen)
        newest = max((at.newest or at.deleted, *(row["moment"].text for row in rows)), key=seconds)
        seen = (*at.seen, *new) if at.listed else here
        if at.listed + len(rows) < size:
            return replace(at, contexts=new, seen=(*at.seen, *new), newest=newest, listed=at.listed + len(rows))
        return replace(at, contexts=new, seen=seen, newest="", listed=0, deleted=resumed(newest, self._clock))

    async def _contexts(self, since: str, offset: int, count: int) -> tuple[Sequence[Json], int] | None:
        params = (("filter", f"{_DELETIONS};moment>={since}"), *part(offset, count))
        return await listed(self._session, _PATH, params, missing=(403,))
