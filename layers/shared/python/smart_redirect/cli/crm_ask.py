"""smart-redirect crm check|lookup: whether a connection works, and what every source says of a phone."""

import argparse
from collections.abc import Sequence
from typing import Any

from smart_redirect.adapters.postgres.queries import load
from smart_redirect.bootstrap.crm import open_crm
from smart_redirect.cli.crm_connection import CrmError, find
from smart_redirect.cli.deployment import open_deployment
from smart_redirect.errors import NotFound
from smart_redirect.usecases.ask_about import Answer, AskAbout
from smart_redirect.usecases.ask_crms import Told
from smart_redirect.usecases.check_crm import Finding


async def check(given: argparse.Namespace) -> int:
    """Try each kind of reading once; the exit code is 1 when something is not well."""
    async with open_deployment() as deployment, open_crm(deployment.settings) as parts:
        parts.prepare()
        key = await find(deployment, given)
        place = key.enterprise_id, key.connection_id
        row = await _row(deployment, *place)
        accounts = await parts.source.accounts(key.enterprise_id, None, with_closed=True)
        account = next((each for each in accounts if each.key == key), None)
        if account is None:
            raise CrmError("it is disabled or without credentials: see `crm list`")
        managers = await deployment.connection.fetch(load("connections")["managers"], *place)
        by_hand = {each["id"] for each in managers if each["by_hand"] and each["is_ours"]}
        findings = [*await parts.check(account, by_hand), *_of_row(row)]
    for each in findings:
        print(f"{'ok  ' if each.is_well else 'FAIL'}  {each.what}: {each.text}")
    return int(not all(each.is_well for each in findings))


async def _row(deployment: Any, enterprise_id: int, connection_id: int) -> Any:
    rows = await deployment.connection.fetch(load("connections")["listed"], enterprise_id)
    return next(each for each in rows if each["id"] == connection_id)


def _of_row(row: Any) -> Sequence[Finding]:
    hook = (
        "has an address" if row["has_hook"] else "no address (crm set --new-hook): changes are known by polling alone"
    )
    synced = "never" if row["synced_ago"] is None else f"{row['synced_ago']:.0f} s ago"
    last = row["error"] or f"last whole run {synced}"
    return [Finding("webhooks", True, hook), Finding("mirror", not row["error"], last)]


async def lookup(given: argparse.Namespace) -> int:
    """Print what the mirror, our own contacts and the CRMs themselves say, and what a call would take.

    With `--connection` that connection's word alone.
    """
    async with open_deployment() as deployment, open_crm(deployment.settings) as parts:
        parts.prepare()
        only = (await find(deployment, given)).connection_id if given.connection else None
        call = [] if only is not None else await _call(parts.about, given)
        enterprise_id = await deployment.enterprise_id(given.enterprise)
        rows = await deployment.connection.fetch(load("connections")["listed"], enterprise_id)
        try:
            told = await parts.about.directly(given.enterprise, given.phone, connection_id=only)
        except NotFound:
            told = ()
        mirrored = await parts.about.mirrored(given.enterprise, given.phone, only)
    names = {row["id"]: row["name"] for row in rows}
    asleep = [row for row in rows if row["is_open"] and only in (None, row["id"])]
    lines = [
        *(f"{row['name']} itself: not asked before {row['next_at']:%H:%M:%S} UTC ({row['error']})" for row in asleep),
        *(f"{source}, mirror: {text}" for source, text in mirrored),
        *(f"{names[each.account.key.connection_id]} itself ({each.ms:.0f} ms): {_heard(each)}" for each in told),
        *call,
    ]
    print("\n".join(lines) or "its mirror does not know the phone, and it may not be asked now: see `crm list`")
    return 0


async def _call(about: AskAbout, given: argparse.Namespace) -> list[str]:
    """Return what a call would take; asked first, because a call does not have what the look-ups after it find."""
    name = await about.name(given.enterprise, given.phone)
    extension = await about.extension(given.enterprise, given.phone)
    passed = [f"passed over: {each}" for each in extension.passed_over]
    return [*passed, f"a call shows: {_shown(name)}", f"crm routes to: {_shown(extension)}"]


def _heard(told: Told) -> str:
    if told.error:
        return told.error
    extensions = dict(told.extensions)
    owners = []
    for own in told.owners:
        responsible = own.responsible_id or "nobody"
        extension = extensions.get(own.responsible_id or "")
        owners.append(
            f"{own.name or '(no name)'}, responsible {responsible}" + (f" at {extension}" if extension else "")
        )
    return "; ".join(owners) or "does not know the phone"


def _shown(found: Answer) -> str:
    if not found.value:
        return "nothing"
    if found.origin is None:
        return f"{found.value} ({found.source})"
    age = "" if found.origin.age is None else f", {found.origin.age:.0f} s old"
    return f"{found.value} ({found.source}, {found.origin.kind}{age})"
