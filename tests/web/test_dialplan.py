"""The HTTP of host agents and of the operator: who may ask, what is given, and that every error is JSON that says why."""

import gzip
import hashlib
import json
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import httpx
import pytest
from starlette.applications import Starlette

from smart_redirect.adapters.postgres.pool import open_pool
from smart_redirect.domain.dialplan.loaded import names_hash
from smart_redirect.local.demo import load_demo
from smart_redirect.usecases.give_release import GiveRelease
from smart_redirect.usecases.host_agent import AdmitAgent
from smart_redirect.usecases.regenerate_now import RegenerateNow
from smart_redirect.web.dialplan import DialplanEndpoints, Guard
from tests.usecases.office import AGENT_KEY, KEY, Office

AGENT = {"Authorization": f"Bearer {AGENT_KEY}"}
RELEASE, REPORT, ANNOUNCE, FILES = (f"/api/dialplan/{name}" for name in ("release", "report", "announce", "host-files"))
REGENERATE = "/api/dialplan/0367/regenerate"


class Desk(Office):
    """An office with its HTTP endpoints."""

    def client(self, address: str = "192.0.2.7") -> httpx.AsyncClient:
        admit = AdmitAgent(self.hosts, KEY, lambda: 0.0, failures_per_minute=5)
        now = RegenerateNow(self.regenerate, self.ledger)
        guard = Guard(("127.0.0.0/8",), "operator-key")
        endpoints = DialplanEndpoints(admit, GiveRelease(self.contents), self.reports, now, guard)
        transport = httpx.ASGITransport(Starlette(routes=endpoints.routes()), client=(address, 5000))
        return httpx.AsyncClient(transport=transport, base_url="http://service", headers=AGENT)

    async def report_body(self, **changed: object) -> dict[str, Any]:
        count, digest = names_hash(await self.contexts())
        said = {"release": (await self.agent()).release, "wanted": None, "contexts": {"count": count, "sha256": digest}}
        return {**said, "asterisk": "16.28.0", "agent": "1.0", "at": "2026-11-23T10:00:00Z", "error": None, **changed}


@pytest.fixture
async def desk(database_url: str) -> AsyncIterator[Desk]:
    connection = await asyncpg.connect(database_url)
    await load_demo(connection, KEY, 1)
    pool = await open_pool(database_url, size=4)
    desk = Desk(pool, connection)
    await desk.add_agent()
    await desk.build()
    yield desk
    await connection.close()
    pool.terminate()


@pytest.mark.parametrize("encoding", ["gzip", "identity"])
async def test_an_agent_gets_the_release_of_its_host(desk: Desk, encoding: str) -> None:
    async with desk.client() as client:
        given = await client.get(RELEASE, headers={"Accept-Encoding": encoding})
    assert given.text == await desk.text()
    assert given.headers["etag"].strip('"') == hashlib.sha256(given.content).hexdigest()
    assert given.headers.get("content-encoding", "identity") == encoding
    headers = [given.headers[f"x-release{part}"] for part in ("", "-mode", "-dialect", "-shape")]
    assert headers == [(await desk.agent()).release, "whole-file", "asterisk16", "classic"]


async def test_a_release_that_the_agent_has_is_not_sent_again(desk: Desk) -> None:
    async with desk.client() as client:
        etag = (await client.get(RELEASE)).headers["etag"]
        again = await client.get(RELEASE, headers={"If-None-Match": etag})
        desk.contents.texts.clear()
        assert (again.status_code, again.content) == (304, b"")
        assert (await client.get(RELEASE)).status_code == 503


@pytest.mark.parametrize("statement", ["UPDATE pbx_hosts SET install = 'none'", "DELETE FROM dialplan_hosts"])
async def test_a_host_that_gets_nothing_is_told_so(desk: Desk, statement: str) -> None:
    await desk.change(statement)
    async with desk.client() as client:
        assert (await client.get(RELEASE)).status_code == 204


async def test_a_host_of_another_dialect_is_given_nothing_until_its_release_is_built(desk: Desk) -> None:
    await desk.change("UPDATE pbx_hosts SET dialect = 'asterisk22'")
    async with desk.client() as client:
        assert (await client.get(RELEASE)).status_code == 204
        await desk.build()
        given = await client.get(RELEASE)
    assert (given.status_code, given.headers["x-release-dialect"], "Macro(" in given.text) == (200, "asterisk22", False)


async def test_an_announcement_and_a_report_change_what_is_answered(desk: Desk) -> None:
    await desk.change("UPDATE pbx_hosts SET loaded_pool = NULL")
    async with desk.client() as client:
        announced = await client.post(ANNOUNCE, json={"release": (await desk.agent()).release})
        assert (announced.status_code, await desk.answers("152")) == (204, False)
        reported = await client.post(REPORT, json=await desk.report_body())
    assert (reported.status_code, reported.json()) == (200, {"names_needed": False, "host_files_needed": False})
    assert await desk.answers("152")


async def test_a_long_report_comes_in_gzip(desk: Desk) -> None:
    names = [f"mngr32_0001363_{n}" for n in range(1, 50_000)]
    count, digest = names_hash(names)
    body = await desk.report_body(names=names, contexts={"count": count, "sha256": digest})
    async with desk.client() as client:
        packed = gzip.compress(json.dumps(body).encode())
        said = await client.post(REPORT, content=packed, headers={"Content-Encoding": "gzip"})
    assert (said.status_code, await desk.answers("152")) == (200, True)


