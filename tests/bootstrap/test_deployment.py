"""On Lambda the settings are the environment with the named secrets over it, and a refused password is asked for anew."""

import asyncio
import secrets
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import asyncpg
import pytest

from smart_redirect.adapters.postgres.pool import open_pool
from smart_redirect.bootstrap.deployment import Deployment
from smart_redirect.errors import SecretUnavailable
from tests.conftest import Server
from tests.fakes.secrets_extension import TOKEN, FakeExtension
from tests.fakes.secrets_manager import FakeSecretsManager

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


@pytest.fixture
def manager(environ: dict[str, str]) -> Iterator[FakeSecretsManager]:
    """Secrets Manager itself, with the key of a minute ago already replaced."""
    with FakeSecretsManager() as manager:
        manager.put("database", username="u", password="p")
        manager.put("key", SMART_REDIRECT_KEY="n" * 64)
        environ |= manager.variables() | {"SMART_REDIRECT_SECRETS": "database,key"}
        yield manager


async def test_in_the_init_phase_secrets_come_from_secrets_manager_itself(
    environ: dict[str, str], extension: FakeExtension, manager: FakeSecretsManager
) -> None:
    extension.is_initialising = True
    assert (await Deployment(environ).settings()).key == "n" * 64
    assert sorted(extension.asked) == sorted(manager.asked) == ["database", "key"]


async def test_a_restored_function_has_no_session_token_and_reads_its_secrets(
    environ: dict[str, str], extension: FakeExtension, manager: FakeSecretsManager
) -> None:
    extension.has_session = False
    for name in ("AWS_SESSION_TOKEN", "AWS_ACCESS_KEY_ID"):
        del environ[name]
    settings = await Deployment({**environ, **manager.variables_of_a_restored_function()}).settings()
    assert (settings.key, extension.asked) == ("n" * 64, [])


async def test_secrets_are_read_at_the_same_time(
    environ: dict[str, str], extension: FakeExtension, manager: FakeSecretsManager
) -> None:
    extension.is_initialising, manager.delay = True, 0.3
    began = time.monotonic()
    await Deployment(environ).settings()
    assert time.monotonic() - began < 0.55


async def test_all_secrets_have_one_limit(
    environ: dict[str, str], extension: FakeExtension, manager: FakeSecretsManager
) -> None:
    extension.is_initialising, manager.delay = True, 3.0
    began = time.monotonic()
    with pytest.raises(SecretUnavailable, match="too long"):
        await Deployment(environ).settings()
    assert time.monotonic() - began < 2.5
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_an_extension_that_is_not_ready_is_unavailable(environ: dict[str, str], extension: FakeExtension) -> None:
    extension.is_initialising = True
    with pytest.raises(SecretUnavailable, match="400; Secrets Manager: no credentials"):
        await Deployment(environ).settings()
    assert asyncio.all_tasks() == {asyncio.current_task()}


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


async def test_what_was_refused_is_read_past_what_the_extension_keeps(
    environ: dict[str, str], extension: FakeExtension, manager: FakeSecretsManager
) -> None:
    times = iter([0.0, 61.0, 61.0])
    for each in ("database", "key"):
        extension.put(each, DATABASE_URL="postgresql://old@db/calls")
    deployment = Deployment(environ, lambda: next(times))
    assert (await deployment.settings()).database_url == "postgresql://old@db/calls"
    assert await deployment.renewed_url() == "postgresql://u:p@db.example.com:5432/calls?sslmode=verify-full"


async def test_who_has_no_time_left_leaves_the_renewal_to_the_next(
    environ: dict[str, str], manager: FakeSecretsManager, extension: FakeExtension
) -> None:
    times = iter([0.0, 61.0, 61.0, 62.0])
    for each in ("database", "key"):
        extension.put(each, DATABASE_URL="postgresql://old@db/calls")
    deployment = Deployment(environ, lambda: next(times))
    await deployment.settings()
    manager.delay = 0.3
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(deployment.renewed_url(), 0.1)
    assert await deployment.renewed_url() == "postgresql://u:p@db.example.com:5432/calls?sslmode=verify-full"
    assert sorted(manager.asked) == ["database", "key"]


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
