"""smart-redirect host: the PBX hosts of an enterprise, what their agents install, and the agents' keys."""

import argparse
import secrets

import asyncpg

from smart_redirect.cli.deployment import Commands, Deployment, open_deployment
from smart_redirect.domain.dialplan.dialects import Dialect, Shape
from smart_redirect.domain.token import token_hash
from smart_redirect.errors import SmartRedirectError
from smart_redirect.usecases.ports_dialplan import Install

_COLUMNS = {
    "install": "install",
    "dialect": "dialect",
    "shape": "shape",
    "trust": "context_trust",
    "addresses": "allowed_addresses",
}
_LIST = """
    SELECT h.name, h.install, h.dialect, h.shape, h.context_trust, h.allowed_addresses,
        w.name AS wanted, d.pinned, d.error,
        r.release, r.asterisk, r.error AS host_error, r.received_at,
        (SELECT count(*) FROM agent_keys k WHERE k.enterprise_id = h.enterprise_id AND k.host_id = h.id) AS keys
    FROM pbx_hosts h
    LEFT JOIN dialplan_hosts d ON d.enterprise_id = h.enterprise_id AND d.host_id = h.id
    LEFT JOIN dialplan_releases w ON w.id = d.wanted_release
    LEFT JOIN host_reports r ON r.enterprise_id = h.enterprise_id AND r.host_id = h.id
    WHERE h.enterprise_id = $1 ORDER BY h.name
"""


class HostError(SmartRedirectError):
    """The host cannot be changed as asked."""


def add_commands(commands: Commands) -> None:
    """Add `host add|list|set|key`."""
    parser = commands.add_parser("host", help="PBX hosts, what is installed on them, agents' keys", description=__doc__)
    actions = parser.add_subparsers(title="actions", required=True, metavar="ACTION")
    for name, run, text in (
        ("add", _add, "add a host"),
        ("list", _list, "list hosts with what they are to run and what they run"),
        ("set", _set, "change what is installed on a host, or where its requests may come from"),
        ("key", _key, "make a new key for a host's agent, shown once; earlier keys count no longer with --only"),
    ):
        action = actions.add_parser(name, help=text, description=text)
        action.add_argument("--enterprise", metavar="NUMBER", required=True)
        action.set_defaults(run=run)
        if name != "list":
            action.add_argument("--host", metavar="NAME", required=True)
        if name in {"add", "set"}:
            _add_settings(action)
        if name == "key":
            action.add_argument("--only", action="store_true", help="withdraw the host's other keys")


def _add_settings(action: argparse.ArgumentParser) -> None:
    action.add_argument("--install", choices=list(Install), help="what its agent installs")
    action.add_argument(
        "--dialect", choices=list(Dialect), help="asterisk16: Macro and SIP; asterisk22: Gosub and PJSIP"
    )
    action.add_argument("--shape", choices=list(Shape), help="compact is smaller; both do the same")
    action.add_argument(
        "--trust", choices=["reported", "rules", "names_only"], help="whose word counts for its contexts"
    )
    action.add_argument("--addresses", metavar="CIDR,…", help="where its requests may come from ('' for anywhere)")


def _given(given: argparse.Namespace) -> dict[str, object]:
    values = {column: getattr(given, name) for name, column in _COLUMNS.items() if getattr(given, name) is not None}
    if "allowed_addresses" in values:
        values["allowed_addresses"] = [each.strip() for each in values["allowed_addresses"].split(",") if each.strip()]
    return values


async def _add(given: argparse.Namespace) -> int:
    values = {"name": given.host, **_given(given)}
    places = ", ".join(f"${number}" for number in range(2, len(values) + 2))
    query = f"INSERT INTO pbx_hosts (enterprise_id, {', '.join(values)}) VALUES ($1, {places})"
    async with open_deployment() as deployment:
        try:
            await deployment.connection.execute(
                query, await deployment.enterprise_id(given.enterprise), *values.values()
            )
        except asyncpg.UniqueViolationError as error:
            raise HostError(f"the enterprise has a host {given.host} already") from error
    print("added; `smart-redirect host key` with the same options makes its agent's key")
    return 0


async def _set(given: argparse.Namespace) -> int:
    values = _given(given)
    if not values:
        raise HostError("nothing to set: see --help")
    changes = ", ".join(f"{column} = ${number}" for number, column in enumerate(values, 3))
    async with open_deployment() as deployment:
        host_id = await _host_id(deployment, given)
        enterprise_id = await deployment.enterprise_id(given.enterprise)
        query = f"UPDATE pbx_hosts SET {changes} WHERE enterprise_id = $1 AND id = $2"
        await deployment.connection.execute(query, enterprise_id, host_id, *values.values())
    print("set")
    return 0


async def _host_id(deployment: Deployment, given: argparse.Namespace) -> int:
    query = "SELECT id FROM pbx_hosts WHERE enterprise_id = $1 AND name = $2"
    enterprise_id = await deployment.enterprise_id(given.enterprise)
    found = await deployment.connection.fetchval(query, enterprise_id, given.host)
    if found is None:
        raise HostError(f"the enterprise has no host {given.host}")
    return int(found)


async def _key(given: argparse.Namespace) -> int:
    key = secrets.token_urlsafe(32)
    async with open_deployment() as deployment, deployment.connection.transaction():
        place = (await deployment.enterprise_id(given.enterprise), await _host_id(deployment, given))
        if given.only:
            query = "DELETE FROM agent_keys WHERE enterprise_id = $1 AND host_id = $2"
            await deployment.connection.execute(query, *place)
        query = "INSERT INTO agent_keys (key_hash, key_id, enterprise_id, host_id) VALUES ($1, $2, $3, $4)"
        hashed = token_hash(deployment.settings.key_bytes, key)
        await deployment.connection.execute(query, hashed, deployment.settings.key_id, *place)
    print(key)
    return 0


async def _list(given: argparse.Namespace) -> int:
    async with open_deployment() as deployment:
        rows = await deployment.connection.fetch(_LIST, await deployment.enterprise_id(given.enterprise))
    for row in rows:
        print(f"{row['name']}: {row['install']}, {row['dialect']} {row['shape']}, trust {row['context_trust']}")
        print(f"  agent keys: {row['keys']}; addresses: {', '.join(map(str, row['allowed_addresses'])) or 'any'}")
        wanted = f"{row['wanted'] or 'none'}{' (rolled back)' if row['pinned'] else ''}"
        heard = f"{row['received_at']:%Y-%m-%d %H:%M:%S} UTC" if row["received_at"] else "never"
        print(f"  wants release {wanted}, runs {row['release'] or 'none'}; Asterisk {row['asterisk'] or 'unknown'}")
        print(f"  last heard {heard}")
        for error in filter(None, (row["error"], row["host_error"])):
            print(f"  error: {error}")
    return 0
