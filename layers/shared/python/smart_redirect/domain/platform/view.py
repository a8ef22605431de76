"""The settings after an import as the decisions see them: what tells our own numbers from a caller's."""

from smart_redirect.domain.enterprise import Enterprise, Extension, Line
from smart_redirect.domain.platform.move import Ours
from smart_redirect.domain.platform.tables import LINES, PHONES
from smart_redirect.domain.platform.values import Row, text, whole


def as_enterprise(ours: Ours) -> Enterprise:
    """Return the enterprise with its lines and extensions."""
    row = ours.enterprise or {}
    return Enterprise(
        id=ours.id,
        number=text(row.get("number")),
        country=text(row.get("country")),
        lines={text(line["line_id"]): _line(line) for line in ours.rows(LINES)},
        extensions=tuple(_extension(phone) for phone in ours.rows(PHONES)),
    )


def _line(row: Row) -> Line:
    number, area_code = text(row.get("phone_number")), text(row.get("area_code"))
    return Line(id=text(row["line_id"]), number=number, area_code=area_code)


def _extension(row: Row) -> Extension:
    return Extension(text(row["number"]), whole(row["id"]) or 0, whole(row["user_id"]))
