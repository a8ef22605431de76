"""Answers in JSON, errors among them, for routes that Starlette serves."""

import json
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from smart_redirect.errors import RequestRefused, Unavailable
from smart_redirect.web.errors import status_of

logger = logging.getLogger(__name__)
Endpoint = Callable[[Request], Awaitable[Response]]


def answered(value: Any, status: int = 200) -> Response:
    """Return a value as JSON."""
    return Response(json.dumps(value, ensure_ascii=False), status, media_type="application/json")


def safe(endpoint: Endpoint) -> Endpoint:
    """Answer every error with its status; log those that are ours, without the path, which may hold a secret."""

    async def answer(request: Request) -> Response:
        try:
            return await endpoint(request)
        except (RequestRefused, Unavailable, TimeoutError) as error:
            return answered({"error": str(error) or type(error).__name__}, status_of(error))
        except Exception as error:
            logger.exception("a request failed")
            return answered({"error": "internal error"}, status_of(error))

    return answer
