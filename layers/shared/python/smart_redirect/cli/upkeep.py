"""smart-redirect migrate and maintain: the schema, the partitions and the retention of a deployment's database."""

import argparse

from smart_redirect.adapters.migrations import migrate
from smart_redirect.adapters.postgres.upkeep import delete_expired, make_partitions
from smart_redirect.cli.deployment import Commands, open_deployment
from smart_redirect.local.paths import MIGRATIONS


def add_commands(commands: Commands) -> None:
    """Add `migrate` and `maintain`."""
    parser = commands.add_parser("migrate", help="bring the schema up to date", description=migrate.__doc__)
    parser.set_defaults(run=_migrate)
    text = "Make the partitions of the coming months and delete calls and decisions older than each enterprise keeps."
    parser = commands.add_parser("maintain", help="make partitions, delete what has expired", description=text)
    parser.set_defaults(run=_maintain)


async def _migrate(_: argparse.Namespace) -> int:
    async with open_deployment() as deployment:
        applied = await migrate(deployment.connection, MIGRATIONS)
        await make_partitions(deployment.connection)
    print("\n".join(applied) or "the schema is up to date")
    return 0


async def _maintain(_: argparse.Namespace) -> int:
    async with open_deployment() as deployment:
        await make_partitions(deployment.connection)
        deleted = await delete_expired(deployment.connection)
    for table, count in deleted.items():
        print(f"{table}: {count} expired rows deleted")
    return 0
