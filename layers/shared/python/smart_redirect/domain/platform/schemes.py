"""Schemes: the platform's call flows, and the ids that stand behind the names by which its lines refer to them."""

from collections.abc import Iterator

from smart_redirect.domain.platform.move import Move, Source, settle
from smart_redirect.domain.platform.tables import DIAL_SCHEMAS
from smart_redirect.domain.platform.values import Row, parsed, storable, text

_TYPES = {"incoming", "outgoing"}


class Schemes:
    """The schemes taken over, and where a name or an id of the platform leads."""

    def __init__(self, move: Move) -> None:
        found = list(_schemes(move))
        self.rows = settle(move, DIAL_SCHEMAS, found, _rename)
        self._types = {text(row["schema_id"]): row["type"] for row in self.rows}
        self._ids: dict[tuple[object, object], str] = {}
        for _, row in sorted(found, key=lambda pair: text(pair[1]["schema_id"])):
            self._ids.setdefault((row["type"], row["name"]), text(row["schema_id"]))
        self._move = move

    def by_name(self, source: Source, kind: str, name: object) -> str | None:
        """Return the id of a scheme that a line names, None if it names none; an unknown name is reported.

        Some installations keep the scheme's id where others keep its name.
        """
        wanted = text(name)
        found = self._ids.get((kind, wanted)) or (wanted if self._types.get(wanted) == kind else None)
        if wanted and found is None:
            self._move.report.left_out(*source, f"there is no {kind} scheme named {wanted!r}; the row is without one")
        return found

    def by_id(self, source: Source, kind: str, schema_id: object) -> str | None:
        """Return the id of a scheme that a row refers to, None if there is none; an unknown one is reported."""
        wanted = text(schema_id)
        if not wanted or self._types.get(wanted) == kind:
            return wanted or None
        self._move.report.left_out(*source, f"there is no {kind} scheme {wanted}; the row is without one")
        return None


def _schemes(move: Move) -> Iterator[tuple[Source, Row]]:
    for row in move.theirs.rows("dial_schemas"):
        source = ("dial_schemas", text(row["schema_id"]))
        kind, data = text(row["schema_type"]).lower(), parsed(row["schema_data"])
        wrong = _what_is_wrong(source[1], kind, data)
        if wrong:
            move.report.left_out(*source, wrong)
        else:
            yield source, {"schema_id": source[1], "name": text(row["schema_name"]), "type": kind, "data": data}


def _what_is_wrong(schema_id: str, kind: str, data: object) -> str:
    if not schema_id:
        return "it has no schema_id"
    if kind not in _TYPES:
        return f"its schema_type is {kind!r}, neither incoming nor outgoing"
    if not isinstance(data, dict) or not isinstance(data.get("nodes"), list):
        return "its schema_data is not a graph with nodes"
    return "" if storable(data) else "its schema_data holds characters or numbers that jsonb cannot store"


def _rename(row: Row) -> Row:
    return {**row, "name": f"{row['name']} ({text(row['schema_id'])[:8]})"}