async def test_a_host_s_own_files_are_taken_and_asked_for(desk: Desk) -> None:
    body = await desk.report_body(host_files_sha256="0" * 64)
    await desk.change("UPDATE pbx_hosts SET install = 'block-only'")
    async with desk.client() as client:
        asked = await client.post(REPORT, json=body)
        assert asked.json()["host_files_needed"]
        sent = await client.put(FILES, json={"files": [{"name": "extensions.conf", "text": "[a]\n"}]})
        assert sent.status_code == 204
    assert await desk.connection.fetchval("SELECT files ->> 0 FROM host_files") == '["extensions.conf", "[a]\\n"]'


WRONG: dict[str, tuple[str, str, bytes, str]] = {
    "no JSON": ("POST", REPORT, b"{", "JSON"),
    "no object": ("POST", REPORT, b"[]", "object"),
    "too deep": ("POST", REPORT, b"[" * 100_000, "JSON"),
    "no contexts": ("POST", REPORT, b"{}", "contexts"),
    "a count that is none": ("POST", REPORT, b'{"contexts":{"count":true,"sha256":""}}', "count"),
    "a hash that is none": ("POST", REPORT, b'{"contexts":{"count":1,"sha256":"xyz"}}', "sha256"),
    "a release that is none": ("POST", ANNOUNCE, b'{"release":"../../x"}', "release"),
    "no release": ("POST", ANNOUNCE, b"{}", "release"),
    "no files": ("PUT", FILES, b'{"files":[]}', "files"),
    "a file without text": ("PUT", FILES, b'{"files":[{"name":"a"}]}', "text"),
    "a NUL in a file": ("PUT", FILES, b'{"files":[{"name":"a","text":"\\u0000"}]}', "NUL"),
}


@pytest.mark.parametrize("name", WRONG)
async def test_what_cannot_be_read_is_refused_by_name(desk: Desk, name: str) -> None:
    method, path, body, said = WRONG[name]
    async with desk.client() as client:
        answer = await client.request(method, path, content=body)
    assert answer.status_code == 400
    assert said in answer.json()["error"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("names", ["x" * 81]),
        ("names", "mngr"),
        ("at", "yesterday"),
        ("error", 5),
        ("host_files_sha256", "x"),
        ("wanted", "x"),
    ],
)
async def test_a_report_with_a_wrong_field_is_refused_by_its_name(desk: Desk, field: str, value: object) -> None:
    async with desk.client() as client:
        answer = await client.post(REPORT, json=await desk.report_body(**{field: value}))
    assert answer.status_code == 400
    assert field in answer.json()["error"]


@pytest.mark.parametrize(
    ("body", "encoding", "status"),
    [
        (b"not gzip", "gzip", 400),
        (gzip.compress(b"{}" * 1000)[:-10], "gzip", 400),
        (b"{}", "br", 400),
        (gzip.compress(b" " * 70_000_000), "gzip", 413),
        (b" " * 6_000_000, "", 413),
    ],
)
async def test_a_body_that_cannot_be_unpacked_is_refused(desk: Desk, body: bytes, encoding: str, status: int) -> None:
    async with desk.client() as client:
        answer = await client.post(REPORT, content=body, headers={"Content-Encoding": encoding})
    assert answer.status_code == status


async def test_a_call_token_opens_nothing_here(desk: Desk) -> None:
    async with desk.client() as client:
        for headers in ({"Authorization": "Bearer demo-0367"}, {"Authorization": "Basic eDpk"}, {"Authorization": ""}):
            answer = await client.get(RELEASE, headers=headers)
            assert (answer.status_code, "error" in answer.json()) == (401, True)


async def test_guessing_is_limited_by_address(desk: Desk) -> None:
    async with desk.client() as client:
        codes = [(await client.get(RELEASE, headers={"Authorization": f"Bearer {n}"})).status_code for n in range(8)]
    assert codes == [401] * 5 + [429] * 3


async def test_an_unknown_release_is_no_announcement(desk: Desk) -> None:
    async with desk.client() as client:
        answer = await client.post(ANNOUNCE, json={"release": "0" * 16})
    assert (answer.status_code, "none of this host" in answer.json()["error"]) == (409, True)


async def test_the_operator_builds_now_and_is_told_what_came_out(desk: Desk) -> None:
    await desk.change("UPDATE lines SET enabled = false WHERE line_id = '3881848'")
    async with desk.client("127.0.0.1") as client:
        built = await client.post(REGENERATE)
    (host,) = built.json()["hosts"]
    assert (built.status_code, host["new"], host["error"]) == (200, True, None)
    assert host["changes"]


async def test_only_the_operator_builds(desk: Desk) -> None:
    async with desk.client() as client:
        assert (await client.post(REGENERATE)).status_code == 403
        key = {"Authorization": "Bearer operator-key"}
        assert (await client.post(REGENERATE, headers=key)).status_code == 200
        assert (await client.post("/api/dialplan/9999/regenerate", headers=key)).status_code == 404


async def test_without_the_database_every_answer_says_so(desk: Desk) -> None:
    desk.pool.terminate()
    async with desk.client("127.0.0.1") as client:
        for answer in (await client.get(RELEASE), await client.post(REGENERATE)):
            assert (answer.status_code, "error" in answer.json()) == (503, True)
