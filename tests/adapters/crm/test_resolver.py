"""Names are resolved apart from each other: one that hangs holds up nobody else, and each is asked about once."""

import asyncio
from collections.abc import Iterator, Sequence
from threading import Event

import pytest

from smart_redirect.adapters.crm.resolver import Resolver


class Names:
    """The system's look-up, which hangs for some names."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.let_go = Event()

    def __call__(self, host: str, _: int) -> Sequence[str]:
        self.asked.append(host)
        if host.startswith("hangs"):
            self.let_go.wait(30)
        if host.startswith("unknown"):
            raise OSError("no such name")
        return ("203.0.113.7",)


@pytest.fixture
def names() -> Iterator[Names]:
    names = Names()
    yield names
    names.let_go.set()


async def test_names_that_hang_do_not_hold_up_others(names: Names) -> None:
    resolver = Resolver(names)
    for number in range(20):
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(resolver(f"hangs{number}", 443), 0.001)
    assert await asyncio.wait_for(resolver("crm", 443), 5) == ("203.0.113.7",)


async def test_a_name_that_hangs_is_asked_about_once_and_answers_all_who_wait(names: Names) -> None:
    resolver = Resolver(names)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(resolver("hangs", 443), 0.001)
    waiting = [asyncio.create_task(resolver("hangs", 443)) for _ in range(5)]
    await asyncio.sleep(0)
    names.let_go.set()
    assert set(await asyncio.gather(*waiting)) == {("203.0.113.7",)}
    assert names.asked == ["hangs"]


async def test_what_was_found_is_kept_for_half_a_minute_and_what_was_not_for_less(names: Names) -> None:
    now = [0.0]
    resolver = Resolver(names, lambda: now[0])
    for seconds in (0.0, 4.0, 6.0, 29.0, 31.0):
        now[0] = seconds
        await resolver("crm", 443)
        with pytest.raises(OSError, match="name"):
            await resolver("unknown", 443)
    assert [names.asked.count(each) for each in ("crm", "unknown")] == [2, 3]


async def test_a_name_that_is_none_is_not_known() -> None:
    with pytest.raises(OSError, match="name is none"):
        await Resolver()("a" * 70 + ".example", 443)
