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


class Counter:
    """Stands for asyncpg: remembers how many connections are asked for, and gives none."""

    def __init__(self) -> None:
        self.count = 0

    async def create_pool(self, *_: Any, max_size: int, **__: Any) -> Any:
        self.count += max_size
        return SimpleNamespace(terminate=lambda: None)

    async def connect(self, *_: Any, **__: Any) -> Any:
        self.count += 1
        raise OSError("none here")


def main(handlers: dict[str, str]) -> None:
    """Print on the last line how many connections each function may open, by its logical name."""
    os.environ.update(VARIABLES)
    found = {name: _of(handler, EVENTS[name][0]) for name, handler in handlers.items()}
    print(f"\n{json.dumps(found)}")


def _of(handler: str, event: dict[str, Any]) -> int:
    counter = Counter()
    asyncpg.create_pool, asyncpg.connect = counter.create_pool, counter.connect
    module, _, name = handler.rpartition(".")
    with suppress(Exception):
        getattr(importlib.import_module(module), name)(event, CONTEXT)
    return counter.count


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
