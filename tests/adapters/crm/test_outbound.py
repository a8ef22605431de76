"""No request to a CRM leaves for where it must not go, and no answer does harm."""

from collections.abc import AsyncIterator, Callable, Sequence

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from smart_redirect.adapters.crm.addresses import may_connect, read_networks
from smart_redirect.adapters.crm.outbound import ANSWER_LIMIT, Outbound, Query
from smart_redirect.errors import CrmMalformed, CrmRefused, CrmUnavailable, SettingInvalid
from tests.fakes.crm.server import FakeCrm, bomb, cut, hang, packed, redirect, serving, too_much

PRIVATE = [
    "127.0.0.1", "127.8.8.8", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
    "192.0.2.1", "198.18.0.1", "224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1",
    "fd00:ec2::254", "ff02::1", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "64:ff9b::7f00:1", "64:ff9b::808:808",
    "2002:7f00:1::", "2001:db8::1", "::127.0.0.1", "fec0::1", "192.0.0.8", "192.88.99.1", "3fff::1", "not an address", "",
]  # fmt: skip
PUBLIC = ["8.8.8.8", "93.184.216.34", "2606:4700:4700::1111", "::ffff:8.8.8.8"]


class Echo(FakeCrm):
    """Answers what it was asked, and sets a cookie."""

    def routes(self) -> Sequence[Route]:
        return [Route("/{path:path}", self.echo, methods=["GET", "POST"])]

    async def echo(self, request: Request) -> Response:
        given = {"path": request.url.path, "query": str(request.query_params), "headers": dict(request.headers)}
        return packed(request, given, {"Set-Cookie": "who=enterprise1; Path=/"})


@pytest.fixture
async def echo() -> AsyncIterator[tuple[Echo, int]]:
    fake = Echo()
    async with serving(fake) as port:
        yield fake, port


