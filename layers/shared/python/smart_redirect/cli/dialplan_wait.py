"""Waits until the hosts of an enterprise report that they run what they are to run."""

import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

from smart_redirect.cli.deployment import Deployment

_STATE = """
    SELECT h.name, w.name AS wanted, r.release, r.error, r.step, r.pool_busy, r.reported_at
    FROM dialplan_hosts d
    JOIN pbx_hosts h ON h.enterprise_id = d.enterprise_id AND h.id = d.host_id AND h.install <> 'none'
    JOIN dialplan_releases w ON w.enterprise_id = d.enterprise_id AND w.host_id = d.host_id AND w.id = d.wanted_release
    LEFT JOIN host_reports r ON r.enterprise_id = d.enterprise_id AND r.host_id = d.host_id
    WHERE d.enterprise_id = $1 ORDER BY h.name
"""
_EVERY = 1.0


async def wait_for_hosts(
    deployment: Deployment, enterprise_id: int, seconds: float, pause: Callable[[float], Awaitable[None]]
) -> int:
    """Return 0 when every host runs its release, 1 when time is over before that."""
    until = time.monotonic() + seconds
    said = ""
    while True:
        rows = await deployment.connection.fetch(_STATE, enterprise_id)
        waiting = [row for row in rows if row["release"] != row["wanted"]]
        told = "\n".join(f"{row['name']}: {_state(row)}" for row in rows)
        if told != said:
            print(told, file=sys.stderr)
            said = told
        if not waiting or seconds == 0:
            return 0
        if time.monotonic() >= until:
            print(f"{len(waiting)} of {len(rows)} hosts do not run their release yet", file=sys.stderr)
            return 1
        await pause(_EVERY)


def _state(row: Any) -> str:
    if row["release"] == row["wanted"]:
        return f"runs release {row['wanted']}"
    if row["reported_at"] is None:
        return f"has never reported; wants release {row['wanted']}"
    reason = row["error"] or ("a call is in a context that would change" if row["pool_busy"] else "not installed yet")
    return f"runs {row['release'] or 'no release'}, wants {row['wanted']}: {reason}"
