"""How the dialplan commands show findings, changes and builds."""

import sys
from collections.abc import Iterable, Sequence

from smart_redirect.domain.dialplan.findings import Finding
from smart_redirect.usecases.ports_dialplan import Host
from smart_redirect.usecases.regenerate import Built, Outcome


def print_findings(findings: Iterable[Finding]) -> None:
    """Print findings where errors belong, so that a written dialplan stays what it is."""
    for finding in findings:
        print(finding, file=sys.stderr)


def print_changes(host: Host, changes: Sequence[str], *, changed: bool) -> None:
    """Print what a build would change for a host."""
    if not changed:
        print(f"{host.name}: nothing changes")
        return
    print(f"{host.name}:")
    for change in changes or ("the text only",):
        print(f"  {change}")


def print_built(built: Built) -> None:
    """Print what became of a build."""
    if built.outcome is not Outcome.DONE:
        print("somebody else is building for this enterprise; try again", file=sys.stderr)
    for result in built.results:
        print_findings(result.findings)
        if result.error is not None:
            print(f"{result.host.name}: {result.error}; the last good release stays")
        elif result.release is None:
            print(f"{result.host.name}: nothing changes")
        else:
            print(f"{result.host.name}: release {result.release.name}")
            for change in result.release.changes:
                print(f"  {change}")
