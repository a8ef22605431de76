"""An enterprise on a real database whose hosts report calls: what the tests of the history are told with."""

import json
from collections.abc import Awaitable, Callable, Sequence

import asyncpg

from smart_redirect.domain.event import EventKind, ReceivedEvent, read_posted
from smart_redirect.domain.token import token_hash

KEY = b"k" * 32
TOKEN = "token-0367"
START = 1795417798
CALLER = "80291112233"
PHONE = "+375291112233"
SETTINGS = """
INSERT INTO enterprises (number, name) VALUES ('0367', 'ООО «Северный ветер»'), ('0400', 'Другие');
INSERT INTO pbx_hosts (enterprise_id, name) VALUES (1, 'minsk');
INSERT INTO users (enterprise_id, id) VALUES (1, 25), (1, 26), (1, 27), (2, 25);
INSERT INTO user_internal_phones (enterprise_id, id, user_id, number)
    VALUES (1, 31, 25, '150'), (1, 33, 25, '151'), (1, 32, 26, '152'), (1, 37, 27, '053'), (1, 38, NULL, '154'), (2, 31, 25, '190');
INSERT INTO lines (enterprise_id, line_id, kind, phone_number, area_code)
    VALUES (1, '0001363', 'gsm', '+375296001363', '17'), (1, '3881848', 'sip', '+375173881848', '17');
"""


async def set_up(connection: asyncpg.Connection) -> None:
    """Make enterprise 0367 (id 1) with one host (id 1), and enterprise 0400, without any."""
    await connection.execute(SETTINGS)
    await add_token(connection, TOKEN, 1)
    await add_token(connection, "token-0400", 2)


async def add_token(connection: asyncpg.Connection, token: str, enterprise: int, host: int | None = None) -> None:
    await connection.execute(
        "INSERT INTO call_tokens (token_hash, key_id, enterprise_id, host_id) VALUES ($1, 1, $2, $3)",
        token_hash(KEY, token),
        enterprise,
        host,
    )


def event(
    kind: str,
    call: str = f"{START}.12",
    *,
    token: str = TOKEN,
    at: float = START + 60,
    address: str = "",
    **fields: object,
) -> ReceivedEvent:
    """What is kept of an event as a host posts it; `at` is when it came."""
    body = {"UniqueId": call, "Phone": CALLER, "Trunk": "0001363", "CallType": "0", **fields}
    posted = read_posted(json.dumps(body).encode())
    assert posted is not None
    return ReceivedEvent(EventKind(kind), posted.unique_id, posted.body, token_hash(KEY, token), address, at)


def start(**fields: object) -> ReceivedEvent:
    return event("start", **fields)


def dial(extensions: str, **fields: object) -> ReceivedEvent:
    return event("dial", Extensions=extensions, **fields)


def hangup(talks: str | None = None, **fields: object) -> ReceivedEvent:
    """The end of a call: by a new host, which says who talked, unless `talks` is None."""
    return event("hangup", **({} if talks is None else {"Talks": talks}), **fields)


def talk(extension: str, after: int = 10, begun: int = START) -> str:
    return f"{extension}@{begun + after}"


Record = Callable[[Sequence[ReceivedEvent]], Awaitable[None]]


class Pbx:
    """Records events one after another, and tells what the database says afterwards."""

    def __init__(self, record: Record, connection: asyncpg.Connection) -> None:
        self.connection = connection
        self._record = record

    async def report(self, *events: ReceivedEvent) -> None:
        for each in events:
            await self._record([each])

    async def call(self, unique_id: str = f"{START}.12", host: int = 1) -> asyncpg.Record:
        rows = await self.connection.fetch("SELECT * FROM calls WHERE unique_id = $1 AND host_id = $2", unique_id, host)
        assert len(rows) == 1
        return rows[0]

    async def count_events(self, unique_id: str = f"{START}.12") -> int:
        return len(json.loads((await self.call(unique_id))["events"]))

    async def participants(self) -> dict[str, str]:
        rows = await self.connection.fetch("SELECT extension, status FROM call_participants ORDER BY ring_order")
        return {row["extension"]: row["status"] for row in rows}

    async def ends(self, phone: str = PHONE) -> tuple[str, str] | None:
        """Return who talked first and last with the caller, None without a history."""
        row = await self.connection.fetchrow("SELECT * FROM caller_history WHERE phone = $1", phone)
        return None if row is None else (row["first_extension"], row["last_extension"])

    async def everything(self) -> list[list[tuple[object, ...]]]:
        """Return all that the history consists of, but for the order of the stored events."""
        queries = (
            "SELECT enterprise_id, host_id, unique_id, started_at, phone, caller, line_id, call_type, status,"
            " answered_at, ended_at, talks FROM calls ORDER BY 1, 2, 3",
            "SELECT * FROM call_participants ORDER BY enterprise_id, host_id, unique_id, extension",
            "SELECT * FROM caller_history ORDER BY 1, 2",
        )
        return [[tuple(row) for row in await self.connection.fetch(query)] for query in queries]
