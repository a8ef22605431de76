"""The second attempt at a read, begun on a new connection beside a kept one that takes more than half of the time."""

import asyncio
from typing import Any

from smart_redirect.adapters.postgres.deadlines import Guard, cut
from smart_redirect.adapters.postgres.losses import type_of_loss

Second = asyncio.Task[list[Any]]


def cut_first(guard: Guard, second: Second) -> None:
    """Wake the reader, who waits on his first connection, when the second has his answer."""
    if not second.cancelled() and second.exception() is None and guard.connection is not None:
        cut(guard.connection)


async def of_second(second: Second | None, error: BaseException) -> list[Any]:
    """Return what a second attempt brings, if there is one and the first was only lost; else raise its error."""
    if second is None:
        raise error
    if not isinstance(error, type_of_loss):
        second.cancel()
        raise error
    return await second
