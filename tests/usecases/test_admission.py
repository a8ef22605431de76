"""Who may ask: token, source address, rate; and how the asking host is told."""

import pytest

from smart_redirect.domain.enterprise import Host
from smart_redirect.domain.token import token_hash
from smart_redirect.errors import AddressRefused, TokenMissing, TokenUnknown, TooManyRequests
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


async def test_failed_attempts_are_limited_per_address_and_known_tokens_are_not() -> None:
    desk = Desk(failures_per_minute=5)
    await desk.ask(address="192.0.2.1")
    for number in range(5):
        with pytest.raises(TokenUnknown):
            await desk.ask(token=f"guess{number}", address="192.0.2.1")
    with pytest.raises(TooManyRequests):
        await desk.ask(token="guess", address="192.0.2.1")
    assert (await desk.ask(address="192.0.2.1")).context is not None
    with pytest.raises(TokenUnknown):
        await desk.ask(token="guess", address="192.0.2.2")
    desk.now += 60
    with pytest.raises(TokenUnknown):
        await desk.ask(token="another", address="192.0.2.1")


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
