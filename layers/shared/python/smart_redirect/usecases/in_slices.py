"""Does the long sums of a mirror in slices, so that no call beside them waits for more than one or two milliseconds."""

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

from smart_redirect.domain.crm import Change, Found
from smart_redirect.domain.crm_mirror import Fold, Owner, Steps, finding, folding

T = TypeVar("T")
# Phones: the slowest, those from abroad, take 0.1 ms each.
SLICE = 10


class Folding:
    """Folds pages one slice a turn of the loop, however many connections are synced at once."""

    def __init__(self) -> None:
        self._place = asyncio.Lock()

    async def __call__(self, changes: Iterable[Change], country: str) -> Fold:
        """Return what a page means for the mirror."""
        result: list[Fold] = []
        slices = _slices(folding(changes, country), result)
        while not result:
            async with self._place:
                await asyncio.sleep(0)
                next(slices, None)
        return result[0]


async def owners_of(found: Found, country: str, phone: str) -> Sequence[Owner]:
    """Return those who really have the phone (E.164); a call waits, so this waits for no page that is folded."""
    result: list[Sequence[Owner]] = []
    for _ in _slices(finding(found, country, phone), result):
        await asyncio.sleep(0)
    return result[0]


def _slices(work: Steps[T], result: list[T]) -> Iterator[None]:
    """Stop after each slice of the work, and put what it returns into `result`."""
    done = 0
    for cost in _run(work, result):
        done += cost
        if done >= SLICE:
            done = 0
            yield


def _run(work: Steps[T], result: list[T]) -> Iterator[int]:
    result.append((yield from work))
