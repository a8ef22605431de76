"""Counts the connections that one environment of each function may open: `python -m tests.infra.connections FUNCTION…`.

A process of its own, because it puts a counter in the place of asyncpg.
"""

import importlib
import json
import os
import sys
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

import asyncpg

from tests.aws.test_iam import EVENTS

VARIABLES = {
    "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nothing",
    "SMART_REDIRECT_KEY": "k" * 64,
    "SMART_REDIRECT_QUEUE_URL": "http://127.0.0.1:1/1/events.fifo",
    "SMART_REDIRECT_RELEASES_BUCKET": "releases",
    "LAMBDA_TASK_ROOT": "/nowhere",
    "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
    "AWS_MAX_ATTEMPTS": "1",
    "AWS_DEFAULT_REGION": "eu-central-1",
    "AWS_ACCESS_KEY_ID": "x",
    "AWS_SECRET_ACCESS_KEY": "x",
}
CONTEXT = SimpleNamespace(aws_request_id="1", function_name="f", get_remaining_time_in_millis=lambda: 1000)

pools: list[int] = []  # what each may open
alone: list[None] = []  # one for each connection without a pool, and for each that a pool tries
make = asyncpg.Pool.__init__


def main(handlers: dict[str, str]) -> None:
    """Print on the last line how many connections each function may open, by its logical name."""
    os.environ.update(VARIABLES)
    asyncpg.Pool.__init__, asyncpg.connect = _made, _connect
    found = {name: _of(handler, EVENTS[name][0]) for name, handler in handlers.items()}
    print(f"\n{json.dumps(found)}")


def _of(handler: str, event: dict[str, Any]) -> int:
    pools.clear()
    alone.clear()
    module, _, name = handler.rpartition(".")
    with suppress(Exception):
        getattr(importlib.import_module(module), name)(event, CONTEXT)
    return sum(pools) if pools else len(alone)


def _made(pool: asyncpg.Pool, *given: Any, max_size: int, **options: Any) -> None:
    pools.append(max_size)
    make(pool, *given, max_size=max_size, **options)


async def _connect(*_given: Any, **_options: Any) -> None:
    alone.append(None)
    raise OSError("none here")


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
