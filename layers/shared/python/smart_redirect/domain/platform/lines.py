"""GSM and SIP lines with their Smart Redirect settings, under the id that Asterisk sees in EXTEN."""

import re
from collections.abc import Iterator

from smart_redirect.domain.platform.move import Move, Source, settle
from smart_redirect.domain.platform.names import positions
from smart_redirect.domain.platform.schemes import Schemes
from smart_redirect.domain.platform.tables import LINES
from smart_redirect.domain.platform.values import Row, flag, mapping, text

VENDORS = {"retailcrm": "retailcrm", "uon": "uon", "ms": "moysklad", "bitrix24": "bitrix24"}
_TABLES = {"gsm": "gsm_lines", "sip": "sip_unit"}
_OWN_ALGORITHMS = {"first_call", "last_call"}
_POOLED = re.compile(r"[0-9][0-9A-Za-z_-]{1,39}")
_GSM_DIGITS = 7
_LONGEST = 64


class Lines:
    """The lines taken over, and where the platform's row ids lead."""

    def __init__(self, move: Move, schemes: Schemes) -> None:
        self._smart = mapping(move.theirs.smart.get("lines"))
        self._ids: dict[tuple[str, object], str] = {}
        found = [*self._read(move, schemes, "gsm"), *self._read(move, schemes, "sip")]
        # The key is settled in the order of reading: a GSM line wins over a SIP line with the same id.
        self.rows = settle(move, LINES, found, lambda _: None)
        _report_lost_settings(move, self._smart, {f"{row['kind']}:{row['line_id']}" for row in self.rows})

    def line_id(self, kind: str, row_id: object) -> str | None:
        """Return the line of a row of gsm_lines or sip_unit, None if it was left out."""
        return self._ids.get((kind, row_id))

    def _read(self, move: Move, schemes: Schemes, kind: str) -> Iterator[tuple[Source, Row]]:
        for row in move.theirs.rows(_TABLES[kind]):
            source = (_TABLES[kind], row["id"])
            line_id = self._gsm_id(move, source, row) if kind == "gsm" else _sip_id(move, source, row)
            if line_id is None:
                continue
            if line_id in self._ids.values():
                move.report.left_out(*source, f"line {line_id} is there already; Asterisk cannot tell them apart")
                continue
            self._ids[kind, row["id"]] = line_id
            yield source, _line(move, schemes, source, (kind, line_id, row))

    def _gsm_id(self, move: Move, source: Source, row: Row) -> str | None:
        """Return the id as text; an integer has lost its leading zeros, which a setting or the order may restore."""
        given = row["line_id"]
        if not isinstance(given, int) or isinstance(given, bool):
            return _checked(move, source, text(given))
        keys = (key.removeprefix("gsm:") for key in self._smart if key.startswith("gsm:"))
        hints = {key for key in keys if key.isdecimal() and int(key) == given}
        if len(hints) == 1:
            return _checked(move, source, hints.pop())
        if move.order.gsm_digits is not None:
            return _checked(move, source, str(given).zfill(move.order.gsm_digits))
        if len(str(given)) >= _GSM_DIGITS:
            return _checked(move, source, str(given))
        lost = f"line_id {given} is an integer, so its leading zeros are lost"
        move.report.left_out(*source, f"{lost}: say how many digits it has with --gsm-digits")
        return None


def _sip_id(move: Move, source: Source, row: Row) -> str | None:
    transform = text(row.get("incoming_transform"))
    if transform:
        how = "here they are completed by the enterprise's country and the line's area_code"
        move.report.by_hand(*source, f"callers' numbers are changed by {transform!r} there; {how}")
    return _checked(move, source, text(row["line_name"]))


def _checked(move: Move, source: Source, line_id: str) -> str | None:
    if not line_id or len(line_id) > _LONGEST:
        move.report.left_out(*source, f"its line id is empty or longer than {_LONGEST} characters")
        return None
    if not _POOLED.fullmatch(line_id):
        move.report.by_hand(*source, f"line id {line_id!r} can be in no context: the line gets names, but no routes")
    return line_id


def _line(move: Move, schemes: Schemes, source: Source, what: tuple[str, str, Row]) -> Row:
    kind, line_id, row = what
    smart = mapping(mapping(move.theirs.smart.get("lines")).get(f"{kind}:{line_id}"))
    return {
        "line_id": line_id,
        "kind": kind,
        "name": (text(row.get("info")) if kind == "sip" else "") or text(row.get("line_name")),
        "phone_number": text(row.get("phone_number")) or None,
        "prefix": text(row.get("prefix")),
        "in_schema_id": schemes.by_name(source, "incoming", row.get("in_schema")),
        "out_schema_id": schemes.by_name(source, "outgoing", row.get("out_schema")),
        "enabled": flag(smart.get("enabled")),
        "do_routing": flag(smart.get("do_routing")),
        "algorithms": _algorithms(move, source, smart),
        **positions(move.report, source, smart),
    }


def _algorithms(move: Move, source: Source, smart: Row) -> list[str]:
    given = text(smart.get("algorithm"))
    if not given or given in _OWN_ALGORITHMS:
        return [given] if given else []
    if given not in VENDORS:
        move.report.left_out(*source, f"algorithm {given!r} is unknown; the line has none")
        return []
    primary = text(move.theirs.smart.get("primary"))
    if primary and primary != given:
        move.report.repaired(*source, f"algorithm {given} is now crm: it asks {primary}, the primary, before {given}")
    return ["crm"]


def _report_lost_settings(move: Move, smart: Row, taken: set[str]) -> None:
    for key in sorted(set(smart) - taken):
        move.report.left_out("enterprises.integrations_config", f"smart.lines.{key}", "there is no such line")
