"""Writes infra/schema.sql: the schema that the migrations lead to, as pg_dump tells it."""

import argparse
import asyncio
import re
import tempfile
from pathlib import Path

import asyncpg

from smart_redirect.adapters.migrations import migrate
from smart_redirect.local.account import Account
from smart_redirect.local.binaries import EmbeddedPostgresError
from smart_redirect.local.embedded import EmbeddedPostgres
from smart_redirect.local.server_settings import TEST_SETTINGS

HEADER = "-- Generated from infra/migrations by: python -m smart_redirect.local.schema\n\n"

# Partitions of one month each: which of them exist depends on the day.
MONTHS = "*_20[0-9][0-9]_[0-9][0-9]"

# Titles of objects, versions of the server and of pg_dump, and its random tokens: noise in every comparison.
_NOISE = re.compile(r"^(--|-- (Name|Dumped|PostgreSQL database dump).*|\\(un)?restrict .*)\n", re.MULTILINE)


def schema_of(migrations: Path) -> str:
    """Text of the schema after all migrations, made on a throw-away server."""
    with tempfile.TemporaryDirectory(prefix="smart-redirect-") as folder:
        Path(folder).chmod(0o711)  # the server may run as another account
        with EmbeddedPostgres(Path(folder) / "schema", settings=TEST_SETTINGS) as server:
            asyncio.run(_migrate(server.dsn, migrations))
            return normalised(_dump(server))


def normalised(dump: str) -> str:
    """The same schema without what differs from run to run."""
    return HEADER + re.sub(r"\n{3,}", "\n\n", _NOISE.sub("", dump)).strip() + "\n"


async def _migrate(dsn: str, migrations: Path) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await migrate(connection, migrations)
    finally:
        await connection.close()


def _dump(server: EmbeddedPostgres) -> str:
    program = server.cluster.binaries / "pg_dump"
    options = ["--schema-only", "--no-owner", "--no-privileges", f"--exclude-table={MONTHS}"]
    done = Account().run(program, *options, f"--dbname={server.dsn}")
    if done.returncode != 0:
        raise EmbeddedPostgresError(f"pg_dump failed: {done.stderr.strip()}")
    return done.stdout


def main() -> None:
    """Command line: write the file, from and to the usual places of a checkout unless told otherwise."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--migrations", type=Path, default=Path("infra/migrations"))
    parser.add_argument("--output", type=Path, default=Path("infra/schema.sql"))
    arguments = parser.parse_args()
    arguments.output.write_text(schema_of(arguments.migrations), encoding="utf-8")


if __name__ == "__main__":
    main()
