"""The call path's function on AWS Lambda, invoked beside its calls to keep its environments warm."""

import asyncio
import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from smart_redirect.errors import FunctionUnavailable
from smart_redirect.usecases.ports_warm import Warmed

# An environment that has answered takes the next invocation too: each holds its own until all others have come.
_HOLD_MS = 50


class LambdaCallFunction:
    """The CallFunction by boto3, which is imported, and a client made, when the first invocation is.

    It has as many threads as invocations at once: asyncio's own pool has six on a small function, and the seventh
    would find an environment that is free again.
    """

    def __init__(self, name: str, at_once: int, client: Any = None) -> None:
        self._name = name
        self._at_once = max(1, at_once)
        self._client = client
        self._threads = ThreadPoolExecutor(self._at_once, thread_name_prefix="warm")

    async def warm(self, enterprise_ids: Sequence[int]) -> Warmed:
        """Invoke the function and wait for its answer; FunctionUnavailable names AWS's code, never a payload."""
        event = {"warm": True, "hold_ms": _HOLD_MS, "enterprises": list(enterprise_ids)}
        if self._client is None:
            self._client = await asyncio.get_running_loop().run_in_executor(self._threads, self._open)
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._invoke, json.dumps(event).encode())

    def close(self) -> None:
        """Let the threads go."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _invoke(self, payload: bytes) -> Warmed:
        import botocore.exceptions

        try:
            answer = self._client.invoke(FunctionName=self._name, InvocationType="RequestResponse", Payload=payload)
            text = answer["Payload"].read()
        except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError) as error:
            code = getattr(error, "response", {}).get("Error", {}).get("Code", "")
            raise FunctionUnavailable(f"Lambda: {code or type(error).__name__}") from error
        if "FunctionError" in answer:
            raise FunctionUnavailable(f"the call path failed: {answer['FunctionError']}")
        return _read(text)

    def _open(self) -> Any:
        import boto3
        from botocore.config import Config

        # A start takes a second at most, the function 3 s. One attempt: the next minute tries again.
        limits = Config(
            connect_timeout=2,
            read_timeout=5,
            retries={"mode": "standard", "total_max_attempts": 1},
            max_pool_connections=self._at_once,
        )
        return boto3.client("lambda", config=limits)


def _read(text: bytes) -> Warmed:
    try:
        value = json.loads(text)
        return Warmed(value["environment"], value["cold"], value["warm"], value["snapshots"])
    except (ValueError, KeyError, TypeError) as error:
        raise FunctionUnavailable("the call path answered something else") from error
