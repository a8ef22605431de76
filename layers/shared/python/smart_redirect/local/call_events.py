"""The call events of the local server: endpoints that fill the spool, and the task that empties it."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

from smart_redirect.bootstrap.call_events import event_endpoints, open_delivery
from smart_redirect.local.background import running
from smart_redirect.local.event_consumer import ConsumerState, EventConsumer
from smart_redirect.local.paths import within_checkout
from smart_redirect.local.spool import Spool
from smart_redirect.settings import Settings
from smart_redirect.web.callevent import CallEvents, Refused


@dataclass(frozen=True, slots=True)
class LocalEvents:
    """What the server mounts, by path, and what its metrics show."""

    endpoints: dict[str, CallEvents]
    state: ConsumerState


@contextlib.asynccontextmanager
async def open_events(
    settings: Settings, refused: Refused, loopback_only: frozenset[bytes] = frozenset()
) -> AsyncIterator[LocalEvents]:
    """Yield the endpoints; on leaving, what is not recorded yet stays on disk."""
    spool = Spool(within_checkout(settings.data_dir) / "spool" / "events.sqlite")
    await spool.start()
    try:
        async with open_delivery(settings, loopback_only) as deliver:
            consumer = EventConsumer(spool, deliver)
            async with running(consumer.run()):
                endpoints = event_endpoints(settings, spool, refused)
                paths = {f"/api/callevent/{kind}": endpoint for kind, endpoint in endpoints.items()}
                yield LocalEvents(paths, consumer.state)
    finally:
        await spool.stop()
