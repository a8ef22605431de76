"""Keeps environments of the call path warm: several invocations at once, so that each takes one of its own."""

import asyncio
import logging
from dataclasses import dataclass

from smart_redirect.errors import DatabaseUnavailable, FunctionUnavailable
from smart_redirect.usecases.ports_warm import CallFunction, RecentCallers, Warmed

logger = logging.getLogger(__name__)
# Snapshots of few enterprises are most of the calls; an event has to be done before a caller needs its environment.
_SNAPSHOTS = 20


@dataclass(frozen=True, slots=True)
class Environments:
    """How many different environments were reached, were ready, and had to be started."""

    reached: int
    ready: int
    started: int


class WarmEnvironments:
    """One round of warm-up invocations; with a count of 0 there is none."""

    def __init__(self, function: CallFunction, recent: RecentCallers, count: int) -> None:
        self._function = function
        self._recent = recent
        self._count = count

    async def __call__(self) -> Environments:
        """Warm the environments and say what was found; never raises, because calls do without it."""
        if not self._count:
            return Environments(0, 0, 0)
        enterprise_ids = await self._enterprises()
        invoked = (self._function.warm(enterprise_ids) for _ in range(self._count))
        answers = await asyncio.gather(*invoked, return_exceptions=True)
        warmed = [each for each in answers if isinstance(each, Warmed)]
        self._tell([each for each in answers if isinstance(each, BaseException)])
        # One that was met twice was cold the first time only.
        ready = {each.environment for each in warmed if each.is_ready}
        return Environments(
            len({each.environment for each in warmed}), len(ready), sum(each.was_cold for each in warmed)
        )

    async def _enterprises(self) -> tuple[int, ...]:
        try:
            return tuple(await self._recent.enterprises(_SNAPSHOTS))
        except DatabaseUnavailable as error:
            # Its environments can be started all the same: they read their snapshots with their first calls.
            logger.warning("nobody knows who called lately: %s", error)
            return ()

    def _tell(self, errors: list[BaseException]) -> None:
        for error in errors:
            if not isinstance(error, Exception):
                raise error
        if errors:
            kinds = sorted(
                {str(each) if isinstance(each, FunctionUnavailable) else type(each).__name__ for each in errors}
            )
            logger.warning("%d of %d warm-up invocations failed: %s", len(errors), self._count, ", ".join(kinds))
