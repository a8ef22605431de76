"""Demo data for a first look: loaded once, into a database that has no enterprise yet."""

import asyncpg

from smart_redirect.domain.token import token_hash
from smart_redirect.local.paths import DEMO

DEMO_TOKEN = "demo-token-0367"  # noqa: S105  known to everybody, so it counts from this machine only
DEMO_QUESTION = '{"UniqueId":"1795417798.0","Phone":"80291112233","TrunkId":"0001363","LoadDialPlan":"true"}'


async def load_demo(connection: asyncpg.Connection, key: bytes, key_id: int) -> bool:
    """Load enterprise 0367 unless there is any enterprise; tell whether it was loaded."""
    async with connection.transaction():
        await connection.execute("LOCK TABLE enterprises IN SHARE ROW EXCLUSIVE MODE")
        if await connection.fetchval("SELECT count(*) FROM enterprises"):
            return False
        await connection.execute((DEMO / "0367.sql").read_text(encoding="utf-8"))
        await connection.execute(
            "INSERT INTO call_tokens (token_hash, key_id, enterprise_id, label)"
            " SELECT $1, $2, id, 'demo' FROM enterprises WHERE number = '0367'",
            token_hash(key, DEMO_TOKEN),
            key_id,
        )
        return True
