"""What one long page of a CRM costs the calls beside it: how long the event loop stands still, part by part."""

import asyncio
import json
import statistics
import time
from collections import deque
from collections.abc import Awaitable, Callable
from itertools import pairwise

from smart_redirect.adapters.crm.bounds import in_turns
from smart_redirect.adapters.crm.generic_people import Fields, read_fields
from smart_redirect.adapters.crm.json_values import Json, read_json
from smart_redirect.domain.crm import Person
from smart_redirect.domain.crm_mirror import folding
from smart_redirect.domain.phone import normalise
from smart_redirect.usecases.in_slices import Folding
from tests.load.size import Size

_SETTINGS = {"id_path": "id", "name_path": "name", "phones_path": "phones[*]"}
# People and phones of each: 1 MB is the most that is read.
_PAGES = ((2000, 20), (900, 50), (14_000, 1))
_SMALL = ((20, 20), (9, 50), (140, 1))


def _page(people: int, phones: int) -> bytes:
    """Return a page of numbers from abroad, the slowest to read."""
    rows = (
        {
            "id": number,
            "name": "Anna",
            "phones": [f"+44 20 {7900 + place} {number % 10000:04}" for place in range(phones)],
        }
        for number in range(people)
    )
    return json.dumps(list(rows)).encode()


async def longest(work: Callable[[], Awaitable[object]]) -> float:
    """Return the most milliseconds of processor time between two turns of the loop while some work is done."""
    turns: list[float] = []
    task = asyncio.ensure_future(_begun(work))
    while not task.done():
        turns.append(time.thread_time())
        await asyncio.sleep(0)
    turns.append(time.thread_time())
    await task
    return max(after - before for before, after in pairwise(turns)) * 1000


async def _begun(work: Callable[[], Awaitable[object]]) -> None:
    await work()


async def _whole(rows: list[Json], fields: Fields) -> list[Person]:
    return [_read(fields, row) for row in rows]


async def _folded(people: tuple[Person, ...]) -> None:
    deque(folding(people, "BY"), maxlen=0)


def _read(fields: Fields, row: Json) -> Person:
    return fields.person(row, row["id"].text)


async def _parts(body: bytes) -> list[tuple[float, float]]:
    """Return the longest stop for each part, in one piece and as it is done."""
    fields, fold = read_fields(_SETTINGS), Folding()
    rows = list(read_json(body))
    people = await in_turns(lambda row: _read(fields, row), rows)
    parsed = await longest(lambda: asyncio.sleep(0, read_json(body)))
    return [
        (parsed, parsed),
        (
            await longest(lambda: _whole(rows, fields)),
            await longest(lambda: in_turns(lambda row: _read(fields, row), rows)),
        ),
        (await longest(lambda: _folded(people)), await longest(lambda: fold(people, "BY"))),
    ]


def run(size: Size = Size.WHOLE) -> None:
    """Print the longest stop of the loop for each part of each page, the median of some runs."""
    normalise("+442079001234", "BY")
    print("| page | part | in one piece, ms | as it is done, ms | ratio |\n|---|---|---|---|---|")
    for people, phones in size.of(_PAGES, _PAGES, _SMALL):
        body = _page(people, phones)
        runs = [asyncio.run(_parts(body)) for _ in range(size.of(9, 3, 1))]
        for place, part in enumerate(("JSON", "rows to people", "phones to E.164")):
            whole, sliced = (statistics.median(each[place][side] for each in runs) for side in (0, 1))
            shown = f"{people:,} × {phones} phones, {len(body) // 1000} kB | {part}"
            print(f"| {shown} | {whole:.1f} | {sliced:.1f} | {whole / sliced:.0f} |", flush=True)
