"""Builds what changed within a second or two, whoever wrote it, and says once when it cannot."""

import asyncio
import logging

from smart_redirect.errors import Unavailable
from smart_redirect.usecases.regenerate import Regenerate

logger = logging.getLogger(__name__)
_MOST = 100


async def sweep_on(regenerate: Regenerate, every: float = 1.0, when_away: float = 5.0) -> None:
    """Sweep for ever, `every` so many seconds; less often while the database is away."""
    away = False
    while True:
        try:
            await regenerate.sweep(_MOST)
        except Unavailable as error:
            if not away:
                logger.warning("changes of dialplans wait: %s", error)
            away = True
        except Exception:
            logger.exception("changes of dialplans wait")
            away = True
        else:
            away = False
        await asyncio.sleep(when_away if away else every)
