"""Webhooks of CRMs through a real nginx: they pass, those that are too long do not, and no log gets their secret."""

import asyncio
import shutil
from pathlib import Path
from uuid import UUID

import asyncpg
import httpx
import pytest

from smart_redirect.domain.reply import NOTHING
from smart_redirect.domain.token import token_hash
from smart_redirect.local.demo import load_demo
from tests.infra.nginx import CALL, NGINX, Proxy, Upstream, running_nginx
from tests.local.served import served

HOOK, SECRET, KEY = UUID(int=7), "s3cret-of-a-hook", "k" * 32
PATH = f"/api/crm/{HOOK}/{SECRET}"
LIMIT = 64 * 1024

pytestmark = pytest.mark.skipif(NGINX is None, reason="needs nginx: sudo apt-get install nginx-light")


async def prepare(url: str) -> None:
    connection = await asyncpg.connect(url)
    await load_demo(connection, KEY.encode(), 1)
    query = "UPDATE crm_connections SET hook = $1, hook_hash = $2, sealed = 'x', key_id = 1 WHERE id = 1"
    await connection.execute(query, HOOK, token_hash(KEY.encode(), SECRET))
    await connection.execute("UPDATE crm_connections SET enabled = false WHERE id <> 1")
    await connection.close()


async def marked(url: str) -> list[str]:
    connection = await asyncpg.connect(url)
    try:
        return [row[0] for row in await connection.fetch("SELECT external_id FROM crm_dirty ORDER BY 1")]
    finally:
        await connection.close()


def test_a_webhook_reaches_the_real_server_and_a_stranger_s_does_not_count(
    database_url: str, memory_dir: Path, tmp_path: Path
) -> None:
    asyncio.run(prepare(database_url))
    folder = memory_dir / "hooks"
    folder.mkdir(mode=0o755)
    variables = {"DATABASE_URL": database_url, "SMART_REDIRECT_KEY": KEY}
    with (
        served(folder, **variables) as server,
        running_nginx(tmp_path, int(server.address.rpartition(":")[2])) as proxy,
    ):
        assert proxy.ask(PATH, b'{"ids": ["5"]}').status_code == 204
        assert proxy.ask(f"{PATH}x", b'{"ids": ["6"]}').status_code == 404
        assert asyncio.run(marked(database_url)) == ["5"]
        assert SECRET not in proxy.logged()


def test_a_webhook_passes_as_it_was_sent_up_to_the_limit(proxy: Proxy, upstream: Upstream) -> None:
    upstream.listen()
    answer = proxy.ask(PATH, b"x" * LIMIT, **{"X-Forwarded-For": "6.6.6.6"})
    seen = answer.text.lower()
    assert answer.status_code == 200
    assert seen.startswith(f"post {PATH} http/1.1\r\n")
    assert ("x-forwarded-for: 127.0.0.1" in seen, "6.6.6.6" in seen) == (True, False)
    assert SECRET not in proxy.logged()


def is_refused(answer: httpx.Response, status: int) -> bool:
    return (answer.status_code, answer.content) == (status, NOTHING)


def test_a_webhook_over_the_limit_is_refused_before_the_server_has_it(proxy: Proxy) -> None:
    assert is_refused(proxy.ask(PATH, b"x" * (LIMIT + 1)), 413)
    assert SECRET not in proxy.logged()


@pytest.mark.parametrize("size", [2, LIMIT])
def test_no_log_has_the_secret_when_the_server_is_down(proxy: Proxy, size: int) -> None:
    assert is_refused(proxy.ask(f"{PATH}?a={SECRET}", b"x" * size), 502)
    assert SECRET not in proxy.logged()


def test_no_log_has_the_secret_when_the_server_hangs(proxy: Proxy, upstream: Upstream) -> None:
    upstream.hang = True
    upstream.listen()
    assert is_refused(proxy.ask(PATH), 504)
    assert SECRET not in proxy.logged()


def test_no_log_has_the_secret_of_a_flood(proxy: Proxy, upstream: Upstream) -> None:
    upstream.listen()
    assert any(is_refused(proxy.ask(PATH), 429) for _ in range(30))
    assert SECRET not in proxy.logged()


def test_no_log_has_the_secret_when_nginx_cannot_keep_a_body(proxy: Proxy, upstream: Upstream) -> None:
    upstream.listen()
    shutil.rmtree(proxy.folder / "client_body")
    proxy.ask(PATH, b"x" * LIMIT)
    assert SECRET not in proxy.logged()


@pytest.mark.parametrize(
    "text",
    [
        f"POST {PATH} HTTP/1.1\r\n\r\n",
        f"POST {PATH} HTTP/3.0\r\nHost: a\r\n\r\n",
        f"POST {PATH} HTTP/1.1\r\nHost: a\r\nContent-Length: many\r\n\r\n",
        f"POST {PATH} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n",
        f"POST {PATH} HTTP/1.1\r\nHost: a\r\nToken: {'t' * 40_000}\r\n\r\n",
        f"POST {PATH}/{'a' * 9_000} HTTP/1.1\r\nHost: a\r\n\r\n",
        f"TRACE {PATH} HTTP/1.1\r\nHost: a\r\n\r\n",
        f"POST {PATH} HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nless",
        f"POST /API/CRM{PATH.removeprefix('/api/crm')} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        f"POST /{PATH} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
        f"POST /a/..{PATH} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
    ],
    ids=lambda text: text.replace(PATH, "…")[:60],
)
def test_no_log_has_the_secret_of_what_is_no_request(proxy: Proxy, text: str) -> None:
    assert proxy.say(text.encode()).startswith(b"HTTP/1.1 ") or "less" in text
    assert SECRET not in proxy.logged()


def test_the_answer_to_the_next_question_of_the_connection_is_logged_again(proxy: Proxy) -> None:
    first = f"POST {PATH} HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"
    second = f"POST {CALL} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
    assert proxy.say((first + second).encode()).count(NOTHING) == 2
    assert (CALL in proxy.logged(), SECRET in proxy.logged()) == (True, False)