def query(port: int, path: str = "/", **fields: object) -> Query:
    return Query("GET", f"https://crm.example.test:{port}{path}", **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize("address", PRIVATE)
def test_addresses_that_are_not_public_are_refused(address: str) -> None:
    assert not may_connect(address, ())


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_allowed(address: str) -> None:
    assert may_connect(address, ())


def test_a_private_network_is_allowed_only_where_the_deployment_names_it() -> None:
    networks = read_networks(["10.0.0.0/8", "fd00::/8"])
    assert [may_connect(each, networks) for each in ("10.9.9.9", "fd00::5", "::ffff:10.1.1.1", "192.168.0.1")] == [
        True,
        True,
        True,
        False,
    ]


def test_a_network_that_is_none_is_named() -> None:
    with pytest.raises(SettingInvalid, match=r"10\.0\.0\.1/8"):
        read_networks(["10.0.0.1/8"])


async def test_a_request_reaches_the_host_and_its_packed_answer_is_unpacked(
    outbound: Outbound, echo: tuple[Echo, int]
) -> None:
    answer = await outbound.send(query(echo[1], "/x?a=1", params=[("b", "ж")], headers={"X-Key": "k"}))
    assert (answer.status, answer.headers["content-encoding"]) == (200, "gzip")
    assert b'"path":"/x"' in answer.body
    assert b"a=1&b=%D0%B6" in answer.body


async def test_no_cookie_goes_back(outbound: Outbound, echo: tuple[Echo, int]) -> None:
    answers = [await outbound.send(query(echo[1])) for _ in range(2)]
    assert "set-cookie" in answers[0].headers
    assert b'"cookie"' not in answers[1].body


@pytest.mark.parametrize("addresses", [["127.0.0.1"], ["::ffff:127.0.0.1"], ["8.8.8.8", "169.254.169.254"]])
async def test_a_name_with_any_address_that_is_not_public_is_refused(
    guarded: Callable[..., Outbound], echo: tuple[Echo, int], addresses: list[str]
) -> None:
    with pytest.raises(CrmRefused, match="not public"):
        await guarded(*addresses).send(query(echo[1]))
    assert echo[0].seen == []


@pytest.mark.parametrize("host", ["127.0.0.1", "[::ffff:127.0.0.1]", "[::1]", "2130706433", "0x7f.1", "localhost"])
async def test_addresses_instead_of_names_are_refused_alike(authority_file: str, echo: object, host: str) -> None:
    client = Outbound((), authority_file)
    try:
        with pytest.raises(CrmUnavailable):
            await client.send(Query("GET", f"https://{host}:{echo[1]}/"))  # type: ignore[index]
    finally:
        await client.close()
    assert echo[0].seen == []  # type: ignore[index]


async def test_a_name_is_resolved_once_and_what_was_checked_is_what_is_connected_to(
    authority_file: str, echo: tuple[Echo, int]
) -> None:
    """DNS rebinding: the second answer of the name server would be the metadata address."""
    answers = [("127.0.0.1",), ("169.254.169.254",)]

    async def rebinding(host: str, port: int) -> Sequence[str]:
        return answers.pop(0)

    client = Outbound(read_networks(["127.0.0.0/8"]), authority_file, rebinding)
    assert (await client.send(query(echo[1]))).status == 200
    assert answers == [("169.254.169.254",)]
    await client.close()


async def test_a_name_that_is_rebound_is_refused_at_the_next_connection(
    authority_file: str, echo: tuple[Echo, int]
) -> None:
    answers = [("127.0.0.1",), ("169.254.169.254",)]

    async def rebinding(host: str, port: int) -> Sequence[str]:
        return answers.pop(0)

    client = Outbound(read_networks(["127.0.0.0/8"]), authority_file, rebinding)
    await client.send(query(echo[1], headers={"Connection": "close"}))
    with pytest.raises(CrmRefused, match="not public"):
        await client.send(query(echo[1]))
    await client.close()


async def test_a_redirect_to_loopback_is_not_followed(outbound: Outbound, echo: tuple[Echo, int]) -> None:
    echo[0].misdeeds.append(redirect)
    with pytest.raises(CrmMalformed, match="redirect"):
        await outbound.send(query(echo[1]))
    assert len(echo[0].seen) == 1


async def test_plain_http_is_refused(outbound: Outbound) -> None:
    with pytest.raises(CrmRefused, match="https"):
        await outbound.send(Query("GET", "http://crm.example.test/"))


@pytest.mark.parametrize(("misdeed", "text"), [(too_much, "1 MB"), (bomb, "1 MB")])
async def test_an_answer_of_more_than_a_megabyte_is_not_read(
    outbound: Outbound, echo: tuple[Echo, int], misdeed: object, text: str
) -> None:
    echo[0].misdeeds.append(misdeed)  # type: ignore[arg-type]
    with pytest.raises(CrmMalformed, match=text):
        await outbound.send(query(echo[1]))


async def test_an_answer_of_just_a_megabyte_is_read(outbound: Outbound, echo: tuple[Echo, int]) -> None:
    async def full(_: Request) -> Response:
        return Response(b"x" * ANSWER_LIMIT)

    echo[0].misdeeds.append(full)
    assert len((await outbound.send(query(echo[1]))).body) == ANSWER_LIMIT


async def test_an_answer_that_does_not_come_costs_no_more_than_its_time(
    outbound: Outbound, echo: tuple[Echo, int]
) -> None:
    echo[0].misdeeds.append(hang)
    with pytest.raises(CrmUnavailable, match="in time"):
        await outbound.send(query(echo[1], seconds=0.1))


async def test_an_answer_that_is_cut_is_none(outbound: Outbound, echo: tuple[Echo, int]) -> None:
    echo[0].misdeeds.append(cut)
    with pytest.raises(CrmUnavailable):
        await outbound.send(query(echo[1]))


async def test_a_certificate_of_another_name_is_refused(
    outbound: Outbound, guarded: Callable[..., Outbound], echo: tuple[Echo, int], authority_file: str
) -> None:
    async def here(host: str, port: int) -> Sequence[str]:
        return ("127.0.0.1",)

    client = Outbound(read_networks(["127.0.0.0/8"]), authority_file, here)
    with pytest.raises(CrmRefused, match="certificate"):
        await client.send(Query("GET", f"https://other.test:{echo[1]}/"))
    await client.close()


async def test_no_error_and_no_log_has_the_address_in_it(
    outbound: Outbound, echo: tuple[Echo, int], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    echo[0].misdeeds += [cut, redirect]
    errors = []
    for _ in range(2):
        with pytest.raises(CrmUnavailable) as caught:
            await outbound.send(query(echo[1], "/S3cret/user", params=[("key", "S3cret")]))
        errors.append(f"{caught.value!r} {caught.value.__cause__!r}")
    await outbound.send(query(echo[1], "/S3cret/user", params=[("key", "S3cret")]))
    assert "S3cret" not in caplog.text + "".join(errors)


async def test_json_of_a_later_answer_is_that_of_its_own_request(outbound: Outbound, echo: tuple[Echo, int]) -> None:
    async def late(_: Request) -> Response:
        return JSONResponse({"late": True})

    echo[0].misdeeds += [hang, late]
    with pytest.raises(CrmUnavailable):
        await outbound.send(query(echo[1], seconds=0.05))
    assert (await outbound.send(query(echo[1]))).body == b'{"late":true}'
