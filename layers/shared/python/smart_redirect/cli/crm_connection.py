"""Finds the connection that a command names."""

import argparse

from smart_redirect.adapters.postgres.queries import load
from smart_redirect.cli.deployment import Deployment
from smart_redirect.errors import SmartRedirectError
from smart_redirect.usecases.ports_mirror import Key


class CrmError(SmartRedirectError):
    """The command cannot be done as it was given."""


async def find(deployment: Deployment, given: argparse.Namespace) -> Key:
    """Return the connection of `--enterprise` and `--connection`; CrmError when there is none."""
    enterprise_id = await deployment.enterprise_id(given.enterprise)
    rows = await deployment.connection.fetch(load("connections")["find"], enterprise_id, given.connection)
    if not rows:
        raise CrmError(f"enterprise {given.enterprise} has no connection {given.connection}")
    return Key(enterprise_id, rows[0]["id"])
