"""Sends one and the same request to the local application and, as an API Gateway event, to the Lambda handler."""

import base64
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx


@dataclass(frozen=True, slots=True)
class Sent:
    """A request as a host sends it."""

    path: str
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()
    method: str = "POST"


@dataclass(frozen=True, slots=True)
class Answered:
    """What came back."""

    status: int
    body: bytes


async def ask_locally(application: Any, sent: Sent) -> Answered:
    """Ask the local server's application."""
    transport = httpx.ASGITransport(application, client=("127.0.0.1", 50000))
    async with httpx.AsyncClient(transport=transport, base_url="http://local") as client:
        response = await client.request(sent.method, sent.path, content=sent.body, headers=list(sent.headers))
    return Answered(response.status_code, response.content)


def rest_event(sent: Sent) -> dict[str, Any]:
    """Return the event of a REST API (payload 1.0) with binary media types `*/*`."""
    return {
        "resource": sent.path,
        "path": sent.path,
        "httpMethod": sent.method,
        "headers": dict(sent.headers),
        "multiValueHeaders": {name: [value] for name, value in sent.headers},
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "requestContext": {"stage": "live", "identity": {"sourceIp": "127.0.0.1"}},
        "body": base64.b64encode(sent.body).decode(),
        "isBase64Encoded": True,
    }


def http_event(sent: Sent) -> dict[str, Any]:
    """Return the event of an HTTP API (payload 2.0)."""
    return {
        "version": "2.0",
        "routeKey": f"{sent.method} {sent.path}",
        "rawPath": sent.path,
        "rawQueryString": "",
        "headers": {name.lower(): value for name, value in sent.headers},
        "requestContext": {
            "stage": "$default",
            "http": {"method": sent.method, "path": sent.path, "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1"},
        },
        "body": base64.b64encode(sent.body).decode(),
        "isBase64Encoded": True,
    }


def ask_lambda(handler: Callable[[dict[str, Any], Any], dict[str, Any]], event: dict[str, Any]) -> Answered:
    """Ask a Lambda handler, and read its answer as API Gateway does."""
    answer = handler(event, None)
    body = answer["body"]
    return Answered(answer["statusCode"], base64.b64decode(body) if answer["isBase64Encoded"] else body.encode())
