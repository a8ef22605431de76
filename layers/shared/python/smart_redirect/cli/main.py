"""The smart-redirect command: the switches, tokens, hosts, dialplans, CRMs, events and upkeep of a deployment."""

import argparse
import asyncio
import sys
from collections.abc import Sequence

import asyncpg

from smart_redirect.cli import backup, crm, dialplan, events, host, import_platform, switch, token, upkeep
from smart_redirect.errors import SmartRedirectError

_EPILOG = """\
The database is the one that DATABASE_URL names, else the embedded one of this checkout (it must be running).
Exit codes: 0 done, 1 it could not be done, 2 the command line is wrong.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    given = _parser().parse_args(arguments)
    try:
        return int(asyncio.run(given.run(given)))
    except (SmartRedirectError, asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
        print(f"smart-redirect: {error}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="smart-redirect",
        description="Run a Smart Redirect deployment.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for module in (switch, token, host, dialplan, crm, events, import_platform, upkeep, backup):
        module.add_commands(commands)
    return parser
