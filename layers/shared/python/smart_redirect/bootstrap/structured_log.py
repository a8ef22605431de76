"""Structured logs with correlation, by Powertools, for the functions that are not on the call path."""

from collections.abc import Callable
from typing import Any

from aws_lambda_powertools import Logger

# All our modules log below this name, and Powertools names its logger after the service.
_SERVICE = "smart_redirect"


class Correlated:
    """A handler whose log lines are JSON with the request's id, the function, and what each line says of itself.

    Behind API Gateway they have its id too, which the access log and the client's answer show.
    Lines name what they are about by `extra`: enterprise_id, connection_id, unique_id. The logger is made by the
    first event, so that importing a function does nothing.
    """

    def __init__(self, handler: Callable[[dict[str, Any], Any], Any]) -> None:
        self.handler = handler
        self._logger: Logger | None = None

    def __call__(self, event: dict[str, Any], context: Any) -> Any:
        """Handle one event."""
        self._logger = self._logger or Logger(service=_SERVICE)
        keys = {"request_id": getattr(context, "aws_request_id", ""), "function": getattr(context, "function_name", "")}
        if gateway_request := event.get("requestContext", {}).get("requestId"):
            keys["gateway_request"] = gateway_request
        self._logger.append_keys(**keys)
        try:
            return self.handler(event, context)
        finally:
            self._logger.remove_keys(list(keys))
