"""Delivering what a queue holds: each call is recorded by itself, so that no event blocks another call's."""

import asyncio
import logging
from collections.abc import Sequence
from enum import StrEnum

from smart_redirect.domain.event import ReceivedEvent
from smart_redirect.errors import DatabaseUnavailable, RequestRefused
from smart_redirect.usecases.ports_events import Ledger
from smart_redirect.usecases.record_event import RecordEvent

logger = logging.getLogger(__name__)
_ENOUGH = 8
Group = list[tuple[int, ReceivedEvent]]


class Outcome(StrEnum):
    """What became of a message; one that is kept must be delivered again."""

    RECORDED = "recorded"
    BURIED = "buried"
    KEPT = "kept"


class DeliverEvents:
    """Records a batch of messages; what can never be recorded is buried where an operator finds it."""

    def __init__(self, record: RecordEvent, ledger: Ledger, at_once: int = 4) -> None:
        self._record = record
        self._ledger = ledger
        self._at_once = at_once

    async def __call__(self, messages: Sequence[str]) -> list[Outcome]:
        """Return what became of each message, in their order; never raises."""
        outcomes: dict[int, Outcome] = {}
        tried: list[set[Outcome]] = []
        gate = asyncio.Semaphore(self._at_once)

        async def deliver(group: Group) -> None:
            async with gate:
                if not _is_away(tried):
                    found = await self._one_call(group, messages)
                    tried.append(set(found.values()))
                    outcomes.update(found)

        groups, unreadable = _grouped(messages)
        await asyncio.gather(*(deliver(group) for group in groups))
        for place in unreadable:
            outcomes[place] = await self.bury(messages[place], "unreadable")
        return [outcomes.get(place, Outcome.KEPT) for place in range(len(messages))]

    async def _one_call(self, group: Group, messages: Sequence[str]) -> dict[int, Outcome]:
        """Record the events of a call at once; if one of them is at fault, each by itself."""
        places = [place for place, _ in group]
        found = await self._outcome_of([event for _, event in group])
        if isinstance(found, Outcome):
            return dict.fromkeys(places, found)
        if len(group) == 1:
            return {places[0]: await self.bury(messages[places[0]], found)}
        return {place: each for single in group for place, each in (await self._one_call([single], messages)).items()}

    async def _outcome_of(self, events: Sequence[ReceivedEvent]) -> Outcome | str:
        """Return what became of the events, or the reason why they can not be recorded."""
        try:
            await self._record(events)
        except DatabaseUnavailable as error:
            logger.warning("call events wait for the database: %s", error)
            return Outcome.KEPT
        except RequestRefused as error:
            return f"{type(error).__name__}: {error}"
        except Exception as error:
            # The text of an error may quote the caller's number: it goes to the table, not to the log.
            about = {"unique_id": events[0].unique_id}
            logger.warning("an event can not be recorded: %s", type(error).__name__, extra=about)
            return f"{type(error).__name__}: {error}"
        return Outcome.RECORDED

    async def bury(self, message: str, reason: str) -> Outcome:
        """Give a message up, unless that is impossible now."""
        try:
            await self._ledger.bury(message, reason)
        except DatabaseUnavailable:
            return Outcome.KEPT
        logger.warning("an event was moved to dead_events: %s", reason.partition(":")[0])
        return Outcome.BURIED


def _is_away(tried: Sequence[set[Outcome]]) -> bool:
    """Tell whether to stop trying: the first calls of a batch all failed, and each may have waited for seconds."""
    return len(tried) >= _ENOUGH and all(each == {Outcome.KEPT} for each in tried)


def _grouped(messages: Sequence[str]) -> tuple[list[Group], list[int]]:
    """Put the messages of one call together; also return the places of those that are no messages."""
    groups: dict[tuple[bytes, str, str], Group] = {}
    unreadable: list[int] = []
    for place, message in enumerate(messages):
        try:
            event = ReceivedEvent.of_message(message)
        except ValueError:
            unreadable.append(place)
        else:
            groups.setdefault((event.token_hash, event.unique_id, event.address), []).append((place, event))
    return list(groups.values()), unreadable
