"""The sums of a mirror give way to calls: counted in phones, because time depends on the machine."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator

import pytest

from smart_redirect.domain import crm_mirror
from smart_redirect.domain.crm import Found, Person
from smart_redirect.usecases.in_slices import SLICE, Folding, owners_of

FOREIGN = "+44 20 7946 {:04}"
# A slice ends behind the person with whom it is full.
MOST = SLICE + crm_mirror.MOST_PHONES - 1


class Phones(tuple[str, ...]):
    """Phones of a person, which count how many of them were read for good since the loop went round."""

    read = 0

    def __getitem__(self, place: object) -> object:
        return _Counted(super().__getitem__(place))  # type: ignore[index]


class _Counted(tuple[str, ...]):
    def __iter__(self) -> Iterator[str]:
        for each in super().__iter__():
            Phones.read += 1
            yield each


def people(count: int, phones: int) -> tuple[Person, ...]:
    return tuple(
        Person(str(number), "x", Phones(FOREIGN.format(place) for place in range(phones))) for number in range(count)
    )


async def most_between_two_turns(*works: Awaitable[object]) -> int:
    """Return how many phones were read at most while the loop went round once."""
    most, tasks = 0, [asyncio.ensure_future(each) for each in works]
    while not all(task.done() for task in tasks):
        Phones.read = 0
        await asyncio.sleep(0)
        most = max(most, Phones.read)
    await asyncio.gather(*tasks)
    return most


@pytest.mark.parametrize(("count", "phones"), [(200, 1), (40, 10), (20, 50), (1, 2000)])
async def test_a_page_is_folded_in_slices(count: int, phones: int) -> None:
    assert 0 < await most_between_two_turns(Folding()(people(count, phones), "BY")) <= MOST


async def test_many_pages_at_once_have_one_slice_a_turn_in_all() -> None:
    fold = Folding()
    assert 0 < await most_between_two_turns(*(fold(people(20, 10), "BY") for _ in range(8))) <= MOST


async def test_the_owners_of_a_phone_are_found_in_slices() -> None:
    # Each phone is read twice: its end is compared, and then all of it is.
    found = Found(people(300, 10))
    assert 0 < await most_between_two_turns(owners_of(found, "BY", "+442079460003")) <= 2 * MOST


async def test_slices_change_nothing_of_the_result() -> None:
    fold = await Folding()(people(57, 3), "BY")
    assert [each.external_id for each in fold.owners] == [str(number) for number in range(57)]
    assert {each.phones for each in fold.owners} == {("+442079460000", "+442079460001", "+442079460002")}


@pytest.mark.parametrize("work", [lambda: Folding()((), "BY"), lambda: owners_of(Found(), "BY", "+442079460003")])
async def test_nothing_to_do_is_done(work: Callable[[], Awaitable[object]]) -> None:
    assert await work() in (crm_mirror.Fold(), [])
