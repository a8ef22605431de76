"""Who may ask: token, source address, rate; and how the asking host is told."""

import asyncio

import pytest

from smart_redirect.domain.enterprise import Host
from smart_redirect.domain.token import token_hash
from smart_redirect.errors import (
    AddressRefused,
    DatabaseUnavailable,
    RequestRefused,
    TokenMissing,
    TokenUnknown,
    TooManyRequests,
)
from smart_redirect.usecases.admission import Admission
from smart_redirect.web.address import is_within
from tests.domain.routing_table import POOL
from tests.usecases.desk import KEY, TOKEN, Desk, enterprise

MINSK = Host(1, "minsk", ("192.0.2.0/24",), loaded=POOL)
BREST = Host(2, "brest", ("198.51.100.7/32",), loaded=POOL)
OPEN = Host(3, "open", loaded=POOL)


def desk_with(*hosts: Host, **changed: object) -> Desk:
    return Desk(enterprise(hosts={host.id: host for host in hosts}, **changed))


async def admitted_host(desk: Desk, address: str, token: str = TOKEN) -> Host | None:
    return (await desk.admit(token, address, desk.now + 1)).host


@pytest.mark.parametrize(
    ("hosts", "address", "host"),
    [
        ((MINSK, BREST), "192.0.2.9", MINSK),
        ((MINSK, BREST), "198.51.100.7", BREST),
        ((MINSK, OPEN), "203.0.113.1", None),
        ((OPEN,), "203.0.113.1", OPEN),
        ((), "203.0.113.1", None),
    ],
)
async def test_a_shared_token_tells_the_host_by_its_address(
    hosts: tuple[Host, ...], address: str, host: Host | None
) -> None:
    assert await admitted_host(desk_with(*hosts), address) == host


async def test_a_token_of_its_own_names_the_host() -> None:
    desk = desk_with(OPEN, Host(4, "other"), tokens={token_hash(KEY, "own"): 4})
    assert await admitted_host(desk, "203.0.113.1", "own") == Host(4, "other")


async def test_every_good_token_is_hashed_once_and_no_other_is_kept() -> None:
    desk = desk_with(OPEN, tokens={token_hash(KEY, TOKEN): None, token_hash(KEY, "own"): 3})
    for token in (TOKEN, "own", TOKEN, "own"):
        await admitted_host(desk, "203.0.113.1", token)
    with pytest.raises(TokenUnknown):
        await admitted_host(desk, "203.0.113.1", "nobody")
    assert set(desk.admit._hashes) == {TOKEN, "own"}


@pytest.mark.parametrize("address", ["203.0.113.1", "", "nonsense"])
async def test_an_address_outside_every_list_is_refused(address: str) -> None:
    with pytest.raises(AddressRefused):
        await admitted_host(desk_with(MINSK, BREST), address)


async def test_a_host_with_a_token_of_its_own_is_held_to_its_own_list() -> None:
    desk = desk_with(MINSK, OPEN, tokens={token_hash(KEY, "own"): 1})
    with pytest.raises(AddressRefused):
        await admitted_host(desk, "203.0.113.1", "own")


async def test_a_missing_and_an_unknown_token_are_refused() -> None:
    desk = Desk()
    with pytest.raises(TokenMissing):
        await desk.ask(token="")
    with pytest.raises(TokenUnknown):
        await desk.ask(token="guess")


async def test_an_unknown_token_is_looked_up_once_in_a_while() -> None:
    desk = Desk()
    for _ in range(3):
        with pytest.raises(TokenUnknown):
            await desk.ask(token="guess")
    assert desk.database.reads == 1
    desk.now += 6
    with pytest.raises(TokenUnknown):
        await desk.ask(token="guess")
    assert desk.database.reads == 2


async def refusals_of(desk: Desk, *tokens: str, address: str = "192.0.2.1") -> list[type[Exception]]:
    """Return what each request with these tokens was refused with."""
    seen: list[type[Exception]] = []
    for token in tokens:
        with pytest.raises(RequestRefused) as refused:
            await desk.ask(token=token, address=address)
        seen.append(refused.type)
    return seen


