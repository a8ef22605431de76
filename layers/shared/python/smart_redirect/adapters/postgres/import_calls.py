"""Contacts, past calls and histories that an import brings, a batch a transaction."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from smart_redirect.adapters.postgres.queries import load
from smart_redirect.domain.caller_history import CallerHistory, CallTalk
from smart_redirect.domain.facts import Talk
from smart_redirect.domain.platform.calls import PastCall

# How far apart the start of a call may be as a host reported it and as the platform tells it, seconds.
_DAY = 86400


class ImportedCalls:
    """The part of an import's transaction that writes what has no end of rows; a dry run takes no locks."""

    def __init__(self, connection: Any, *, dry_run: bool) -> None:
        self._connection = connection
        self._dry_run = dry_run
        self._bulk = load("import_calls")

    async def names(self, enterprise_id: int, phones: Sequence[str]) -> Mapping[str, str]:
        """Return the contacts that are there."""
        rows = await self._connection.fetch(self._bulk["names"], enterprise_id, phones)
        return {row["phone"]: row["name"] for row in rows}

    async def write_names(self, enterprise_id: int, names: Mapping[str, str]) -> None:
        """Write contacts."""
        await self._connection.execute(self._bulk["put_names"], enterprise_id, list(names), list(names.values()))

    async def known_calls(self, enterprise_id: int, calls: Sequence[PastCall]) -> Mapping[str, bool]:
        """Return which calls are there by UniqueId, and whether by events of a host."""
        if not calls:
            return {}
        starts = [call.started_at for call in calls]
        ids = [call.unique_id for call in calls]
        period = (min(starts) - _DAY, max(starts) + _DAY)
        rows = await self._connection.fetch(self._bulk["known_calls"], enterprise_id, ids, *period)
        return {row["unique_id"]: row["live"] for row in rows}

    async def write_calls(self, enterprise_id: int, calls: Sequence[PastCall]) -> None:
        """Write new calls with their participants."""
        await self._put("put_calls", enterprise_id, [_call(call) for call in calls])
        await self._put("put_participants", enterprise_id, [row for call in calls for row in _participants(call)])

    async def histories(self, enterprise_id: int, callers: Sequence[str]) -> Mapping[str, CallerHistory]:
        """Return the histories of callers, locked in their order until the transaction ends."""
        if not self._dry_run:
            await self._connection.execute(self._bulk["lock_callers"], enterprise_id, callers)
        rows = await self._connection.fetch(self._bulk["histories"], enterprise_id, callers)
        return {row["phone"]: CallerHistory(_end(row, "first"), _end(row, "last")) for row in rows}

    async def write_histories(self, enterprise_id: int, histories: Mapping[str, CallerHistory]) -> None:
        """Write histories."""
        rows = [
            {"phone": caller, **_columns("first", history.first), **_columns("last", history.last)}
            for caller, history in histories.items()
        ]
        await self._put("put_histories", enterprise_id, rows)

    async def _put(self, query: str, enterprise_id: int, rows: list[dict[str, object]]) -> None:
        await self._connection.execute(self._bulk[query], enterprise_id, json.dumps(rows))


def _call(call: PastCall) -> dict[str, object]:
    return {
        "unique_id": call.unique_id,
        "started_at": call.started_at,
        "phone": call.phone,
        "caller": call.caller,
        "line_id": call.line_id,
        "call_type": int(call.call_type),
        "status": call.status.value,
        "answered_at": call.answered_at,
        "ended_at": call.ended_at,
        "talks": [[talk.extension, talk.at, talk.internal_id, talk.user_id] for talk in call.talks],
    }


def _participants(call: PastCall) -> Iterator[dict[str, object]]:
    for each in call.participants:
        own = call.own.get(each.extension)
        yield {
            "unique_id": call.unique_id,
            "started_at": call.started_at,
            "extension": each.extension,
            "ring_order": each.ring_order,
            "internal_id": own.internal_id if own else None,
            "user_id": own.user_id if own else None,
            "status": each.status.value,
            "answered_at": each.answered_at,
        }


def _end(row: Any, which: str) -> CallTalk:
    # Milliseconds, as everywhere: what was written is read back unchanged.
    at = round(row[f"{which}_at"], 3)
    talk = Talk(row[f"{which}_extension"], row[f"{which}_internal_id"], row[f"{which}_user_id"], at)
    return CallTalk(row[f"{which}_call"], talk)


def _columns(which: str, end: CallTalk) -> dict[str, object]:
    return {
        f"{which}_call": end.call,
        f"{which}_at": end.talk.at,
        f"{which}_extension": end.talk.extension,
        f"{which}_internal_id": end.talk.internal_id,
        f"{which}_user_id": end.talk.user_id,
    }
