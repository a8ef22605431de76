"""The endpoint of the call path: whatever is sent to it, the old macro reads the answer rightly."""

import asyncio
import base64
import logging
from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smart_redirect.domain.enterprise import Host
from smart_redirect.domain.reply import NOTHING
from smart_redirect.domain.token import token_hash
from smart_redirect.usecases.admission import Admission
from smart_redirect.usecases.route_call import RouteCall
from smart_redirect.web.address import is_within
from smart_redirect.web.getcustomerdata import FIRST_BYTE, GetCustomerData, Limits
from tests.domain.routing_table import POOL
from tests.fakes.old_macro import goes_to, read
from tests.fakes.virtual_time import run_virtually
from tests.usecases.desk import KEY, TOKEN, Desk, LoopDesk, enterprise

BODY = '{"UniqueId":"1795417798.0","Phone":"80291112233","TrunkId":"0001363","LoadDialPlan":"true"}'
CONTEXT = "mngr31_0001363_1"
ROUTED = ("Петрова | Приёмная", CONTEXT)
NAMED = ("Петрова | Приёмная", "")
UNKNOWN = ("Приёмная", "")
READ_AS_NOTHING = ("", "")
URLENCODED = (b"content-type", b"application/x-www-form-urlencoded")
INSIDE, OUTSIDE = "192.0.2.1", "203.0.113.1"


@dataclass
class Answer:
    """One whole answer."""

    status: int
    headers: dict[bytes, bytes]
    body: bytes

    @property
    def seen(self) -> tuple[int, bytes]:
        """Return status and body; the length that the headers tell must be right."""
        assert self.headers[b"content-length"] == str(len(self.body)).encode()
        return self.status, self.body


async def post(
    endpoint: GetCustomerData,
    *pieces: bytes,
    headers: tuple[tuple[bytes, bytes], ...] = ((b"token", TOKEN.encode()),),
    address: str = INSIDE,
    **changed: object,
) -> Answer:
    """Send a request whose body comes in so many pieces."""
    waiting = [{"type": "http.request", "body": piece, "more_body": True} for piece in pieces]
    waiting.append({"type": "http.request", "body": b"", "more_body": False})
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return waiting.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/",
        "client": (address, 1),
        FIRST_BYTE: asyncio.get_running_loop().time(),
    }
    await endpoint({**scope, "headers": [URLENCODED, *headers], **changed}, receive, send)
    begin, end = sent
    return Answer(begin["status"], dict(begin["headers"]), end["body"])


def endpoint_of(desk: Desk, *trusted: str, admit: Admission | None = None) -> GetCustomerData:
    return GetCustomerData(admit or desk.admit, desk.route, Limits(0.3, trusted), desk.log)


@pytest.fixture
def desk() -> Desk:
    return LoopDesk()


@pytest.fixture
def endpoint(desk: Desk) -> GetCustomerData:
    return endpoint_of(desk)


def basic(password: str, user: str = "") -> tuple[bytes, bytes]:
    return b"authorization", b"Basic " + base64.b64encode(f"{user}:{password}".encode())


@pytest.mark.parametrize(
    "headers",
    [
        ((b"token", b"office"),),
        ((b"token", b' "office" '),),
        ((b"token", b"'office'"),),
        ((b"token", b""), basic("office")),
        (basic("office"),),
        (basic("office", "host-of-0367"),),
        ((b"authorization", b"bAsIc OiBvZmZpY2UK"),),
        (basic("wrong"), (b"token", b"office")),
    ],
)
async def test_the_token_comes_in_its_header_or_as_a_password(
    endpoint: GetCustomerData, headers: tuple[tuple[bytes, bytes], ...]
) -> None:
    answer = await post(endpoint, BODY.encode(), headers=headers)
    assert (answer.status, read(answer.body)) == (200, ROUTED)


@pytest.mark.parametrize("token", ["office", " office ", '\\"office\\"', "'office'"])
async def test_the_token_comes_in_the_body(endpoint: GetCustomerData, token: str) -> None:
    answer = await post(endpoint, f'{{"Token":"{token}",{BODY[1:]}'.encode(), headers=())
    assert (answer.status, read(answer.body)) == (200, ROUTED)


