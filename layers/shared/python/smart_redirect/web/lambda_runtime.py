"""Runs an ASGI endpoint on Lambda: one event loop a process, everything opened on the first event and kept."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

from mangum import Mangum

from smart_redirect.web.process import Opening

Opener = Callable[[], AbstractAsyncContextManager[Any]]


class LambdaRuntime:
    """The handler of a function; making one does nothing, so that importing the function does nothing.

    What `opener` yields is an ASGI application. Mangum would take a loop at import and run a lifespan on every
    event (facts in STYLE); here the loop and the application live as long as the process.
    """

    def __init__(self, opener: Opener) -> None:
        self._opening = Opening(opener)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._mangum: Mangum | None = None
        self.application: Any = None

    def __call__(self, event: dict[str, Any], context: Any) -> dict[str, Any]:
        """Answer one API Gateway event (REST or HTTP API payload)."""
        self.prepare()
        if self._mangum is None:
            raise RuntimeError("prepare() has opened the application")
        return self._mangum(without_base_path(event), context)

    def prepare(self, seconds: float | None = None) -> Any:
        """Open the application, unless it is open, and return it; may be called in Lambda's init phase.

        NotOpened when that takes longer; it goes on with the next event.
        """
        loop = self.loop()
        if self._mangum is None:
            # It would write each path into the function's log: secrets of webhooks and phones are in some of them.
            logging.getLogger("mangum.http").setLevel(logging.WARNING)
            self.application = loop.run_until_complete(self._opening(seconds))
            self._mangum = Mangum(self.application, lifespan="off")
        return self.application

    def close(self) -> None:
        """Close what was opened, as a process that Lambda kills never does: for tests and local runs."""
        if self._loop is None:
            return
        self.reopen()
        self._loop.close()
        asyncio.set_event_loop(None)
        self._loop = None

    def reopen(self) -> None:
        """Close the application; the next event opens it anew."""
        self.loop().run_until_complete(self._opening.close())
        self._mangum, self.application = None, None

    def loop(self) -> asyncio.AbstractEventLoop:
        """Return the process's loop, set as the current one."""
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
        asyncio.set_event_loop(self._loop)
        return self._loop


def without_base_path(event: dict[str, Any]) -> dict[str, Any]:
    """Return a REST API's event with the path that its route names: a domain's base path stands before it."""
    route: str = event.get("resource", "")
    if not route or route == event["path"] or "+}" in route:
        return event
    segments = event["path"].split("/")[-route.count("/") :]
    return {**event, "path": f"/{'/'.join(segments)}"}
