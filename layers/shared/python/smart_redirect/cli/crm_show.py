"""Prints CRM connections, the state of their mirrors and their managers."""

from collections.abc import Sequence
from typing import Any

_BAR = 30


def print_connections(rows: Sequence[Any]) -> None:
    """Print one line a connection, in the order of asking."""
    for row in rows:
        marks = [
            "" if row["enabled"] else "disabled",
            "" if row["has_credentials"] else "no credentials",
            "live" if row["live"] else "",
            "webhooks" if row["has_hook"] else "",
        ]
        print(
            f"{row['position']}  {row['id']}  {row['vendor']}  {row['name']}  {', '.join(filter(None, marks))}".rstrip()
        )


def print_status(row: Any, counts: Any) -> None:
    """Print how far a mirror is, and what went wrong last."""
    print(f"{row['name']} ({row['vendor']}, connection {row['id']}): {_stage(row)}")
    print(f"  {counts['people']} people, {counts['phones']} phones, {counts['marked']} to be read again")
    synced = "never" if row["synced_ago"] is None else f"{row['synced_ago']:.0f} s ago"
    print(f"  last synced {synced}")
    if row["error"]:
        waits = f", nobody asks before {row['next_at']:%H:%M:%S} UTC" if row["is_open"] else ""
        print(f"  error: {row['error']} ({row['failures']} in a row{waits})")


def _stage(row: Any) -> str:
    if not row["enabled"] or not row["has_credentials"]:
        return "not synced: " + ("no credentials" if row["enabled"] else "disabled")
    running = ", runs now" if row["runs"] else ""
    if row["walked_at"] is None:
        return f"first load, {row['walk_done'] or 0} of {row['walk_total'] or '?'}{running}"
    return f"{'swept for deletions' if row['is_sweeping'] else 'follows changes'}{running}"


def print_managers(rows: Sequence[Any]) -> None:
    """Print one line a manager: the extension that counts, where it is from, and whether it is one of ours."""
    for row in rows:
        extension = row["by_hand"] or row["from_crm"]
        source = "by hand" if row["by_hand"] else "from the CRM"
        told = f"{extension} {source}" if extension else "no extension"
        marks = [
            "" if row["is_ours"] or not extension else "not an extension of this enterprise",
            "" if row["is_active"] else "not active",
        ]
        print("  ".join(filter(None, (row["id"], row["name"], told, ", ".join(filter(None, marks))))))


def progress(done: int, total: int | None) -> str:
    """Return a bar of how far a walk is; the number alone where the CRM does not say how many there are."""
    if not total:
        return f"{done} read"
    full = min(_BAR, done * _BAR // total)
    return f"[{'#' * full}{'.' * (_BAR - full)}] {done} of {total}"
