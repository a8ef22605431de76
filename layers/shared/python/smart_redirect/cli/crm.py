"""smart-redirect crm: the CRM connections of an enterprise, their mirrors, and whose extension a manager has."""

import argparse
import asyncio
import json
import secrets
import sys
from pathlib import Path

from smart_redirect.adapters.postgres.queries import load
from smart_redirect.adapters.sealed import Seal
from smart_redirect.bootstrap.crm import CrmParts, open_crm
from smart_redirect.cli.crm_ask import check, lookup
from smart_redirect.cli.crm_connection import CrmError, find
from smart_redirect.cli.crm_show import print_connections, print_managers, print_status
from smart_redirect.cli.crm_watch import watched
from smart_redirect.cli.deployment import Commands, Deployment, open_deployment
from smart_redirect.domain.token import token_hash
from smart_redirect.usecases.ports_mirror import Key
from smart_redirect.usecases.sync_crm import Outcome

_QUERIES = "connections"
_BUSY = "it is synced by somebody else now, or is disabled or without credentials: see `crm status`"


def add_commands(commands: Commands) -> None:
    """Add `crm list|add|set|sync|check|lookup|status|managers`."""
    parser = commands.add_parser("crm", help="CRM connections, their mirrors and managers", description=__doc__)
    actions = parser.add_subparsers(title="actions", required=True, metavar="ACTION")
    for name, run, text in (
        ("list", _list, "list connections in the order of asking"),
        ("add", _add, "add a connection; without credentials it is not synced"),
        ("set", _set, "change a connection, its credentials or its webhook"),
        ("sync", _sync, "bring the mirror up to date now, and show how far it is"),
        ("check", check, "try the credentials and each kind of reading; exit code 1 if something is missing"),
        ("lookup", lookup, "show what each source says of a phone, and what a call would take"),
        ("status", _status, "show how far each mirror is and what is wrong"),
        ("managers", _managers, "list a CRM's managers with their extensions, or map one by hand"),
    ):
        action = actions.add_parser(name, help=text, description=text)
        action.add_argument("--enterprise", metavar="NUMBER", required=True)
        action.set_defaults(run=run)
        if name in {"set", "sync", "check", "managers"}:
            action.add_argument("--connection", metavar="NAME", required=True, help="its name or id")
        if name in {"add", "set"}:
            _add_settings(action, is_new=name == "add")
        if name == "sync":
            action.add_argument("--full", action="store_true", help="read everything again, not only what changed")
        if name == "lookup":
            action.add_argument("--phone", required=True, help="as people write it")
            action.add_argument("--connection", metavar="NAME", help="this one alone, by its name or id")
        if name == "managers":
            action.add_argument("--map", metavar="ID=EXTENSION", help="set an extension by hand; ID= takes it back")


def _add_settings(action: argparse.ArgumentParser, *, is_new: bool) -> None:
    action.add_argument("--name", required=is_new, help="how it is shown; unique within the enterprise")
    action.add_argument("--position", type=int, help="place in the order of asking; 1 is the primary")
    action.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="a setting; JSON or text")
    action.add_argument(
        "--credentials", type=Path, metavar="FILE", help="a JSON object with the secrets; - is the standard input"
    )
    if is_new:
        action.add_argument("--vendor", required=True, help="retailcrm, bitrix24, amocrm, moysklad, uon or generic")
        return
    action.add_argument("--enabled", choices=["yes", "no"])
    action.add_argument("--new-hook", action="store_true", help="make an address for webhooks, shown once")


def read_settings_given(given: list[str]) -> str:
    """Return the settings as JSON; a value that is no JSON is text, and an empty one takes the setting out."""
    found: dict[str, object] = {}
    for each in given:
        name, equals, value = each.partition("=")
        if not name or not equals:
            raise CrmError(f"not NAME=VALUE: {each}")
        try:
            found[name] = json.loads(value) if value else None
        except ValueError:
            found[name] = value
    return json.dumps(found, ensure_ascii=False)


def read_credentials(path: Path) -> str:
    """Return the JSON object of a file or of the standard input; CrmError never shows what is in it."""
    text = sys.stdin.read() if str(path) == "-" else path.read_text(encoding="utf-8")
    try:
        if isinstance(json.loads(text), dict):
            return text.strip()
    except ValueError:
        pass
    raise CrmError('credentials must be one JSON object, such as {"api_key": "…"}')


async def _list(given: argparse.Namespace) -> int:
    async with open_deployment() as deployment:
        enterprise_id = await deployment.enterprise_id(given.enterprise)
        print_connections(await deployment.connection.fetch(load(_QUERIES)["listed"], enterprise_id))
    return 0


