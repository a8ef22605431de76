"""The settings of a function on Lambda: its environment, with what the named secrets say over it."""

import time
from collections.abc import Mapping
from urllib.parse import quote, urlsplit, urlunsplit

from smart_redirect.adapters.secrets_extension import SecretsExtension
from smart_redirect.errors import SecretUnavailable
from smart_redirect.settings import Settings, from_environ, variable

_DATABASE_URL, _SECRETS = variable("database_url"), variable("secrets")
_PAUSE = 60.0


class Deployment:
    """Reads the settings, and on demand the address of the database anew, at most once a minute."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._read_at = float("-inf")

    async def settings(self) -> Settings:
        """Return the settings; SettingInvalid names a variable, SecretUnavailable says what the extension did."""
        self._read_at = time.monotonic()
        named = [each.strip() for each in self._environ.get(_SECRETS, "").split(",") if each.strip()]
        if not named:
            return from_environ(self._environ)
        extension = SecretsExtension(self._environ.get("AWS_SESSION_TOKEN", ""), self._port())
        members: dict[str, str] = {}
        for secret_id in named:
            members |= await extension.read(secret_id)
        return from_environ(_merged(self._environ, members))

    async def renewed_url(self) -> str | None:
        """Return the address of the database after its password was refused; None: not now, or not to be had."""
        if not self._environ.get(_SECRETS) or time.monotonic() - self._read_at < _PAUSE:
            return None
        try:
            return (await self.settings()).database_url
        except SecretUnavailable:
            return None

    def _port(self) -> int:
        return int(self._environ.get("PARAMETERS_SECRETS_EXTENSION_HTTP_PORT") or 2773)


def _merged(environ: Mapping[str, str], members: dict[str, str]) -> dict[str, str]:
    """Lay the members that are variables over the environment, and user and password into the address."""
    merged = {**environ, **members}
    if "username" in members and "password" in members:
        parts = urlsplit(merged.get(_DATABASE_URL, ""))
        account = f"{quote(members['username'], safe='')}:{quote(members['password'], safe='')}"
        host = parts.netloc.rpartition("@")[2]
        merged[_DATABASE_URL] = urlunsplit(parts._replace(netloc=f"{account}@{host}"))
    return merged
