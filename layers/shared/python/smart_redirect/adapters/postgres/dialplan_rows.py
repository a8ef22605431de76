"""From the rows of the dialplan's tables to the values of its ports, and back."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from smart_redirect.domain.dialplan.dialects import Dialect, Shape
from smart_redirect.domain.dialplan.findings import Finding
from smart_redirect.domain.dialplan.outline_json import from_json
from smart_redirect.domain.dialplan.plan import Shelter
from smart_redirect.domain.dialplan.release import Style
from smart_redirect.domain.dialplan.tombstones import Retired
from smart_redirect.usecases.ports_dialplan import Host, Install, Newest


def read_retired(rows: Iterable[Mapping[str, Any]]) -> dict[int, tuple[Retired, ...]]:
    """Return the retired contexts of each host."""
    found: dict[int, list[Retired]] = {}
    for row in rows:
        shelter = Shelter(row["shelter"])
        made = Retired(row["context"], row["retired_at"], shelter, row["line"], row["priorities"])
        found.setdefault(row["host_id"], []).append(made)
    return {host: tuple(made) for host, made in found.items()}


def read_host_row(row: Mapping[str, Any], retired: tuple[Retired, ...]) -> Host:
    """Return a host that gets releases."""
    files = None if row["files"] is None else tuple(text for _, text in json.loads(row["files"]))
    newest = None
    if row["release_id"] is not None:
        newest = Newest(row["release"], row["sha256"], from_json(json.loads(row["outline"])))
    style = Style(Dialect(row["dialect"]), Shape(row["shape"]))
    return Host(row["id"], row["name"], Install(row["install"]), style, row["pinned"], files, newest, retired)


def finding_rows(findings: Iterable[Finding]) -> list[dict[str, str]]:
    """Return findings as they are stored and shown."""
    return [{"severity": each.severity, "kind": each.kind, "row": each.row, "text": each.text} for each in findings]
