"""On Lambda the settings are the environment with the named secrets over it, and a refused password is asked for anew."""

import secrets
from collections.abc import Iterator
from urllib.parse import urlsplit

import asyncpg
import pytest

from smart_redirect.adapters.postgres.pool import open_pool
from smart_redirect.bootstrap.deployment import Deployment
from smart_redirect.errors import SecretUnavailable
from tests.conftest import Server
from tests.fakes.secrets_extension import TOKEN, FakeExtension

DATABASE, KEY = "arn:aws:secretsmanager:eu-central-1:1:secret:database-AbCdEf", "key"


@pytest.fixture
def extension() -> Iterator[FakeExtension]:
    with FakeExtension() as extension:
        extension.put(DATABASE, username="us er", password="p@ss/word:1")
        extension.put(KEY, SMART_REDIRECT_KEY="k" * 64)
        yield extension


@pytest.fixture
def environ(extension: FakeExtension) -> dict[str, str]:
    return {
        "DATABASE_URL": "postgresql://db.example.com:5432/calls?sslmode=verify-full",
        "SMART_REDIRECT_SECRETS": f"{DATABASE}, {KEY}",
        "AWS_SESSION_TOKEN": TOKEN,
        "PARAMETERS_SECRETS_EXTENSION_HTTP_PORT": str(extension.port),
    }


async def test_secrets_are_laid_over_the_environment(environ: dict[str, str]) -> None:
    settings = await Deployment(environ).settings()
    assert settings.key == "k" * 64
    expected = "postgresql://us%20er:p%40ss%2Fword%3A1@db.example.com:5432/calls?sslmode=verify-full"
    assert settings.database_url == expected


async def test_a_secret_may_be_the_whole_address(environ: dict[str, str], extension: FakeExtension) -> None:
    extension.put(DATABASE, DATABASE_URL="postgresql://a:b@c/d")
    assert (await Deployment(environ).settings()).database_url == "postgresql://a:b@c/d"


async def test_without_secrets_nothing_is_asked(environ: dict[str, str], extension: FakeExtension) -> None:
    del environ["SMART_REDIRECT_SECRETS"]
    assert (await Deployment(environ).settings()).database_url == environ["DATABASE_URL"]
    assert extension.asked == []


@pytest.mark.parametrize("text", ["no JSON", "[]", '"text"'])
async def test_a_secret_of_another_form_is_never_quoted(
    environ: dict[str, str], extension: FakeExtension, text: str
) -> None:
    extension.secrets[KEY] = text
    with pytest.raises(SecretUnavailable, match="not a JSON object"):
        await Deployment(environ).settings()


async def test_an_extension_that_is_not_ready_is_unavailable(environ: dict[str, str], extension: FakeExtension) -> None:
    extension.status = 400
    with pytest.raises(SecretUnavailable, match="400"):
        await Deployment(environ).settings()


async def test_an_extension_that_is_not_there_is_unavailable(environ: dict[str, str]) -> None:
    environ["PARAMETERS_SECRETS_EXTENSION_HTTP_PORT"] = "1"
    with pytest.raises(SecretUnavailable, match="ConnectionRefusedError"):
        await Deployment(environ).settings()


async def test_another_session_s_token_gets_nothing(environ: dict[str, str]) -> None:
    environ["AWS_SESSION_TOKEN"] = "another"
    with pytest.raises(SecretUnavailable, match="401"):
        await Deployment(environ).settings()


async def test_a_secret_is_read_at_most_once_a_minute(environ: dict[str, str], extension: FakeExtension) -> None:
    deployment = Deployment(environ)
    await deployment.settings()
    assert await deployment.renewed_url() is None
    assert len(extension.asked) == 2


@pytest.fixture
def role(postgres: Server) -> Iterator[str]:
    name = f"role_{secrets.token_hex(4)}"
    postgres.execute(f"CREATE ROLE {name} LOGIN PASSWORD 'new'")
    yield name
    postgres.execute(f"DROP ROLE {name}")


async def test_a_changed_password_is_asked_for_when_the_old_one_is_refused(
    postgres: Server, database: str, role: str
) -> None:
    at = urlsplit(postgres.tcp(database)).netloc.rpartition("@")[2]

    async def renewed() -> str:
        return f"postgresql://{role}:new@{at}/{database}"

    pool = await open_pool(f"postgresql://{role}:old@{at}/{database}", renewed=renewed)
    assert await pool.fetchval("SELECT current_user::text") == role
    pool.terminate()


async def test_without_a_new_password_the_refusal_stays(postgres: Server, database: str) -> None:
    at = urlsplit(postgres.tcp(database)).netloc.rpartition("@")[2]

    async def nothing() -> None:
        return None

    pool = await open_pool(f"postgresql://nobody:old@{at}/{database}", renewed=nothing)
    with pytest.raises(asyncpg.InvalidAuthorizationSpecificationError):
        await pool.fetchval("SELECT 1")
    pool.terminate()