@pytest.mark.parametrize(
    "headers",
    [
        (),
        ((b"token", b"nobody"),),
        ((b"token", b"\xff\xfe\x00"),),
        ((b"token", b'""'),),
        ((b"token", b"x" * 10_000),),
        ((b"authorization", b"Basic !!!"),),
        ((b"authorization", b"Basic"),),
        ((b"authorization", b"Basic /////w=="),),
        ((b"authorization", b"Bearer office"),),
    ],
)
async def test_other_tokens_are_refused(endpoint: GetCustomerData, headers: tuple[tuple[bytes, bytes], ...]) -> None:
    assert (await post(endpoint, BODY.encode(), headers=headers)).seen == (401, NOTHING)


def named(phone: str, line: str = "0001363") -> bytes:
    return f'{{"UniqueId":"1.0","Phone":"{phone}","TrunkId":"{line}","LoadDialPlan":"true"}}'.encode()


SENT_BY_HOSTS = {
    "as usual": (named("80291112233"), ROUTED),
    "with a plus": (named("+375291112233"), ROUTED),
    "with punctuation": (named("+375 (29) 111-22-33"), ROUTED),
    "in pieces": (named("80291112233"), ROUTED),
    "empty Phone": (named(""), UNKNOWN),
    "anonymous": (named("anonymous"), UNKNOWN),
    "a name": (named("Ivan Petrov"), UNKNOWN),
    "a quote in the name": (named('Ivan "Vanya" Petrov'), UNKNOWN),
    "a backslash at its end": (named("Ivan\\"), UNKNOWN),
    "a tab": (named("Ivan\tPetrov"), UNKNOWN),
    "a bracket": (named("Ivan :)"), UNKNOWN),
    "cp1251": (named("Иван").decode().encode("cp1251"), UNKNOWN),
    "128 digits": (named("9" * 128), UNKNOWN),
    "a second Phone in the name": (named('1","Phone":"80291112233'), UNKNOWN),
    "a second TrunkId in the name": (named('80291112233","TrunkId":"9999'), UNKNOWN),
    "a name with a comma": (named("Petrov", " Ivan"), READ_AS_NOTHING),
    "no TrunkId": (b'{"UniqueId":"1.0","Phone":"80291112233"}', READ_AS_NOTHING),
    "another line": (named("80291112233", "777"), READ_AS_NOTHING),
    "cut": (named("80291112233")[:60], READ_AS_NOTHING),
    "empty": (b"", READ_AS_NOTHING),
    "null": (b"null", READ_AS_NOTHING),
    "a list": (b"[[[[", READ_AS_NOTHING),
    "a number as Phone": (named("0").replace(b'"0"', b"375291112233"), ROUTED),
    "no wish for a route": (BODY.replace('"true"', '"false"').encode(), NAMED),
}


@pytest.mark.parametrize("name", SENT_BY_HOSTS)
async def test_what_hosts_really_send_is_answered(endpoint: GetCustomerData, name: str) -> None:
    body, expected = SENT_BY_HOSTS[name]
    answer = await post(
        endpoint, *([body[i : i + 7] for i in range(0, len(body), 7)] if name == "in pieces" else [body])
    )
    assert (answer.status, read(answer.body)) == (200, expected)


def is_survived(answer: Answer) -> bool:
    """Tell whether a call goes on with this answer, and an error is the 27 bytes."""
    goes_on = goes_to(answer.body, frozenset({CONTEXT})) != "dropped"
    return goes_on and (answer.status == 200 or answer.body == NOTHING)


@given(body=st.binary(max_size=400) | st.text(max_size=200).map(named))
@settings(max_examples=300, deadline=None, derandomize=True)
def test_any_bytes_are_survived(body: bytes) -> None:
    answer = run_virtually(post(endpoint_of(LoopDesk()), body))
    assert (answer.status, is_survived(answer)) == (200, True)


JUNK = st.sampled_from([b"token", b"authorization", b"x-forwarded-for"]) | st.binary(max_size=12)


