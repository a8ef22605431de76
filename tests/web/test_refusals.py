"""Every call that is refused leaves a record: who asked, from where, for which line, why, and how long it took."""

import asyncio
from typing import Any

import pytest

from smart_redirect.adapters.decision_json import refusal_line
from smart_redirect.domain.enterprise import Host
from smart_redirect.domain.token import token_hash
from smart_redirect.usecases.admission import Admission
from smart_redirect.usecases.ports import Refusal
from smart_redirect.web.address import is_within
from tests.domain.routing_table import POOL
from tests.fakes.virtual_time import run_virtually
from tests.usecases.desk import KEY, TOKEN, Desk, LoopDesk, enterprise
from tests.web.test_getcustomerdata import BODY, INSIDE, OUTSIDE, endpoint_of, post

LISTED = Host(1, "minsk", (f"{INSIDE}/32",), loaded=POOL)
WITH = {"0": ((b"token", TOKEN.encode()),), "none": (), "bad": ((b"token", b"sesame"),)}


async def refused(desk: Desk, *, body: str = BODY, token: str = "0", **changed: Any) -> Refusal:
    """Send a request, which must be refused, and return its record; the database has been asked before."""
    await post(endpoint_of(desk), BODY.encode())
    await post(endpoint_of(desk), body.encode(), headers=WITH[token], **changed)
    (record,) = desk.log.refusals
    return record


def told(record: Refusal) -> tuple[object, ...]:
    number = record.enterprise.number if record.enterprise else None
    return record.reason, record.status, number, record.line_id, record.phone


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"address": OUTSIDE}, ("AddressRefused", 403, "0367", "0001363", "80291112233")),
        ({"token": "none"}, ("TokenMissing", 401, None, "0001363", "80291112233")),
        ({"token": "bad"}, ("TokenUnknown", 401, None, "0001363", "80291112233")),
        ({"method": "GET"}, ("MethodNotAllowed", 405, "0367", "text(0)", "")),
        ({"body": "x" * 20_000}, ("BodyTooLarge", 413, "0367", "text(0)", "")),
    ],
)
async def test_a_refusal_says_who_asked_for_what_and_why(changed: dict[str, Any], expected: tuple[object, ...]) -> None:
    record = await refused(LoopDesk(enterprise(hosts={1: LISTED})), **changed)
    assert (told(record), record.address) == (expected, changed.get("address", INSIDE))


async def test_the_host_of_a_token_of_its_own_is_told() -> None:
    tokens = {token_hash(KEY, TOKEN): 1}
    desk = LoopDesk(enterprise(hosts={1: LISTED, 2: Host(2, "brest")}, tokens=tokens))
    assert (await refused(desk, address=OUTSIDE)).host_id == 1


async def test_more_calls_than_allowed_are_told_with_their_enterprise() -> None:
    desk = LoopDesk(enterprise(requests_per_second=1))
    for _ in range(3):
        await post(endpoint_of(desk), BODY.encode())
    assert [told(each)[:3] for each in desk.log.refusals] == [("TooManyRequests", 429, "0367")]


async def test_a_comma_in_the_name_puts_no_number_into_the_record() -> None:
    body = BODY.replace("0001363", "80447654321")
    assert (await refused(LoopDesk(), body=body, token="none")).line_id == "80***4321"


@pytest.mark.parametrize("token", ["sesame", TOKEN])
async def test_no_token_is_in_a_line(token: str) -> None:
    desk = LoopDesk(enterprise(hosts={1: LISTED}))
    body = f'{{"Token":"{token}",{BODY[1:]}'.encode()
    for headers in ((), ((b"token", token.encode()),)):
        await post(endpoint_of(desk), body, headers=headers, address=OUTSIDE)
    assert len(desk.log.refusals) == 2
    assert not [each for each in desk.log.refusals if token in refusal_line(each, 1.0, full_phones=True)]


def test_a_cold_call_without_the_database_is_told_with_the_time_that_it_took() -> None:
    desk = LoopDesk()

    async def load(token_hash: bytes, deadline: float) -> None:
        await asyncio.sleep(60)

    desk.database.load = load  # type: ignore[method-assign]
    assert run_virtually(post(endpoint_of(desk), BODY.encode())).status == 503
    (record,) = desk.log.refusals
    assert (told(record)[:2], round(record.total_ms)) == (("DatabaseUnavailable", 503), 285)


async def test_strangers_write_a_line_a_second_and_what_is_left_out_is_counted() -> None:
    desk = Desk(failures_per_minute=10_000)
    endpoint = endpoint_of(desk)
    for _ in range(1000):
        await post(endpoint, BODY.encode(), headers=())
    desk.now += 1
    await post(endpoint, BODY.encode(), headers=())
    written = [each.left_out for each in desk.log.refusals if each.left_out is not None]
    assert (len(desk.log.refusals), written) == (1001, [*[0] * 50, 950])


async def test_strangers_push_no_refusal_of_an_enterprise_out_of_the_log() -> None:
    desk = LoopDesk(enterprise(hosts={1: LISTED}))
    endpoint = endpoint_of(desk)
    await post(endpoint, BODY.encode())
    for _ in range(100):
        await post(endpoint, BODY.encode(), headers=())
    await post(endpoint, BODY.encode(), address=OUTSIDE)
    assert (desk.log.refusals[-1].reason, desk.log.refusals[-1].left_out) == ("AddressRefused", 0)


async def test_a_token_that_everybody_knows_names_its_enterprise_from_this_machine_only() -> None:
    desk = LoopDesk()
    admit = Admission(KEY, desk.snapshots, is_within, 2, loopback_only=frozenset({token_hash(KEY, TOKEN)}))
    endpoint = endpoint_of(desk, admit=admit)
    await post(endpoint, BODY.encode(), address="127.0.0.1")
    await post(endpoint, method="PUT", address="127.0.0.1")
    for _ in range(3):
        await post(endpoint, BODY.encode(), address=OUTSIDE)
    await post(endpoint, method="PUT", address=OUTSIDE)
    numbers = [(each.status, told(each)[2]) for each in desk.log.refusals]
    assert numbers == [(405, "0367"), (401, None), (401, None), (429, None), (405, None)]
