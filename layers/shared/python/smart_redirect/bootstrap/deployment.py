"""The settings of a function on Lambda: its environment, with what the named secrets say over it."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import quote, urlsplit, urlunsplit

from smart_redirect.adapters.secrets_extension import SecretsExtension
from smart_redirect.adapters.secrets_manager import SecretsManager
from smart_redirect.errors import SecretUnavailable
from smart_redirect.settings import Settings, from_environ, variable

_DATABASE_URL, _SECRETS = variable("database_url"), variable("secrets")
_PAUSE = 60.0
# For all secrets together; below the three seconds that Lambda gives a call's function.
_SECONDS = 1.5
Clock = Callable[[], float]
Parse = Callable[[Mapping[str, str]], Settings]
Read = Callable[[str], Awaitable[dict[str, str]]]


class Deployment:
    """Reads the settings, and on demand as they are now, at most once a minute.

    A secret comes through the extension, which keeps it for a while, or, where the extension refuses, from Secrets
    Manager itself; what is wanted as it is now, the other way round.
    """

    def __init__(self, environ: Mapping[str, str], clock: Clock = time.monotonic, parse: Parse = from_environ) -> None:
        self._environ = environ
        self._clock = clock
        self._parse = parse
        self._manager = SecretsManager(environ)
        self._tried_at = float("-inf")
        self._renewing: asyncio.Task[Settings] | None = None

    @property
    def has_secrets(self) -> bool:
        """Tell whether anything could be renewed."""
        return bool(self._environ.get(_SECRETS))

    async def settings(self) -> Settings:
        """Return the settings; SettingInvalid names a variable, SecretUnavailable says who refused what."""
        return await self._settings(self._extension().read, self._manager.read)

    async def renewed(self) -> Settings | None:
        """Return the settings as they are now; None: there are no secrets, or they were asked for just now.

        SecretUnavailable when nobody gives them. They are read in a task of its own: who has no time left, as a call,
        leaves what was begun to the next.
        """
        if self._renewing is None:
            if not self.has_secrets or self._clock() - self._tried_at < _PAUSE:
                return None
            self._renewing = asyncio.create_task(self._settings(self._manager.read, self._extension().read))
        renewing = self._renewing
        try:
            return await asyncio.shield(renewing)
        finally:
            if renewing.done():
                self._renewing = None

    async def renewed_url(self) -> str | None:
        """Return the address of the database after its password was refused; None: not now, or not to be had."""
        try:
            settings = await self.renewed()
        except SecretUnavailable:
            return None
        return settings.database_url if settings else None

    async def _settings(self, *readers: Read) -> Settings:
        self._tried_at = self._clock()
        named = [each.strip() for each in self._environ.get(_SECRETS, "").split(",") if each.strip()]
        members: dict[str, str] = {}
        for found in await _all(named, readers):
            members |= found
        return self._parse(_merged(self._environ, members))

    def _extension(self) -> SecretsExtension:
        port = int(self._environ.get("PARAMETERS_SECRETS_EXTENSION_HTTP_PORT") or 2773)
        return SecretsExtension(self._environ.get("AWS_SESSION_TOKEN", ""), port)


async def _all(named: list[str], readers: tuple[Read, ...]) -> list[dict[str, str]]:
    """Read all secrets at the same time; none is left half read when another is refused."""
    try:
        async with asyncio.timeout(_SECONDS), asyncio.TaskGroup() as group:
            reads = [group.create_task(_first(readers, each)) for each in named]
    except TimeoutError:
        raise SecretUnavailable("the secrets took too long") from None
    except ExceptionGroup as several:
        raise several.exceptions[0] from None
    return [each.result() for each in reads]


async def _first(readers: tuple[Read, ...], secret_id: str) -> dict[str, str]:
    """Return the secret from the first who gives it."""
    refusals: list[str] = []
    for read in readers:
        try:
            return await read(secret_id)
        except SecretUnavailable as error:
            refusals.append(str(error))
    raise SecretUnavailable("; ".join(refusals))


def _merged(environ: Mapping[str, str], members: dict[str, str]) -> dict[str, str]:
    """Lay the members that are variables over the environment, and user and password into the address."""
    merged = {**environ, **members}
    if "username" in members and "password" in members:
        parts = urlsplit(merged.get(_DATABASE_URL, ""))
        account = f"{quote(members['username'], safe='')}:{quote(members['password'], safe='')}"
        host = parts.netloc.rpartition("@")[2]
        merged[_DATABASE_URL] = urlunsplit(parts._replace(netloc=f"{account}@{host}"))
    return merged
