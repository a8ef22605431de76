"""Asks for builds through Amazon SQS FIFO: one group an enterprise, one message a change."""

import asyncio
import json
from typing import Any

from smart_redirect.errors import QueueUnavailable


class SqsDialplanMessages:
    """The Messages on AWS; boto3 is imported, and a client made, when the first message goes."""

    def __init__(self, queue_url: str, client: Any = None) -> None:
        self._queue_url = queue_url
        self._client = client

    async def send(self, enterprise_id: int, change: int) -> None:
        """Return when SQS has the message; QueueUnavailable if it did not take it."""
        await asyncio.to_thread(self._send, enterprise_id, change)

    def _send(self, enterprise_id: int, change: int) -> None:
        import botocore.exceptions

        try:
            self._opened().send_message(
                QueueUrl=self._queue_url,
                MessageBody=json.dumps({"enterprise_id": enterprise_id, "change": change}),
                MessageGroupId=str(enterprise_id),
                MessageDeduplicationId=f"{enterprise_id}-{change}",
            )
        except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError) as error:
            raise QueueUnavailable(type(error).__name__) from error

    def _opened(self) -> Any:
        if self._client is None:
            import boto3
            from botocore.config import Config

            limits = Config(connect_timeout=1, read_timeout=2, retries={"mode": "standard", "total_max_attempts": 2})
            self._client = boto3.client("sqs", config=limits)
        return self._client
