"""The schedule of the mirrors: every connection whose time has come is synced beside the others, each for itself."""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict

from smart_redirect.errors import DatabaseUnavailable
from smart_redirect.usecases.ports_mirror import Key, Mirror
from smart_redirect.usecases.sync_crm import Outcome, SyncCrm

logger = logging.getLogger(__name__)
_MOST = 500
# They wait for CRMs, not for us: so many may hang without a turn lost for the others.
_AT_ONCE = 64


class Warm:
    """One turn of the schedule; two at once share the work by the leases."""

    def __init__(self, mirror: Mirror, sync: SyncCrm, at_once: int = _AT_ONCE) -> None:
        self._mirror = mirror
        self._sync = sync
        self._at_once = at_once

    async def __call__(self, may_go_on: Callable[[], bool] = lambda: True) -> Mapping[Outcome, int]:
        """Sync what is due and say how many runs ended how; DatabaseUnavailable when nothing can be begun."""
        await self._mirror.tidy()
        places = asyncio.Semaphore(self._at_once)

        async def sync(key: Key) -> Outcome:
            async with places:
                return await self._one(key, may_go_on) if may_go_on() else Outcome.PAUSED

        return Counter(await asyncio.gather(*map(sync, await self._mirror.due(_MOST))))

    async def _one(self, key: Key, may_go_on: Callable[[], bool]) -> Outcome:
        try:
            return await self._sync(key, may_go_on)
        except DatabaseUnavailable as error:
            logger.warning("connection %s was not synced: no database (%s)", key, error, extra=asdict(key))
        except Exception as error:
            # Without its text and traceback: they may hold a secret.
            logger.error("connection %s: %s", key, type(error).__name__, extra=asdict(key))  # noqa: TRY400
        return Outcome.FAILED