@given(headers=st.lists(st.tuples(JUNK, st.binary(max_size=40)), max_size=4).map(tuple))
@settings(max_examples=200, deadline=None, derandomize=True)
def test_any_headers_are_survived(headers: tuple[tuple[bytes, bytes], ...]) -> None:
    answer = run_virtually(post(endpoint_of(LoopDesk(), "192.0.2.0/24"), BODY.encode(), headers=headers))
    assert is_survived(answer)
    assert answer.status in {200, 401}


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "BREW"])
async def test_other_methods_are_405(desk: Desk, endpoint: GetCustomerData, method: str) -> None:
    assert (await post(endpoint, method=method)).seen == (405, NOTHING)
    assert [each.reason for each in desk.log.refusals] == ["MethodNotAllowed"]


async def test_a_body_over_the_limit_is_413_before_it_has_ended(endpoint: GetCustomerData) -> None:
    pieces = [b"x" * 4096] * 1000
    assert (await post(endpoint, *pieces)).seen == (413, NOTHING)
    assert (await post(endpoint, b" " * (16 * 1024 - len(BODY)) + BODY.encode())).status == 200


async def test_an_address_outside_the_list_is_403() -> None:
    desk = LoopDesk(enterprise(hosts={1: Host(1, "minsk", (f"{INSIDE}/32",), loaded=POOL)}))
    assert (await post(endpoint_of(desk), BODY.encode(), address=OUTSIDE)).seen == (403, NOTHING)
    assert (await post(endpoint_of(desk), BODY.encode(), client=None)).seen == (403, NOTHING)
    assert (await post(endpoint_of(desk), BODY.encode())).status == 200


async def test_too_many_requests_are_429() -> None:
    endpoint = endpoint_of(LoopDesk(enterprise(requests_per_second=1)))
    answers = [(await post(endpoint, BODY.encode())).seen for _ in range(3)]
    assert [status for status, _ in answers] == [200, 200, 429]
    assert answers[-1] == (429, NOTHING)


async def test_failed_attempts_are_429_and_a_known_token_from_there_still_counts() -> None:
    endpoint = endpoint_of(LoopDesk(failures_per_minute=2))
    await post(endpoint, BODY.encode())
    refused = [(401, NOTHING), (401, NOTHING), (429, NOTHING)]
    guesses: list[tuple[tuple[bytes, bytes], ...]] = [((b"token", each),) for each in (b"a", b"b", b"c")]
    assert [(await post(endpoint, BODY.encode(), headers=headers)).seen for headers in guesses] == refused
    assert [(await post(endpoint, BODY.encode(), headers=())).seen for _ in range(3)] == refused
    assert read((await post(endpoint, BODY.encode())).body) == ROUTED


async def test_a_fault_of_our_own_is_500_and_says_nothing_of_the_caller(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    def normalise(raw: str, country: str, area_code: str = "") -> str:
        raise RuntimeError("a fault")

    route = RouteCall(desk.snapshots, desk.database, desk.cache, desk.log, normalise)
    endpoint = GetCustomerData(desk.admit, route, Limits(), desk.log)
    with caplog.at_level(logging.DEBUG):
        assert (await post(endpoint, BODY.encode())).seen == (500, NOTHING)
    assert [each.reason for each in desk.log.refusals] == ["RuntimeError"]
    assert not [secret for secret in ("80291112233", "375291112233", TOKEN) if secret in caplog.text]


async def test_without_database_and_memory_it_is_503(desk: Desk, endpoint: GetCustomerData) -> None:
    desk.database.down = True
    assert (await post(endpoint, BODY.encode())).seen == (503, NOTHING)


async def test_a_client_that_goes_before_the_end_of_its_body_decides_nothing(
    desk: Desk, endpoint: GetCustomerData
) -> None:
    waiting: list[dict[str, Any]] = [{"type": "http.request", "body": b"{", "more_body": True}]

    async def receive() -> dict[str, Any]:
        return waiting.pop(0) if waiting else {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        assert message.get("status", 408) == 408

    scope = {
        "method": "POST",
        "headers": [(b"token", TOKEN.encode())],
        "client": (INSIDE, 1),
        FIRST_BYTE: asyncio.get_running_loop().time(),
    }
    await endpoint(scope, receive, send)
    assert (desk.log.records, desk.log.refusals[0].reason, desk.database.reads) == ([], "TimeoutError", 0)


LISTED = Host(1, "minsk", (f"{INSIDE}/32",), loaded=POOL)


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"hosts": {1: LISTED}}, 403),
        ({"tokens": {}}, 401),
        ({"switched_off": True}, 200),
        ({"hosts": {1: replace(LISTED, allowed=(f"{OUTSIDE}/32",))}}, 200),
    ],
)
async def test_changed_settings_count_at_the_next_call_and_cost_no_read(
    desk: Desk, endpoint: GetCustomerData, changed: dict[str, object], status: int
) -> None:
    await post(endpoint, BODY.encode(), address=OUTSIDE)
    desk.database.save(enterprise(**changed))
    answer = await post(endpoint, BODY.encode(), address=OUTSIDE)
    assert (answer.status, desk.database.reads) == (status, 3)
    assert answer.body == NOTHING or "hosts" in changed


