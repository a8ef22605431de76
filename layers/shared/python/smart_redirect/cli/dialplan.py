"""smart-redirect dialplan: build, compare, check, deploy and roll back the dialplans of an enterprise's hosts."""

import argparse
import asyncio
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from smart_redirect.adapters.postgres.dialplan import read_work
from smart_redirect.adapters.postgres.queries import load
from smart_redirect.bootstrap.dialplan import open_dialplan
from smart_redirect.cli.deployment import Commands, Deployment, open_deployment
from smart_redirect.cli.dialplan_show import print_built, print_changes, print_findings
from smart_redirect.cli.dialplan_wait import wait_for_hosts
from smart_redirect.domain.dialplan.dialects import Dialect, Shape
from smart_redirect.domain.dialplan.findings import DialplanInvalid
from smart_redirect.domain.dialplan.host import read_host
from smart_redirect.domain.dialplan.release import Made, Order, Style, make_release
from smart_redirect.errors import SmartRedirectError
from smart_redirect.usecases.ports_dialplan import Host, Install, Work
from smart_redirect.usecases.regenerate import Outcome

_DIFFERS = 3


class DialplanError(SmartRedirectError):
    """The command cannot be done as it was given."""


def add_commands(commands: Commands) -> None:
    """Add `dialplan build|diff|validate|deploy|rollback`."""
    parser = commands.add_parser("dialplan", help="build, check, deploy and roll back dialplans", description=__doc__)
    actions = parser.add_subparsers(title="actions", required=True, metavar="ACTION")
    build = _action(actions, "build", _build, "write what a host would get; nothing is stored or sent")
    build.add_argument("-o", "--output", type=Path, metavar="FILE", help="where to write it (default: standard output)")
    _add_style(build)
    diff = _action(actions, "diff", _diff, "say what the settings of now would change; exit code 3 if anything")
    check = _action(actions, "validate", _validate, "say what is wrong or left out; exit code 1 if it must not be used")
    _add_style(check)
    deploy = _action(actions, "deploy", _deploy, "make the releases of now, let hosts have them, and wait for reports")
    deploy.add_argument("--wait", type=float, default=60.0, metavar="SECONDS", help="how long (default: 60; 0: not)")
    back = _action(actions, "rollback", _rollback, "let a host have an earlier release until the next deploy")
    back.add_argument("--to", metavar="RELEASE", help="its name (default: the one before the wanted one)")
    for action in (build, diff, check, back):
        action.add_argument("--host", metavar="NAME", help="one host (default: the only one, or the first for build)")


def _action(actions: Commands, name: str, run: object, text: str) -> argparse.ArgumentParser:
    action: argparse.ArgumentParser = actions.add_parser(name, help=text, description=text)
    action.add_argument("--enterprise", metavar="NUMBER", required=True)
    action.set_defaults(run=run)
    return action


def _add_style(action: argparse.ArgumentParser) -> None:
    action.add_argument("--dialect", choices=list(Dialect), help="default: the host's")
    action.add_argument("--shape", choices=list(Shape), help="default: the host's")
    action.add_argument(
        "--block-for",
        type=Path,
        metavar="FILE",
        nargs="+",
        help="only the block, for a host with these files of its own",
    )


async def _work(deployment: Deployment, number: str) -> Work:
    async with deployment.connection.transaction(isolation="repeatable_read", readonly=True):
        work = await read_work(deployment.connection, await deployment.enterprise_id(number))
    if work is None:
        raise DialplanError(f"enterprise {number} has just been deleted")
    return work


def _hosts(work: Work, name: str | None) -> Sequence[Host]:
    found = [host for host in work.hosts if name in {None, host.name}]
    if name is not None and not found:
        raise DialplanError(f"no host {name} gets releases (see `smart-redirect host list`)")
    return found


def _made(work: Work, host: Host | None, given: argparse.Namespace) -> Made:
    style = Style(
        Dialect(given.dialect or (host.style.dialect if host else Dialect.ASTERISK_16)),
        Shape(given.shape or (host.style.shape if host else Shape.CLASSIC)),
    )
    texts = None if host is None or host.install is Install.WHOLE_FILE else host.files or ()
    if given.block_for:
        texts = tuple(path.read_text(encoding="utf-8", errors="replace") for path in given.block_for)
    own = None if texts is None else read_host(*texts)
    before = host.newest.outline if host and host.newest else None
    return make_release(work.model, Order(style, work.now, host.retired if host else (), before, own))


