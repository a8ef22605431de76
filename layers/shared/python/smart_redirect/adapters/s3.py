"""Texts of releases in Amazon S3."""

import asyncio
from typing import Any

from smart_redirect.errors import StoreUnavailable

_PREFIX = "releases/"


class S3Contents:
    """The ReleaseStore in a bucket; boto3 is imported, and a client made, when it is first needed."""

    def __init__(self, bucket: str, client: Any = None) -> None:
        self._bucket = bucket
        self._client = client

    async def put(self, sha256: str, packed: bytes) -> None:
        """Keep a text; StoreUnavailable if S3 did not take it."""
        await asyncio.to_thread(self._call, "put_object", Key=self._key(sha256), Body=packed, ContentEncoding="gzip")

    async def get(self, sha256: str) -> bytes | None:
        """Return a text, None if it is not there."""
        return await asyncio.to_thread(self._get, sha256)

    def _key(self, sha256: str) -> str:
        return f"{_PREFIX}{sha256}.conf.gz"

    def _get(self, sha256: str) -> bytes | None:
        found = self._call("get_object", Key=self._key(sha256))
        return None if found is None else found["Body"].read()

    def _call(self, name: str, **given: Any) -> Any:
        """Call S3; None when the object is not there."""
        import botocore.exceptions

        try:
            return getattr(self._opened(), name)(Bucket=self._bucket, **given)
        except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError) as error:
            code = getattr(error, "response", {}).get("Error", {}).get("Code", "")
            if code == "NoSuchKey":
                return None
            raise StoreUnavailable(f"S3: {code or type(error).__name__}") from error

    def _opened(self) -> Any:
        if self._client is None:
            import boto3
            from botocore.config import Config

            limits = Config(connect_timeout=2, read_timeout=10, retries={"mode": "standard", "total_max_attempts": 3})
            self._client = boto3.client("s3", config=limits)
        return self._client
