"""From the JSON that settings_snapshot() returns to the domain's Enterprise."""

import json
from typing import Any

from smart_redirect.domain.enterprise import (
    Algorithm,
    Connection,
    ContextPool,
    ContextTrust,
    Enterprise,
    Extension,
    Host,
    Line,
    Mode,
    NamePart,
)

_PARTS = (NamePart.LINE, NamePart.CUSTOMER, NamePart.SHOP)


def read_snapshot(text: str, version: int) -> Enterprise:
    """Map one snapshot; `text` is the JSON of infra/migrations' settings_snapshot()."""
    value = json.loads(text)
    return Enterprise(
        id=value["id"],
        number=value["number"],
        country=value["country"],
        mode=Mode(value["mode"]),
        shadow=value["shadow"],
        switched_off=value["switched_off"],
        full_phones=value["full_phones"],
        requests_per_second=value["requests_per_second"],
        version=version,
        lines={line["id"]: _line(line) for line in value["lines"]},
        extensions=tuple(Extension(*each) for each in value["extensions"]),
        connections=tuple(Connection(*each) for each in value["connections"]),
        user_extensions={(each[0], each[1]): each[2] for each in value["user_extensions"]},
        hosts={host["id"]: _host(host) for host in value["hosts"]},
        tokens={bytes.fromhex(token): host_id for token, host_id in value["tokens"].items()},
    )


def _line(value: dict[str, Any]) -> Line:
    orders = sorted((order, part) for order, part in zip(value["name_orders"], _PARTS, strict=True) if order)
    return Line(
        id=value["id"],
        name=value["name"],
        number=value["number"] or "",
        area_code=value["area_code"],
        enabled=value["enabled"],
        do_routing=value["do_routing"],
        shadow=value["shadow"],
        algorithms=tuple(Algorithm(each) for each in value["algorithms"]),
        crm_falls_back=value["crm_falls_back"],
        name_parts=tuple(part for _, part in orders),
        shop=value["shop"] or "",
    )


def _host(value: dict[str, Any]) -> Host:
    return Host(
        id=value["id"],
        name=value["name"],
        allowed=tuple(value["allowed"]),
        trust=ContextTrust(value["trust"]),
        loaded=_stored_pool(value["loaded"]),
        announced=_stored_pool(value["announced"]),
    )


def _stored_pool(value: dict[str, Any] | None) -> ContextPool | None:
    return None if value is None else read_pool(value)


def read_pool(value: dict[str, Any]) -> ContextPool:
    """Map the JSON of a stored pool."""
    return ContextPool(frozenset(value["internal_ids"]), frozenset(value["lines"]), frozenset(value.get("missing", ())))