async def _add(given: argparse.Namespace) -> int:
    settings = read_settings_given(given.set)
    credentials = read_credentials(given.credentials) if given.credentials else None
    async with open_deployment() as deployment, deployment.connection.transaction():
        enterprise_id = await deployment.enterprise_id(given.enterprise)
        if await deployment.connection.fetch(load(_QUERIES)["find"], enterprise_id, given.name):
            raise CrmError(f"enterprise {given.enterprise} has a connection {given.name} already")
        values = given.vendor, given.name, given.position, settings
        number = await deployment.connection.fetchval(load(_QUERIES)["add"], enterprise_id, *values)
        if credentials is not None:
            await _seal(deployment, Key(enterprise_id, number), credentials)
    print(f"connection {number}: {given.name}")
    return 0


async def _seal(deployment: Deployment, key: Key, credentials: str) -> None:
    seal = Seal(deployment.settings.key_bytes, deployment.settings.key_id)
    sealed = seal.close(credentials, key.enterprise_id, key.connection_id)
    place = key.enterprise_id, key.connection_id
    await deployment.connection.execute(load(_QUERIES)["seal"], *place, sealed, seal.key_id)


async def _set(given: argparse.Namespace) -> int:
    settings = read_settings_given(given.set) if given.set else None
    credentials = read_credentials(given.credentials) if given.credentials else None
    enabled = None if given.enabled is None else given.enabled == "yes"
    async with open_deployment() as deployment, deployment.connection.transaction():
        key, queries = await find(deployment, given), load(_QUERIES)
        place = key.enterprise_id, key.connection_id
        await deployment.connection.execute(queries["set"], *place, given.name, enabled, settings)
        if given.position is not None:
            await deployment.connection.execute(queries["move"], *place, given.position)
        if credentials is not None:
            await _seal(deployment, key, credentials)
        if given.new_hook:
            await _print_new_hook(deployment, key)
        await deployment.connection.execute(queries["close_breaker"], *place)
    return 0


async def _print_new_hook(deployment: Deployment, key: Key) -> None:
    secret = secrets.token_urlsafe(24)
    values = key.enterprise_id, key.connection_id, token_hash(deployment.settings.key_bytes, secret)
    hook = await deployment.connection.fetchval(load(_QUERIES)["renew_hook"], *values)
    print(f"/api/crm/{hook}/{secret}")


async def _sync(given: argparse.Namespace) -> int:
    async with open_deployment() as deployment, open_crm(deployment.settings) as parts:
        key = await find(deployment, given)
        if given.full:
            await _begin_anew(parts, key)
        watch = asyncio.create_task(watched(deployment.connection, key, sys.stderr))
        try:
            outcome = await parts.sync(key)
        finally:
            watch.cancel()
            await asyncio.wait({watch})
        rows = await deployment.connection.fetch(load(_QUERIES)["listed"], key.enterprise_id)
        row = next(each for each in rows if each["id"] == key.connection_id)
        counts = await deployment.connection.fetchrow(load(_QUERIES)["counts"], key.enterprise_id, key.connection_id)
    if outcome is Outcome.BUSY:
        raise CrmError(_BUSY)
    print_status(row, counts)
    return 0 if outcome is Outcome.DONE else 1


async def _begin_anew(parts: CrmParts, key: Key) -> None:
    claim = await parts.mirror.claim(key, 60.0)
    if claim is None:
        raise CrmError(_BUSY)
    await parts.mirror.walk_anew(claim)


async def _status(given: argparse.Namespace) -> int:
    async with open_deployment() as deployment:
        enterprise_id = await deployment.enterprise_id(given.enterprise)
        rows = await deployment.connection.fetch(load(_QUERIES)["listed"], enterprise_id)
        for row in rows:
            print_status(row, await deployment.connection.fetchrow(load(_QUERIES)["counts"], enterprise_id, row["id"]))
    return int(any(row["error"] for row in rows))


async def _managers(given: argparse.Namespace) -> int:
    async with open_deployment() as deployment:
        key, queries = await find(deployment, given), load(_QUERIES)
        place = key.enterprise_id, key.connection_id
        if given.map is not None:
            manager, equals, extension = given.map.partition("=")
            if not manager or not equals:
                raise CrmError("give --map ID=EXTENSION, or ID= to take it back")
            values = (manager, extension) if extension else (manager,)
            await deployment.connection.execute(queries["map" if extension else "unmap"], *place, *values)
        print_managers(await deployment.connection.fetch(queries["managers"], *place))
    return 0
