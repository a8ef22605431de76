"""Puts the log subscription's handler together: it stores the decision records that the call path printed."""

import base64
import binascii
import gzip
import json
import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from smart_redirect.adapters.postgres.decisions import GUILTY, PostgresDecisions
from smart_redirect.adapters.postgres.pool import open_pool
from smart_redirect.bootstrap.deployment import Deployment
from smart_redirect.web.process import Process

logger = logging.getLogger(__name__)


@asynccontextmanager
async def _open() -> AsyncIterator[PostgresDecisions]:
    deployment = Deployment(os.environ)
    settings = await deployment.settings()
    statements = settings.statement_cache
    pool = await open_pool(settings.database_url, size=1, statement_cache=statements, renewed=deployment.renewed_url)
    try:
        yield PostgresDecisions(pool)
    finally:
        pool.terminate()


class StoreDecisions:
    """Stores what CloudWatch Logs delivers; raises while the database takes none, so that it is delivered again."""

    def __init__(self) -> None:
        self._process = Process(_open)

    def __call__(self, event: dict[str, Any], _context: Any) -> dict[str, int]:
        """Store one delivery; return how many records were stored and how many the table refused."""
        lines = _decisions(event["awslogs"]["data"])
        stored = self._process.run(lambda decisions: _store(decisions, lines)) if lines else 0
        return {"stored": stored, "refused": len(lines) - stored}

    def close(self) -> None:
        """Close what was opened: for tests."""
        self._process.close()


async def _store(decisions: PostgresDecisions, lines: list[str]) -> int:
    """Store all at once, and one by one only if the table refuses one of them."""
    try:
        await decisions.append(lines)
    except GUILTY:
        return sum([await _store_one(decisions, line) for line in lines])
    return len(lines)


async def _store_one(decisions: PostgresDecisions, line: str) -> bool:
    try:
        await decisions.append([line])
    except GUILTY as error:
        logger.warning("a record is not stored: %s", type(error).__name__)
        return False
    return True


def _decisions(data: str) -> list[str]:
    """Return the decision records of a delivery; ValueError if it is none of CloudWatch's."""
    try:
        delivery = json.loads(gzip.decompress(base64.b64decode(data)))
    except (binascii.Error, OSError) as error:
        raise ValueError("not a delivery of CloudWatch Logs") from error
    return [each["message"] for each in delivery.get("logEvents", []) if _is_decision(each["message"])]


def _is_decision(message: str) -> bool:
    try:
        record = json.loads(message)
    except ValueError:
        return False
    return isinstance(record, dict) and {"at", "enterprise", "trace"} <= set(record)
