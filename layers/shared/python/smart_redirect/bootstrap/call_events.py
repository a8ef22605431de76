"""Puts the recording of call events together, for the local server and for the function behind the queue."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from smart_redirect.adapters.postgres.history import PostgresLedger
from smart_redirect.adapters.postgres.pool import RenewedUrl, open_pool
from smart_redirect.domain.event import EventKind
from smart_redirect.domain.phone import normalise
from smart_redirect.settings import Settings
from smart_redirect.usecases.accept_event import AcceptEvent
from smart_redirect.usecases.deliver_events import DeliverEvents
from smart_redirect.usecases.ports_events import EventQueue
from smart_redirect.usecases.record_event import RecordEvent
from smart_redirect.web.address import is_loopback
from smart_redirect.web.callevent import CallEvents, Refused

_AT_ONCE = 3


@asynccontextmanager
async def open_delivery(
    settings: Settings, loopback_only: frozenset[bytes] = frozenset(), renewed: RenewedUrl | None = None
) -> AsyncIterator[DeliverEvents]:
    """Yield what records events, on a small pool of its own; it connects when the first event comes.

    `loopback_only` are token hashes that count from this machine only.
    """

    def believes(token_hash: bytes, address: str) -> bool:
        return token_hash not in loopback_only or is_loopback(address)

    statements = settings.statement_cache
    pool = await open_pool(settings.database_url, size=_AT_ONCE, statement_cache=statements, renewed=renewed)
    try:
        ledger = PostgresLedger(pool)
        yield DeliverEvents(RecordEvent(ledger, normalise, believes), ledger, _AT_ONCE)
    finally:
        pool.terminate()


def event_endpoints(settings: Settings, queue: EventQueue, refused: Refused) -> dict[EventKind, CallEvents]:
    """Return the endpoint of each kind of event."""
    accept = AcceptEvent(queue, settings.key_bytes)
    trusted = settings.listed(settings.trusted_proxies)
    return {kind: CallEvents(kind, accept, trusted, refused) for kind in EventKind}
