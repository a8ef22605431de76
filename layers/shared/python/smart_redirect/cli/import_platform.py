"""smart-redirect import: takes an enterprise over from the database of an existing platform."""

import argparse
import contextlib
import csv
import time
import zoneinfo
from collections.abc import AsyncIterator, Iterator

import asyncpg

from smart_redirect.adapters.platform.source import PlatformDatabase, PlatformError
from smart_redirect.adapters.postgres.import_settings import PostgresTarget
from smart_redirect.cli.deployment import Commands, Deployment, open_deployment
from smart_redirect.cli.import_report import Terminal, print_outcome
from smart_redirect.domain.platform.move import Order
from smart_redirect.usecases.import_platform import ImportPlatform

_INCOMPLETE = 3
_TEXT = """\
Read an enterprise's settings, contacts and past calls from the PostgreSQL of an existing platform and write what is
not in our database yet. The platform's database is only read. Settings go in one transaction, contacts and calls in
batches; a second run changes nothing, and an interrupted one is simply repeated. docs/import.md says, column by
column, what becomes of what.
"""
_EPILOG = """\
A password need not stand in the address: PGPASSWORD and ~/.pgpass count. A role that may SELECT is enough.
Exit codes: 0 everything is taken over, 1 it could not be done and nothing more was written, 2 the command line is
wrong, 3 done, but the report names rows that were left out.
"""


def add_commands(commands: Commands) -> None:
    """Add `import`."""
    parser = commands.add_parser(
        "import",
        help="take an enterprise over from an existing platform",
        description=_TEXT,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--from-dsn", metavar="DSN", required=True, help="the platform's database: postgresql://reader@host/name")
    add("--enterprise", metavar="NUMBER", required=True, help="the enterprise, such as 0367")
    add("--dry-run", action="store_true", help="write nothing; print the report of what would be done")
    add("--prune", action="store_true", help="remove settings that the platform does not have (default: they stay)")
    add(
        "--gsm-digits",
        type=int,
        choices=range(1, 21),
        metavar="N",
        help="digits of a GSM line id, 1 to 20, where they are integers",
    )
    add("--country", default="BY", type=_country, help="of an enterprise that is new here, ISO 3166 (default: BY)")
    add(
        "--time-zone",
        default="Europe/Minsk",
        type=_zone,
        help="of an enterprise that is new here (default: %(default)s)",
    )
    add("--report", metavar="FILE", help="write every remark there as CSV: fate, table, id, reason")
    parser.set_defaults(run=_import)


def _country(value: str) -> str:
    if len(value) != 2 or not value.isascii() or not value.isalpha():
        raise argparse.ArgumentTypeError("two letters, such as BY")
    return value.upper()


def _zone(value: str) -> str:
    try:
        zoneinfo.ZoneInfo(value)
    except (ValueError, OSError, zoneinfo.ZoneInfoNotFoundError) as error:
        raise argparse.ArgumentTypeError(f"there is no time zone {value}") from error
    return value


async def _import(given: argparse.Namespace) -> int:
    # The file comes first: one that cannot be written must not be found out after the work.
    with _watch(given.report) as watch:
        async with open_deployment() as deployment, _platform(given.from_dsn) as platform:
            order = _order(given, deployment)
            target = PostgresTarget(deployment.connection, dry_run=order.dry_run)
            outcome = await ImportPlatform(platform, target, order, watch)()
    print_outcome(order, outcome)
    return 0 if outcome.report.complete else _INCOMPLETE


@contextlib.contextmanager
def _watch(path: str | None) -> Iterator[Terminal]:
    if path is None:
        yield Terminal()
        return
    with open(path, "w", encoding="utf-8", newline="") as file:
        yield Terminal(csv.writer(file).writerow)


def _order(given: argparse.Namespace, deployment: Deployment) -> Order:
    return Order(
        number=given.enterprise,
        key=deployment.settings.key_bytes,
        key_id=deployment.settings.key_id,
        now=time.time(),
        dry_run=given.dry_run,
        prune=given.prune,
        country=given.country,
        time_zone=given.time_zone,
        gsm_digits=given.gsm_digits,
    )


@contextlib.asynccontextmanager
async def _platform(dsn: str) -> AsyncIterator[PlatformDatabase]:
    """Connect to the platform; PlatformError without the address, which may hold a password."""
    try:
        connection = await asyncpg.connect(dsn, timeout=10)
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, ValueError) as error:
        what = str(error) if isinstance(error, asyncpg.PostgresError | OSError) else "the address cannot be read"
        raise PlatformError(f"the platform's database: {what or type(error).__name__}") from error
    try:
        async with PlatformDatabase.reading(connection) as platform:
            yield platform
    finally:
        await connection.close(timeout=5)
