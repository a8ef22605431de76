"""The database of the local server: the one that DATABASE_URL names, or an embedded one; migrated before use."""

import asyncio
import contextlib
import logging
from collections.abc import Iterator

import asyncpg

from smart_redirect.adapters.migrations import migrate
from smart_redirect.adapters.postgres.losses import type_of_loss
from smart_redirect.adapters.postgres.upkeep import make_partitions
from smart_redirect.local.demo import load_demo
from smart_redirect.local.embedded import EmbeddedPostgres
from smart_redirect.local.paths import MIGRATIONS, within_checkout
from smart_redirect.settings import Settings

logger = logging.getLogger(__name__)
# What may pass by itself: no answer, and also a refusal (too many connections, read-only, a database not made yet).
not_now = (*type_of_loss, asyncpg.PostgresError)


@contextlib.contextmanager
def database(settings: Settings) -> Iterator[str]:
    """Yield the address of a running database; starts the embedded one when none is given."""
    if settings.database_url:
        yield settings.database_url
        return
    with EmbeddedPostgres(within_checkout(settings.data_dir) / "postgres") as server:
        yield server.dsn


async def prepare_database(settings: Settings) -> None:
    """Migrate, make this month's partitions and the next ones, and load the demo data if wished."""
    connection = await asyncpg.connect(settings.database_url, timeout=5)
    try:
        await _prepare(connection, settings)
    except BaseException:
        # Closing politely would wait for a server that may be gone, and hide that we were cancelled.
        connection.terminate()
        raise
    await connection.close(timeout=5)


async def _prepare(connection: asyncpg.Connection, settings: Settings) -> None:
    for name in await migrate(connection, MIGRATIONS):
        logger.info("applied migration %s", name)
    await make_partitions(connection)
    if settings.demo and await load_demo(connection, settings.key_bytes, settings.key_id):
        logger.info("loaded the demo enterprise 0367")


async def prepare_patiently(settings: Settings, every: float = 1.0) -> None:
    """Repeat until the database can be prepared: calls are answered with nothing meanwhile, never with an error."""
    told = ""
    while True:
        try:
            await prepare_database(settings)
        except not_now as error:
            reason = reason_of(error)
            if reason != told:
                logger.warning("the database cannot be prepared yet: %s", reason)
            told = reason
            await asyncio.sleep(every)
        else:
            return


def reason_of(error: BaseException) -> str:
    """Return what the log may say of a failure: its first line, because the lines after it may quote rows."""
    first, *_ = str(error).splitlines() or [""]
    return f"{type(error).__name__}: {first}" if first else type(error).__name__
