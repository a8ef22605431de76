"""The call events of the local server: endpoints that fill the spool, and the task that empties it."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass

from smart_redirect.bootstrap.call_events import event_endpoints, open_delivery
from smart_redirect.errors import QueueUnavailable
from smart_redirect.local.background import running
from smart_redirect.local.event_consumer import ConsumerState, EventConsumer
from smart_redirect.local.paths import within_checkout
from smart_redirect.local.spool import Spool
from smart_redirect.settings import Settings
from smart_redirect.web.callevent import CallEvents, Refused

logger = logging.getLogger(__name__)
_MAY_WAIT = 60.0
_TRY_AGAIN = 1.0


@dataclass(frozen=True, slots=True)
class LocalEvents:
    """What the server mounts, by path, and what its metrics show."""

    endpoints: dict[str, CallEvents]
    state: ConsumerState
    spool: Spool

    @property
    def healthy(self) -> bool:
        """Whether events are taken, and none waits for long: that would mean that nobody records them."""
        return self.spool.is_open and self.state.oldest_age < _MAY_WAIT


@contextlib.asynccontextmanager
async def open_events(
    settings: Settings, refused: Refused, loopback_only: frozenset[bytes] = frozenset()
) -> AsyncIterator[LocalEvents]:
    """Yield the endpoints; on leaving, what is not recorded yet stays on disk.

    A spool that cannot be opened costs the call path nothing: events are answered 503, hosts keep them, and the
    spool is tried again until it opens.
    """
    spool = Spool(within_checkout(settings.data_dir) / "spool" / "events.sqlite")
    told = await _try_to_open(spool)
    try:
        async with open_delivery(settings, loopback_only) as deliver, running(_keep_open(spool, told)):
            consumer = EventConsumer(spool, deliver)
            async with running(consumer.run()):
                endpoints = event_endpoints(settings, spool, refused)
                paths = {f"/api/callevent/{kind}": endpoint for kind, endpoint in endpoints.items()}
                yield LocalEvents(paths, consumer.state, spool)
    finally:
        await spool.stop()


async def _keep_open(spool: Spool, told: str) -> None:
    """Open the spool again whenever it is closed: the disk was full at the start, or the file broke since."""
    while True:
        await asyncio.sleep(_TRY_AGAIN)
        if not spool.is_open:
            told = await _try_to_open(spool, told)


async def _try_to_open(spool: Spool, told: str = "") -> str:
    """Return why it cannot be opened, which is logged unless it was `told` before; nothing when it is open."""
    try:
        await spool.start()
    except QueueUnavailable as error:
        if str(error) != told:
            logger.warning("the event spool cannot be opened: %s; events are refused until it can", error)
        return str(error)
    if told:
        logger.warning("the event spool is open again")
    return ""