async def test_a_host_that_changed_is_the_one_that_is_recorded(desk: Desk, endpoint: GetCustomerData) -> None:
    await post(endpoint, BODY.encode())
    own = Host(7, "brest", loaded=POOL)
    desk.database.save(enterprise(hosts={7: own}, tokens={token_hash(KEY, TOKEN): 7}))
    await post(endpoint, BODY.encode())
    assert [record.host_id for record in desk.log.records] == [1, 7]


def forwarded(*hops: str) -> tuple[tuple[bytes, bytes], ...]:
    return (b"token", TOKEN.encode()), *((b"x-forwarded-for", hop.encode()) for hop in hops)


@pytest.mark.parametrize(
    ("peer", "hops", "status"),
    [
        ("127.0.0.1", (INSIDE,), 200),
        ("127.0.0.1", (OUTSIDE,), 403),
        ("127.0.0.1", (f"{INSIDE}, {OUTSIDE}",), 403),
        ("127.0.0.1", (f"{OUTSIDE}, {INSIDE}",), 200),
        ("127.0.0.1", (OUTSIDE, f"{INSIDE}, 127.0.0.1"), 200),
        ("127.0.0.1", (f"::ffff:{INSIDE}",), 200),
        ("::ffff:127.0.0.1", (INSIDE,), 200),
        ("127.0.0.1", (f"{INSIDE},",), 200),
        ("127.0.0.1", ("",), 403),
        (INSIDE, (OUTSIDE,), 200),
        (OUTSIDE, (INSIDE,), 403),
    ],
)
async def test_the_address_is_forwarded_by_trusted_proxies_only(peer: str, hops: tuple[str, ...], status: int) -> None:
    desk = LoopDesk(enterprise(hosts={1: LISTED}))
    endpoint = endpoint_of(desk, "127.0.0.1/32")
    assert (await post(endpoint, BODY.encode(), address=peer, headers=forwarded(*hops))).status == status


@pytest.mark.parametrize(
    ("peer", "hops", "trusted", "status"),
    [
        ("127.0.0.1", (), (), 200),
        ("::1", (), (), 200),
        ("::ffff:127.0.0.1", (), (), 200),
        (OUTSIDE, (), (), 401),
        (OUTSIDE, ("127.0.0.1",), (), 401),
        ("127.0.0.1", (OUTSIDE,), (), 401),
        ("127.0.0.1", ("127.0.0.1",), (), 401),
        ("127.0.0.1", (OUTSIDE,), ("127.0.0.1/32",), 401),
        ("127.0.0.1", ("::1",), ("127.0.0.1/32",), 200),
    ],
)
async def test_the_demo_token_counts_from_this_machine_only(
    desk: Desk, peer: str, hops: tuple[str, ...], trusted: tuple[str, ...], status: int
) -> None:
    admit = Admission(KEY, desk.snapshots, is_within, loopback_only=frozenset({token_hash(KEY, TOKEN)}))
    endpoint = endpoint_of(desk, *trusted, admit=admit)
    assert (await post(endpoint, BODY.encode(), address=peer, headers=forwarded(*hops))).status == status
