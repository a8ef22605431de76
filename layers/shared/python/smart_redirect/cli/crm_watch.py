"""Shows how far a sync is while it runs, to somebody who watches."""

import asyncio
import time
from typing import Any, TextIO

from smart_redirect.adapters.postgres.queries import load
from smart_redirect.cli.crm_show import progress
from smart_redirect.usecases.ports_mirror import Key

_EVERY = 1.0
# Of the time between two looks: counting the people of a large mirror takes its time.
_SHARE = 0.2
_CLEAR = "\r\x1b[K"


async def watched(connection: Any, key: Key, screen: TextIO, every: float = _EVERY) -> None:
    """Write one line over and over until cancelled; nothing where nobody sees it. `every` is in seconds."""
    began, place = time.monotonic(), (key.enterprise_id, key.connection_id)
    try:
        while screen.isatty():
            looked = time.monotonic()
            rows = await connection.fetch(load("connections")["listed"], key.enterprise_id)
            row = next(each for each in rows if each["id"] == key.connection_id)
            met = await connection.fetchval(load("connections")["met"], *place)
            screen.write(f"{_CLEAR}{progress(row, met, time.monotonic() - began)}")
            screen.flush()
            await asyncio.sleep(max(every, (time.monotonic() - looked) / _SHARE))
    finally:
        if screen.isatty():
            screen.write(_CLEAR)
            screen.flush()
