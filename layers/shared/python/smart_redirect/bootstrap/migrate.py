"""Puts the handler together that brings the database to the bundle's schema, before the bundle gets its first call."""

import asyncio
import logging
import os
from pathlib import Path
from typing import Any

import asyncpg

from smart_redirect.adapters.migrations import migrate
from smart_redirect.adapters.postgres.upkeep import make_partitions
from smart_redirect.bootstrap.deployment import Deployment

logger = logging.getLogger(__name__)
_HOOK = "LifecycleEventHookExecutionId"


class MigrateHandler:
    """Runs by hand after the first deploy, and before each change of traffic as CodeDeploy's hook."""

    def __call__(self, event: dict[str, Any], _context: Any) -> dict[str, list[str]]:
        """Return the names of the migrations that were applied; CodeDeploy is told whether the new code may run."""
        try:
            applied = asyncio.run(_migrate(Path(os.environ["LAMBDA_TASK_ROOT"]) / "migrations"))
        except Exception:
            _tell_codedeploy(event, "Failed")
            raise
        _tell_codedeploy(event, "Succeeded")
        return {"applied": applied}


async def _migrate(folder: Path) -> list[str]:
    settings = await Deployment(os.environ).settings()
    connection = await asyncpg.connect(settings.database_url, statement_cache_size=settings.statement_cache)
    try:
        applied = await migrate(connection, folder)
        await make_partitions(connection)
    finally:
        await connection.close(timeout=5)
    return applied


def _tell_codedeploy(event: dict[str, Any], status: str) -> None:
    if _HOOK in event:
        import boto3

        boto3.client("codedeploy").put_lifecycle_event_hook_execution_status(
            deploymentId=event["DeploymentId"], lifecycleEventHookExecutionId=event[_HOOK], status=status
        )
