"""The event queue on Amazon SQS, first in first out within one call."""

import asyncio
import hashlib
from typing import Any

from smart_redirect.domain.event import ReceivedEvent
from smart_redirect.errors import QueueUnavailable


class SqsEventQueue:
    """The EventQueue on AWS; boto3 is imported, and a client made, when the first event comes."""

    def __init__(self, queue_url: str, client: Any = None) -> None:
        self._queue_url = queue_url
        self._client = client

    async def put(self, event: ReceivedEvent) -> None:
        """Return when SQS has the event; QueueUnavailable if it did not take it."""
        await asyncio.to_thread(self._send, event)

    def _send(self, event: ReceivedEvent) -> None:
        import botocore.exceptions

        try:
            self._opened().send_message(QueueUrl=self._queue_url, MessageBody=event.message(), **self._order(event))
        except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError) as error:
            raise QueueUnavailable(type(error).__name__) from error

    def _opened(self) -> Any:
        if self._client is None:
            import boto3
            from botocore.config import Config

            # A host waits for the answer, and sends the event again when there is none.
            limits = Config(connect_timeout=1, read_timeout=2, retries={"mode": "standard", "total_max_attempts": 2})
            self._client = boto3.client("sqs", config=limits)
        return self._client

    def _order(self, event: ReceivedEvent) -> dict[str, str]:
        if not self._queue_url.endswith(".fifo"):
            return {}
        call = hashlib.sha256(event.token_hash + event.unique_id.encode())
        same = hashlib.sha256(event.token_hash + f"{event.kind} {event.unique_id} {event.body}".encode())
        return {"MessageGroupId": call.hexdigest(), "MessageDeduplicationId": same.hexdigest()}