async def _build(given: argparse.Namespace) -> int:
    async with open_deployment() as deployment:
        work = await _work(deployment, given.enterprise)
    host = next(iter(_hosts(work, given.host)), None)
    began = time.monotonic()
    try:
        made = _made(work, host, given)
    except DialplanInvalid as invalid:
        print_findings(invalid.findings)
        return 1
    print_findings(made.release.findings)
    if given.output is None:
        sys.stdout.write(made.release.text)
    else:
        given.output.write_text(made.release.text, encoding="utf-8")
    size, seconds = len(made.release.text), time.monotonic() - began
    told = f"release {made.release.name}: {made.release.contexts} contexts, {size:,} bytes in {seconds:.1f} s"
    print(told, file=sys.stderr)
    return 0


async def _diff(given: argparse.Namespace) -> int:
    given.dialect = given.shape = given.block_for = None
    async with open_deployment() as deployment:
        work = await _work(deployment, given.enterprise)
    differs = False
    for host in _hosts(work, given.host):
        try:
            made = _made(work, host, given)
        except DialplanInvalid as invalid:
            print_findings(invalid.findings)
            return 1
        changed = host.newest is None or host.newest.sha256 != made.release.sha256
        print_changes(host, made.release.changes, changed=changed)
        differs |= changed
    return _DIFFERS if differs else 0


async def _validate(given: argparse.Namespace) -> int:
    async with open_deployment() as deployment:
        work = await _work(deployment, given.enterprise)
    invalid = False
    hosts: Sequence[Host | None] = _hosts(work, given.host) or [None]
    for host in hosts:
        try:
            print_findings(_made(work, host, given).release.findings)
        except DialplanInvalid as found:
            print_findings(found.findings)
            invalid = True
    if not invalid:
        print("the dialplan may be used", file=sys.stderr)
    return int(invalid)


async def _deploy(given: argparse.Namespace) -> int:
    async with open_deployment() as deployment:
        enterprise_id = await deployment.enterprise_id(given.enterprise)
        async with open_dialplan(deployment.settings) as parts:
            built = await parts.now(given.enterprise)
        await deployment.connection.execute(load("dialplan")["unpin"], enterprise_id)
        print_built(built)
        if built.outcome is not Outcome.DONE or any(result.error for result in built.results):
            return 1
        if not built.results:
            raise DialplanError("no host of this enterprise gets releases: `smart-redirect host set --install …`")
        return await wait_for_hosts(deployment, enterprise_id, given.wait, asyncio.sleep)


async def _rollback(given: argparse.Namespace) -> int:
    async with open_deployment() as deployment:
        enterprise_id = await deployment.enterprise_id(given.enterprise)
        rows = await deployment.connection.fetch(_EARLIER, enterprise_id, given.host, given.to)
        if not rows:
            raise DialplanError(
                "there is no earlier release in the host's dialect"
                if given.to is None
                else f"no host had release {given.to} in the dialect that it has now"
            )
        for row in rows:
            await deployment.connection.execute(load("dialplan")["pin"], enterprise_id, row["host_id"], row["id"])
            print(
                f"{row['host']}: back to release {row['name']} of {row['created_at']:%Y-%m-%d %H:%M} UTC until `deploy`"
            )
    return 0


_EARLIER = """
    SELECT DISTINCT ON (r.host_id) r.host_id, r.id, r.name, r.created_at, h.name AS host
    FROM dialplan_releases r
    JOIN pbx_hosts h ON h.enterprise_id = r.enterprise_id AND h.id = r.host_id
    JOIN dialplan_hosts d ON d.enterprise_id = r.enterprise_id AND d.host_id = r.host_id
    WHERE r.enterprise_id = $1 AND ($2::text IS NULL OR h.name = $2) AND r.dialect = h.dialect
      AND CASE WHEN $3::text IS NULL THEN r.id < d.wanted_release ELSE r.name = $3 END
    ORDER BY r.host_id, r.id DESC
"""
