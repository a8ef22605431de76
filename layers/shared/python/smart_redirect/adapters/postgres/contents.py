"""Texts of releases in the database: what a deployment without S3 and without a folder of its own uses."""

from typing import Any

import asyncpg

from smart_redirect.adapters.postgres.dialplan import borrowed
from smart_redirect.adapters.postgres.queries import load


class PostgresContents:
    """The ReleaseStore in a table."""

    def __init__(self, pool: "asyncpg.Pool[Any]") -> None:
        self._pool = pool
        self._queries = load("dialplan")

    async def put(self, sha256: str, packed: bytes) -> None:
        """Keep a text; a second time makes it young again, so that the upkeep leaves it alone."""
        async with borrowed(self._pool) as connection:
            await connection.execute(self._queries["put_content"], sha256, packed)

    async def get(self, sha256: str) -> bytes | None:
        """Return a text, None if it is not there."""
        async with borrowed(self._pool) as connection:
            packed: bytes | None = await connection.fetchval(self._queries["get_content"], sha256)
            return packed
