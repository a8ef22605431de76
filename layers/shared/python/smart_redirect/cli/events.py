"""smart-redirect events list and replay: the call events that could not be recorded, and another try of them."""

import argparse
from collections import Counter
from collections.abc import Sequence
from typing import Any

from smart_redirect.adapters.postgres.queries import load
from smart_redirect.bootstrap.call_events import open_delivery
from smart_redirect.cli.deployment import Commands, Deployment, open_deployment
from smart_redirect.domain.event import ReceivedEvent
from smart_redirect.domain.token import token_hash
from smart_redirect.local.demo import DEMO_TOKEN
from smart_redirect.usecases.deliver_events import Outcome

_LIST = "Show how many call events could not be recorded, and why; with --reason, each of them."
_REPLAY = (
    "Record them again: after a token was added, or what refused them was put right. What fails again stays listed."
)
_BATCH = 200
_SHOWN = 1000
_MINUTE = "%Y-%m-%d %H:%M"


def add_commands(commands: Commands) -> None:
    """Add `events list` and `events replay`."""
    text = "Call events that could not be recorded (table dead_events)."
    actions = commands.add_parser("events", help="call events that could not be recorded", description=text)
    actions = actions.add_subparsers(required=True, metavar="ACTION")
    for name, description, run in (("list", _LIST, _list), ("replay", _REPLAY, _replay)):
        parser = actions.add_parser(name, help=description.split(":")[0].split(";")[0], description=description)
        parser.add_argument("--reason", metavar="REASON", help="only those of this reason, such as TokenUnknown")
        parser.set_defaults(run=run)


async def _list(given: argparse.Namespace) -> int:
    async with open_deployment() as deployment:
        if given.reason is None:
            for row in await deployment.connection.fetch(load("history")["buried_kinds"]):
                print(f"{row['events']:>8}  {row['kind']}  {row['oldest']:{_MINUTE}} to {row['newest']:{_MINUTE}}")
        else:
            for row in await _events(deployment, 0, given.reason, _SHOWN):
                print(f"{row['id']:>8}  {row['buried_at']:%Y-%m-%d %H:%M:%S}  {_call(row['message'])}  {row['reason']}")
    return 0


def _call(message: str) -> str:
    """Name the event without its caller."""
    try:
        event = ReceivedEvent.of_message(message)
    except ValueError:
        return "-"
    return f"{event.kind} {event.unique_id} from {event.address or '-'}"


async def _replay(given: argparse.Namespace) -> int:
    counts: Counter[Outcome] = Counter()
    async with open_deployment() as deployment:
        demo = frozenset({token_hash(deployment.settings.key_bytes, DEMO_TOKEN)})
        # Those that fail again are buried again, behind the last that is there now.
        last, after = await deployment.connection.fetchval(load("history")["newest_buried"]), 0
        async with open_delivery(deployment.settings, demo) as deliver:
            while rows := [row for row in await _events(deployment, after, given.reason, _BATCH) if row["id"] <= last]:
                outcomes = await deliver([row["message"] for row in rows])
                await _forget(deployment, rows, outcomes)
                counts.update(outcomes)
                after = rows[-1]["id"]
    print(f"{counts[Outcome.RECORDED]} recorded, {counts.total() - counts[Outcome.RECORDED]} not")
    return 1 if counts[Outcome.KEPT] else 0


async def _events(deployment: Deployment, after: int, reason: str | None, most: int) -> list[Any]:
    return list(await deployment.connection.fetch(load("history")["buried_events"], after, most, reason))


async def _forget(deployment: Deployment, rows: Sequence[Any], outcomes: Sequence[Outcome]) -> None:
    """Remove what was recorded, and what was buried anew."""
    done = [row["id"] for row, outcome in zip(rows, outcomes, strict=True) if outcome is not Outcome.KEPT]
    await deployment.connection.execute(load("history")["unbury"], done)
