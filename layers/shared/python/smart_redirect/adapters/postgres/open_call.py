"""One call in an open transaction: its row is locked, and everything about it is read and written here."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from smart_redirect.adapters.postgres.queries import load
from smart_redirect.domain.caller_history import CallerHistory, CallTalk
from smart_redirect.domain.event import EventKind, canonical
from smart_redirect.domain.event_fields import StoredEvent
from smart_redirect.domain.facts import Talk
from smart_redirect.usecases.ports_events import CallKey, CallRow, OwnExtension


class PostgresOpenCall:
    """The OpenCall of a locked row; `row` is None when the call is new."""

    def __init__(self, connection: Any, key: CallKey, started_at: float, row: Any) -> None:
        self._connection = connection
        self._key = key
        self._queries = load("history")
        self.key = key.text
        self.started_at = started_at
        self.events: tuple[StoredEvent, ...] = ()
        self.caller: str | None = None
        self.had_talks = False
        self.extensions: Mapping[str, OwnExtension] = {}
        if row is not None:
            self._take(row)

    def _take(self, row: Any) -> None:
        self.events = tuple(_event(value) for value in json.loads(row["events"]))
        self.caller = row["caller"]
        self.had_talks = row["had_talks"]
        participants = json.loads(row["participants"] or "[]")
        self.extensions = {name: OwnExtension(internal, user) for name, internal, user in participants}

    @property
    def _place(self) -> tuple[object, ...]:
        origin = self._key.origin
        return origin.enterprise_id, origin.host_id, self._key.unique_id, self.started_at

    async def find_extensions(self, numbers: Sequence[str]) -> Mapping[str, OwnExtension]:
        """Return those of the numbers that are the enterprise's."""
        wanted = list(dict.fromkeys(numbers))
        if not wanted:
            return {}
        rows = await self._connection.fetch(self._queries["find_extensions"], self._key.origin.enterprise_id, wanted)
        own = {row["number"]: OwnExtension(row["internal_id"], row["user_id"]) for row in rows}
        matches = ((number, _match(number, own)) for number in wanted)
        return {number: found for number, found in matches if found is not None}

    async def save(self, row: CallRow) -> None:
        """Store the call and its participants."""
        call = row.call
        await self._connection.execute(
            self._queries["save_call"],
            *self._place,
            call.phone,
            row.caller,
            call.line_id,
            int(call.call_type),
            call.status.value,
            call.answered_at,
            call.ended_at,
            json.dumps(_participants(row)),
            json.dumps([_event_value(event) for event in row.events]),
            json.dumps([[talk.extension, talk.at, talk.internal_id, talk.user_id] for talk in row.talks]),
        )

    async def history_of(self, caller: str) -> CallerHistory | None:
        """Return a caller's history, locked until the transaction ends."""
        place = (self._key.origin.enterprise_id, caller)
        await self._connection.execute(self._queries["lock_caller"], *place)
        row = await self._connection.fetchrow(self._queries["caller_history"], *place)
        return None if row is None else CallerHistory(_end(row, "first"), _end(row, "last"))

    async def other_talks(self, caller: str) -> tuple[CallTalk, ...]:
        """Return the first and the last talk of the caller in all calls but this one."""
        origin = self._key.origin
        rows = await self._connection.fetch(
            self._queries["other_talks"],
            origin.enterprise_id,
            caller,
            origin.host_id,
            self._key.unique_id,
            origin.count_outgoing,
        )
        return tuple(
            CallTalk(r["call"], Talk(r["extension"], r["internal_id"], r["user_id"], r["at"]), r["place"]) for r in rows
        )

    async def save_history(self, caller: str, history: CallerHistory | None) -> None:
        """Store a caller's history; None removes it."""
        place = (self._key.origin.enterprise_id, caller)
        if history is None:
            await self._connection.execute(self._queries["remove_history"], *place)
            return
        await self._connection.execute(
            self._queries["save_history"], *place, *_columns(history.first), *_columns(history.last)
        )


def _match(number: str, own: Mapping[str, OwnExtension]) -> OwnExtension | None:
    if number in own:
        return own[number]
    alike = [found for name, found in own.items() if name.lstrip("0") == number.lstrip("0")]
    return alike[0] if len(alike) == 1 else None


def _event(value: dict[str, Any]) -> StoredEvent:
    return StoredEvent(EventKind(value["kind"]), canonical(value["body"]), value["received_at"])


def _event_value(event: StoredEvent) -> dict[str, object]:
    return {"kind": event.kind, "received_at": event.received_at, "body": json.loads(event.body)}


def _participants(row: CallRow) -> list[dict[str, object]]:
    return [
        {
            "extension": each.extension,
            "ring_order": each.ring_order,
            "internal_id": row.extensions[each.extension].internal_id,
            "user_id": row.extensions[each.extension].user_id,
            "status": each.status,
            "answered_at": each.answered_at,
        }
        for each in row.call.participants
    ]


def _end(row: Any, which: str) -> CallTalk:
    at = round(row[f"{which}_at"], 3)
    talk = Talk(row[f"{which}_extension"], row[f"{which}_internal_id"], row[f"{which}_user_id"], at)
    return CallTalk(row[f"{which}_call"], talk)


def _columns(end: CallTalk) -> tuple[object, ...]:
    return end.call, end.talk.at, end.talk.extension, end.talk.internal_id, end.talk.user_id
