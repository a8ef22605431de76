"""HTTP functions that know the operator's key: a new one opens soon, and a replaced one is dead within minutes."""

import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from typing import Any

from smart_redirect.adapters.postgres.pool import RenewedUrl
from smart_redirect.bootstrap.checked_settings import checked_deployment
from smart_redirect.bootstrap.deployment import Clock, Deployment
from smart_redirect.errors import SecretUnavailable
from smart_redirect.settings import Settings
from smart_redirect.web.lambda_runtime import LambdaRuntime

logger = logging.getLogger(__name__)
# Seconds for which a key is believed without being read again.
_BELIEVED = 300.0
_REFUSED = 403
OpenApplication = Callable[[Settings, RenewedUrl], AbstractAsyncContextManager[Any]]


class OperatedRuntime(LambdaRuntime):
    """Opens its application with the settings, and anew when secrets have changed.

    They are read again before a request that brings a key when they are five minutes old, and when a key is refused,
    at most once a minute (see Deployment.renewed). While nobody gives them, no operator's key is believed.
    """

    def __init__(self, open_application: OpenApplication, clock: Clock = time.monotonic) -> None:
        super().__init__(self._open)
        self._open_application = open_application
        self._clock = clock
        self._deployment: Deployment | None = None
        self._settings: Settings | None = None
        self._read_at = 0.0

    def __call__(self, event: dict[str, Any], context: Any) -> dict[str, Any]:
        """Answer one event; what is refused by an old key is answered by the new one."""
        self.prepare()
        if not _brings_a_key(event):
            return super().__call__(event, context)
        if self._clock() - self._read_at >= _BELIEVED:
            self._renew()
        answer = super().__call__(event, context)
        if answer["statusCode"] == _REFUSED and self._renew():
            answer = super().__call__(event, context)
        return answer

    def _renew(self) -> bool:
        """Read the settings as they are now, and tell whether they are others."""
        if self._deployment is None or self._settings is None:
            return False
        try:
            settings = self.loop().run_until_complete(self._deployment.renewed())
        except SecretUnavailable as error:
            logger.warning("no operator's key is believed until it can be read again: %s", error)
            return self._take(replace(self._settings, operator_key=""))
        if settings is None:
            return False
        self._read_at = self._clock()
        return self._take(settings)

    def _take(self, settings: Settings) -> bool:
        is_new = settings != self._settings
        self._settings = settings
        if is_new:
            self.reopen()
        return is_new

    @asynccontextmanager
    async def _open(self) -> AsyncIterator[Any]:
        self._deployment = self._deployment or checked_deployment(self._clock)
        if self._settings is None:
            self._settings = await self._deployment.settings()
            self._read_at = self._clock()
        async with self._open_application(self._settings, self._deployment.renewed_url) as application:
            yield application


def _brings_a_key(event: dict[str, Any]) -> bool:
    return any(name.lower() == "authorization" for name in event.get("headers") or ())
