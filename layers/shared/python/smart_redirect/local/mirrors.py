"""Keeps the mirrors of CRMs on one machine: what is due is synced within seconds, each turn beside the one before."""

import asyncio
import logging
import time

from smart_redirect.errors import Unavailable
from smart_redirect.usecases.warm import Warm

logger = logging.getLogger(__name__)
# As on Lambda: a bulk walk stops after its turn and goes on with the next.
_TURN = 50.0
_MOST_TURNS = 10


async def sync_on(warm: Warm, every: float = 5.0) -> None:
    """Begin a turn every so many seconds; one that takes longer does not keep the next from those that are due."""
    turns: set[asyncio.Task[None]] = set()
    try:
        while True:
            turns = {turn for turn in turns if not turn.done()}
            if len(turns) < _MOST_TURNS:
                turns.add(asyncio.create_task(_turn(warm, time.monotonic() + _TURN)))
            await asyncio.sleep(every)
    finally:
        for turn in turns:
            turn.cancel()
        await asyncio.gather(*turns, return_exceptions=True)


async def _turn(warm: Warm, until: float) -> None:
    try:
        await warm(lambda: time.monotonic() < until)
    except (Unavailable, TimeoutError) as error:
        logger.warning("the mirrors of CRMs wait: %s", error)
    except Exception:
        logger.exception("the mirrors of CRMs wait")
