"""What every command needs: the settings and a connection to the deployment's database."""

import argparse
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any

import asyncpg

from smart_redirect.bootstrap.checked_settings import read_settings
from smart_redirect.errors import SmartRedirectError
from smart_redirect.local.embedded import dsn_of_running
from smart_redirect.local.key import read_or_make_key
from smart_redirect.local.paths import within_checkout
from smart_redirect.settings import Settings

Commands = Any


class NoSuchEnterpriseError(SmartRedirectError):
    """The command names an enterprise that is not there."""


class NoDatabaseError(SmartRedirectError):
    """No database is named and the embedded one does not run."""


@dataclass(frozen=True, slots=True)
class Deployment:
    """An open connection and the settings it was opened by."""

    settings: Settings
    connection: asyncpg.Connection

    async def enterprise_id(self, number: str) -> int:
        """Return an enterprise's id; NoSuchEnterpriseError names the number."""
        found = await self.connection.fetchval("SELECT id FROM enterprises WHERE number = $1", number)
        if found is None:
            raise NoSuchEnterpriseError(f"there is no enterprise {number}")
        return int(found)


def read_deployment_settings() -> Settings:
    """Return the settings as the local server has them, with the database's address and the key."""
    settings = read_settings()
    data_dir = within_checkout(settings.data_dir)
    url = settings.database_url or dsn_of_running(data_dir / "postgres")
    if url is None:
        raise NoDatabaseError("no database: set DATABASE_URL, or start the local server (`make run`) first")
    return replace(settings, database_url=url, key=settings.key or read_or_make_key(data_dir))


@contextlib.asynccontextmanager
async def open_deployment() -> AsyncIterator[Deployment]:
    """Yield a connection to the deployment's database."""
    settings = read_deployment_settings()
    connection = await asyncpg.connect(settings.database_url, timeout=10)
    try:
        yield Deployment(settings, connection)
    finally:
        await connection.close(timeout=5)


def add_scope(parser: argparse.ArgumentParser) -> None:
    """Add the choice between one enterprise and all."""
    scope = parser.add_mutually_exclusive_group(required=True)
    scope.add_argument("--enterprise", metavar="NUMBER", help="one enterprise, such as 0367")
    scope.add_argument("--all", action="store_true", help="every enterprise of the deployment")
