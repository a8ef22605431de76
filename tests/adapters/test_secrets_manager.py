"""Secrets read from Secrets Manager itself: signed as botocore signs, over TLS that is verified, and never quoted."""

import asyncio
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme
from botocore.credentials import Credentials as BotoCredentials

from smart_redirect.adapters.secrets_manager import Credentials, SecretsManager, signed
from smart_redirect.errors import SecretUnavailable
from tests.fakes.secrets_manager import ACCOUNT, SESSION, FakeSecretsManager, authorization

TIMES = [0.0, 1_234_567_890.0, 1_795_417_798.9]
ACCOUNTS = [Credentials("AKIA", "s3cret/+="), Credentials("ASIA", "s3cret", "session/+=token")]
REGIONS = ["eu-central-1", "us-gov-west-1", "cn-north-1"]
BODIES = [b"", b'{"SecretId": "key"}', '{"SecretId": "ключ"}'.encode()]


@pytest.fixture
def aws() -> Iterator[FakeSecretsManager]:
    with FakeSecretsManager() as aws:
        aws.put("key", SMART_REDIRECT_KEY="k" * 64)
        yield aws


@pytest.mark.parametrize("now", TIMES)
@pytest.mark.parametrize("account", ACCOUNTS, ids=["key", "session"])
@pytest.mark.parametrize("region", REGIONS)
@pytest.mark.parametrize("body", BODIES, ids=["empty", "ascii", "utf-8"])
def test_the_signature_is_botocore_s(now: float, account: Credentials, region: str, body: bytes) -> None:
    url = f"https://secretsmanager.{region}.amazonaws.com"
    headers = signed(url, body, account, (region, now))
    theirs = BotoCredentials(account.key_id, account.secret, account.session or None)
    assert headers["authorization"] == authorization(url, body, headers, theirs, region)


async def test_a_secret_is_read_by_name_and_by_arn(aws: FakeSecretsManager) -> None:
    arn = aws.put("база/данных-1", username="u", password='p"\\/й')
    for each in ("база/данных-1", arn):
        assert await SecretsManager(aws.variables()).read(each) == {"username": "u", "password": 'p"\\/й'}


async def test_a_restored_function_asks_lambda_for_its_credentials(aws: FakeSecretsManager) -> None:
    variables = aws.variables_of_a_restored_function()
    assert await SecretsManager(variables).read("key") == {"SMART_REDIRECT_KEY": "k" * 64}


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"AWS_SECRET_ACCESS_KEY": "another"}, "400 InvalidSignatureException"),
        ({"AWS_ACCESS_KEY_ID": ""}, "no credentials"),
        ({"AWS_ENDPOINT_URL_SECRETS_MANAGER": "http://127.0.0.1:1"}, "ConnectionRefusedError"),
    ],
)
async def test_what_went_wrong_is_said_without_a_secret(
    aws: FakeSecretsManager, changed: dict[str, str], said: str
) -> None:
    with pytest.raises(SecretUnavailable, match=said) as caught:
        await SecretsManager({**aws.variables(), **changed}).read("key")
    assert [each for each in (ACCOUNT.secret_key, SESSION) if each in str(caught.value)] == []


async def test_another_container_s_token_gets_no_credentials(aws: FakeSecretsManager) -> None:
    variables = {**aws.variables_of_a_restored_function(), "AWS_CONTAINER_AUTHORIZATION_TOKEN": "another"}
    with pytest.raises(SecretUnavailable, match=r"no credentials \(403\)"):
        await SecretsManager(variables).read("key")


async def test_a_secret_that_is_not_there_is_unavailable(aws: FakeSecretsManager) -> None:
    with pytest.raises(SecretUnavailable, match="ResourceNotFoundException"):
        await SecretsManager(aws.variables()).read("nothing")


async def test_a_secret_of_another_form_is_never_quoted(aws: FakeSecretsManager) -> None:
    aws.put_text("text", "s3cret")
    with pytest.raises(SecretUnavailable, match="not a JSON object"):
        await SecretsManager(aws.variables()).read("text")


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def over_tls(authority: trustme.CA) -> Iterator[FakeSecretsManager]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    with FakeSecretsManager(context) as aws:
        aws.put("key", SMART_REDIRECT_KEY="k" * 64)
        yield aws


async def test_who_has_no_certificate_of_the_system_s_authorities_is_told_nothing(over_tls: FakeSecretsManager) -> None:
    with pytest.raises(SecretUnavailable, match="SSLCertVerificationError"):
        await SecretsManager(over_tls.variables()).read("key")
    assert over_tls.asked == []


async def test_over_tls_a_secret_is_read_from_whom_the_system_trusts(
    over_tls: FakeSecretsManager, authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority.cert_pem.write_to_path(tmp_path / "authority.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    assert await SecretsManager(over_tls.variables()).read("key") == {"SMART_REDIRECT_KEY": "k" * 64}


async def test_an_answer_in_chunks_is_put_together() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"}")
        body = b'{"SecretString": "{\\"a\\": \\"b\\"}"}'
        chunks = b"".join(b"%x\r\n%s\r\n" % (len(each), each) for each in (body[:9], body[9:]))
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1") as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        variables = {"AWS_ACCESS_KEY_ID": "x", "AWS_REGION": "x", "AWS_ENDPOINT_URL_SECRETS_MANAGER": url}
        assert await SecretsManager(variables).read("key") == {"a": "b"}
