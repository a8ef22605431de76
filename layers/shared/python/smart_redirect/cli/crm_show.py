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
    if row["no_look_ups_before"]:
        print(f"  the CRM refuses look-ups: calls ask it again at {row['no_look_ups_before']:%H:%M:%S} UTC")


def _stage(row: Any) -> str:
    if not row["enabled"] or not row["has_credentials"]:
        return "not synced: " + ("no credentials" if row["enabled"] else "disabled")
    running = ", runs now" if row["runs"] else ""
    if row["walked_at"] is None:
        count = f", {row['walk_done'] or 0} of {row['walk_total']}" if row["walk_total"] else ""
        return f"first load{count}{running}"
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


def progress(row: Any, met: int, seconds: float) -> str:
    """Return how far a run is: a bar where the CRM says how many there are, and always whom it has met and its time.

    A list that is read is not the end of every walk: some vendors' other lists, which they do not count, follow.
    """
    done, total = row["walk_done"] or 0, row["walk_total"]
    minutes, rest = divmod(int(seconds), 60)
    told = f"{met} people, {minutes}:{rest:02}"
    if row["walked_at"] is not None:
        return f"{'compares ids' if row['is_sweeping'] else 'reads changes'}, {told}"
    if not total:
        return f"reads everybody, {told}"
    full = min(_BAR, done * _BAR // total)
    return f"[{'#' * full}{'.' * (_BAR - full)}] {done} of {total}{', goes on' if done >= total else ''}, {told}"