async def test_guesses_are_limited_per_address_and_known_tokens_are_not() -> None:
    desk = Desk(failures_per_minute=5)
    await desk.ask()
    guesses = [f"guess{number}" for number in range(6)]
    assert await refusals_of(desk, *guesses) == [*[TokenUnknown] * 5, TooManyRequests]
    assert (await desk.ask()).context is not None
    assert await refusals_of(desk, "guess", address="192.0.2.2") == [TokenUnknown]
    desk.now += 60
    assert await refusals_of(desk, "another") == [TokenUnknown]


async def test_a_guess_over_the_limit_costs_no_look_up() -> None:
    desk = Desk(failures_per_minute=5)
    await refusals_of(desk, *[f"guess{number}" for number in range(100)])
    assert desk.database.reads == 5


async def test_guesses_at_once_are_no_more_than_one_after_another() -> None:
    desk = Desk(failures_per_minute=5)
    guesses = [refusals_of(desk, f"guess{number}") for number in range(100)]
    assert (await asyncio.gather(*guesses)).count([TokenUnknown]) == 5
    assert desk.database.reads == 5


async def test_calls_at_once_with_a_good_token_that_memory_lacks_are_no_guesses() -> None:
    desk = Desk(enterprise(requests_per_second=100), failures_per_minute=1)
    decisions = await asyncio.gather(*[desk.ask() for _ in range(100)])
    assert all(decision.context for decision in decisions)
    desk.snapshots.drop(1)
    await desk.ask()


async def test_a_look_up_that_failed_is_no_guess() -> None:
    desk = Desk(failures_per_minute=1)
    desk.database.down = True
    for _ in range(3):
        with pytest.raises(DatabaseUnavailable):
            await desk.ask()


@pytest.mark.parametrize("token", ["mistyped", ""])
async def test_who_repeats_one_bad_token_keeps_no_good_one_behind_the_same_address_out(token: str) -> None:
    desk = Desk(failures_per_minute=5)
    for _ in range(600):
        await refusals_of(desk, token)
        desk.now += 1 / 3
    assert (await desk.ask()).context is not None


async def test_repeats_of_a_bad_token_are_limited_by_themselves() -> None:
    desk = Desk(failures_per_minute=5)
    answered = [TokenMissing, TokenUnknown] * 3
    assert await refusals_of(desk, *["", "mistyped"] * 4) == [*answered, TooManyRequests, TooManyRequests]


async def test_looking_up_a_known_bad_token_again_counts_for_a_tenth() -> None:
    desk = Desk(failures_per_minute=2)
    for _ in range(20):
        assert await refusals_of(desk, "mistyped") == [TokenUnknown]
        desk.now += 6
    assert desk.database.reads == 20


async def test_the_demo_token_from_elsewhere_is_no_guess() -> None:
    desk = Desk(failures_per_minute=1)
    demo = token_hash(KEY, "demo")
    desk.admit = Admission(KEY, desk.snapshots, is_within, 1, loopback_only=frozenset({demo}))
    assert await refusals_of(desk, "demo", "demo") == [TokenUnknown, TooManyRequests]
    assert (await desk.ask()).context is not None


async def test_a_token_may_ask_so_often_and_again_after_a_second() -> None:
    tokens = {token_hash(KEY, TOKEN): None, token_hash(KEY, "other"): None}
    desk = Desk(enterprise(requests_per_second=5, tokens=tokens))
    for _ in range(10):
        await desk.ask()
    with pytest.raises(TooManyRequests):
        await desk.ask()
    await desk.ask(token="other")
    desk.now += 1
    await desk.ask()


async def test_a_token_that_everybody_knows_counts_from_this_machine_only() -> None:
    desk = Desk()
    admit = Admission(KEY, desk.snapshots, is_within, loopback_only=frozenset({token_hash(KEY, TOKEN)}))
    assert (await admit(TOKEN, "127.0.0.1", desk.now + 1)).host is not None
    with pytest.raises(TokenUnknown):
        await admit(TOKEN, "192.0.2.1", desk.now + 1)
