"""All settings of an enterprise: the platform's rows mapped to ours, table by table."""

from collections.abc import Sequence

from smart_redirect.domain.enterprise import Mode
from smart_redirect.domain.platform import groups, integrations, people
from smart_redirect.domain.platform.lines import Lines
from smart_redirect.domain.platform.move import Move
from smart_redirect.domain.platform.schemes import Schemes
from smart_redirect.domain.platform.values import Row, flag, text

Wanted = dict[str, Sequence[Row]]


def map_settings(move: Move) -> Wanted:
    """Return the rows that our tables are to have; a table that the platform cannot speak for is not in it."""
    schemes = Schemes(move)
    users = people.users(move)
    phones = people.phones(move, schemes, _ids(users))
    connections = integrations.connections(move)
    numbers = {text(row["number"]) for row in phones}
    return {
        "enterprises": (_enterprise(move),),
        "call_tokens": _tokens(move),
        "dial_schemas": schemes.rows,
        "users": users,
        "user_internal_phones": phones,
        "follow_me_steps": people.steps(move, _ids(users)),
        "crm_connections": connections,
        "user_extensions": integrations.user_extensions(move, connections, numbers),
        **_lines_and_shops(move, schemes),
        **_departments(move, _ids(phones)),
    }


def _lines_and_shops(move: Move, schemes: Schemes) -> Wanted:
    lines = Lines(move, schemes)
    if "shops" not in move.theirs.tables:
        return {"lines": lines.rows}
    shops = groups.shops(move)
    return {"lines": lines.rows, "shops": shops, "shop_lines": groups.shop_lines(move, lines, _ids(shops))}


def _departments(move: Move, phone_ids: set[object]) -> Wanted:
    if "departments" not in move.theirs.tables:
        return {}
    departments = groups.departments(move)
    return {"departments": departments, "department_members": groups.members(move, _ids(departments), phone_ids)}


def _ids(rows: Sequence[Row]) -> set[object]:
    return {row["id"] for row in rows}


def _enterprise(move: Move) -> Row:
    row, ours, order = move.theirs.enterprise, move.ours.enterprise, move.order
    for column in ("host", "ip"):
        if text(row.get(column)):
            move.report.by_hand("enterprises", order.number, f"{column} {text(row[column])}: add the PBX host anew")
    return {
        "number": order.number,
        "name": text(row["name"]) or order.number,
        "country": ours["country"] if ours else order.country,
        "time_zone": ours["time_zone"] if ours else order.time_zone,
        "mode": _mode(move),
    }


def _mode(move: Move) -> str:
    row, given = move.theirs.enterprise, text(move.theirs.smart.get("mode")) or Mode.OFF.value
    if any(row.get(column) is not None and not flag(row[column]) for column in ("active", "is_enabled")):
        if given != Mode.OFF:
            move.report.repaired("enterprises", move.order.number, f"not active there: mode is off, not {given}")
        return Mode.OFF.value
    if given not in set(Mode):
        move.report.repaired("enterprises", move.order.number, f"mode {given!r} is unknown: it is off")
        return Mode.OFF.value
    return given


def _tokens(move: Move) -> tuple[Row, ...]:
    hashed = move.theirs.token_hash(move.order)
    if not hashed:
        reason = "name2 is no token that a header can carry: add one with `smart-redirect token add`"
        move.report.left_out("enterprises", move.order.number, reason)
        return ()
    if move.ours.another_has_token:
        move.report.left_out("enterprises", move.order.number, "its token (name2) is another enterprise's here")
        return ()
    return ({"token_hash": hashed, "key_id": move.order.key_id},)
