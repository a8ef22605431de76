"""A call path in memory on a clock that the test moves: no database, no network, no waiting."""

import asyncio
from dataclasses import replace

from smart_redirect.adapters.memory import MemoryDatabase, MemoryLog
from smart_redirect.domain.call import CallRequest
from smart_redirect.domain.decision import Decision
from smart_redirect.domain.enterprise import Enterprise
from smart_redirect.domain.phone import normalise
from smart_redirect.domain.token import token_hash
from smart_redirect.usecases.admission import Admission
from smart_redirect.usecases.facts_cache import FactsCache
from smart_redirect.usecases.route_call import Asked, RouteCall
from smart_redirect.usecases.snapshots import Snapshots
from smart_redirect.web.address import is_within
from tests.domain.routing_table import base

KEY = b"k" * 32
TOKEN = "office"
CALLER = "+375291112233"
QUESTION = CallRequest("1795417798.0", "80291112233", "0001363", load_dialplan=True)


def enterprise(**changed: object) -> Enterprise:
    """Return the base case of docs/routing.md with a token."""
    tokens = {token_hash(KEY, TOKEN): None}
    values: dict[str, object] = {"tokens": tokens, "version": 1, **changed}
    return replace(base().enterprise, **values)  # type: ignore[arg-type]


class Desk:
    """The use cases of the call path around a database in memory."""

    def __init__(self, *enterprises: Enterprise, failures_per_minute: int = 60) -> None:
        self.now = 1000.0
        self.database = MemoryDatabase(*(enterprises or (enterprise(),)))
        self.database.facts[1, CALLER] = base().facts
        self.log = MemoryLog()
        self.snapshots = Snapshots(self.database, self.clock)
        self.cache = FactsCache(self.clock)
        self.admit = Admission(KEY, self.snapshots, is_within, failures_per_minute)
        self.route = RouteCall(self.snapshots, self.database, self.cache, self.log, normalise)

    def clock(self) -> float:
        """Return the time of the desk."""
        return self.now

    async def ask(self, request: CallRequest = QUESTION, *, token: str = TOKEN, address: str = "192.0.2.1") -> Decision:
        """Admit and decide one call."""
        admitted = await self.admit(token, address, self.now + 0.3)
        return await self.route(
            Asked(
                request,
                admitted.host,
                admitted.held,
                admitted.token_hash,
                started=self.now,
                read_at=self.now,
                deadline=self.now + 0.3,
            )
        )


class LoopDesk(Desk):
    """A desk on the loop's own clock, as the endpoint needs it: it reads bodies by the loop and decides by the desk."""

    def clock(self) -> float:
        """Return the loop's time."""
        return asyncio.get_running_loop().time()
