"""Shops with their lines, and departments with their members."""

import re
from collections.abc import Iterator

from smart_redirect.domain.platform.lines import Lines
from smart_redirect.domain.platform.move import Move, Source, settle
from smart_redirect.domain.platform.tables import DEPARTMENTS, SHOPS
from smart_redirect.domain.platform.values import Row, id_of, text, whole

_NUMBER = re.compile(r"[0-9]{1,10}")
_LINKS = (("shop_lines", "gsm_line_id", "gsm"), ("shop_sip_lines", "sip_line_id", "sip"))


def shops(move: Move) -> tuple[Row, ...]:
    """Return the shops."""
    return settle(move, SHOPS, _shops(move), lambda _: None)


def _shops(move: Move) -> Iterator[tuple[Source, Row]]:
    for row in move.theirs.rows("shops"):
        if id_of(row) is None:
            move.report.left_out("shops", row["id"], "its id is not a number that fits")
        else:
            yield ("shops", row["id"]), {"id": id_of(row), "name": text(row["name"])}


def shop_lines(move: Move, lines: Lines, shop_ids: set[object]) -> tuple[Row, ...]:
    """Return which lines belong to which shops, GSM and SIP alike."""
    found: dict[tuple[object, str], Row] = {}
    for table, column, kind in _LINKS:
        for row in move.theirs.rows(table):
            shop_id, line_id = whole(row["shop_id"]), lines.line_id(kind, row[column])
            if shop_id not in shop_ids or line_id is None:
                move.report.left_out(table, f"{row['shop_id']}/{row[column]}", "its shop or its line is not there")
            else:
                found[shop_id, line_id] = {"shop_id": shop_id, "line_id": line_id}
    _report_unlinked(move, lines, {line_id for _, line_id in found})
    return tuple(found.values())


def _report_unlinked(move: Move, lines: Lines, linked: set[str]) -> None:
    """Say which GSM lines bear the name of a shop that no row of shop_lines gives them."""
    for row in move.theirs.rows("gsm_lines"):
        shop, line_id = text(row.get("shop")), lines.line_id("gsm", row["id"])
        if shop and line_id is not None and line_id not in linked:
            move.report.by_hand("gsm_lines", row["id"], f"its shop is {shop!r}, but shop_lines does not link them")


def departments(move: Move) -> tuple[Row, ...]:
    """Return the departments."""
    return settle(move, DEPARTMENTS, _departments(move), lambda _: None)


def _departments(move: Move) -> Iterator[tuple[Source, Row]]:
    for row in move.theirs.rows("departments"):
        number = text(row["number"])
        if id_of(row) is None or not _NUMBER.fullmatch(number):
            move.report.left_out("departments", row["id"], f"its id or its number {number!r} is not one to dial")
        else:
            yield ("departments", row["id"]), {"id": id_of(row), "name": text(row["name"]), "number": number}


def members(move: Move, department_ids: set[object], phone_ids: set[object]) -> tuple[Row, ...]:
    """Return which internal phones belong to which departments."""
    found: dict[tuple[object, object], Row] = {}
    for row in move.theirs.rows("department_members"):
        department, phone = whole(row["department_id"]), whole(row["internal_phone_id"])
        if department in department_ids and phone in phone_ids:
            found[department, phone] = {"department_id": department, "internal_id": phone}
        else:
            move.report.left_out("department_members", f"{department}/{phone}", "its department or phone is not there")
    return tuple(found.values())
