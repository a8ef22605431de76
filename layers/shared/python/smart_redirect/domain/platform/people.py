"""Users with their follow-me, and their internal phones; the ids stay, because contexts are named by them."""

import re
from collections.abc import Iterator

from smart_redirect.domain.platform.move import Move, Source, settle
from smart_redirect.domain.platform.schemes import Schemes
from smart_redirect.domain.platform.tables import PHONES, USERS
from smart_redirect.domain.platform.values import Row, flag, id_of, listed, mapping, text, whole

_EXTENSION = re.compile(r"[0-9]{1,10}")
_DIALLED = re.compile(r"\+?[0-9]{2,15}")
_PUNCTUATION = str.maketrans("", "", " -()\u00a0")
_RESERVED = {301, 302, 555}
_FOLLOW_ME = range(100, 900)
_RINGS = range(1, 21)


def users(move: Move) -> tuple[Row, ...]:
    """Return the users; a follow-me number that the dialplan cannot have is dropped and reported."""
    internal = {text(row["phone_number"]) for row in move.theirs.rows("user_internal_phones")}
    return settle(move, USERS, _users(move, internal), lambda row: {**row, "follow_me_number": None})


def _users(move: Move, internal: set[str]) -> Iterator[tuple[Source, Row]]:
    for row in move.theirs.rows("users"):
        source, user_id = ("users", row["id"]), id_of(row)
        if user_id is None:
            move.report.left_out(*source, "its id is not a number that fits")
            continue
        named = {column: text(row.get(column)) for column in ("first_name", "last_name", "patronymic")}
        reached = {column: text(row.get(column)) or None for column in ("email", "personal_phone")}
        number = _follow_me_number(move, source, row, internal)
        enabled = _follow_me_enabled(move, source, row)
        yield source, {"id": user_id, **named, **reached, "follow_me_number": number, "follow_me_enabled": enabled}


def _follow_me_number(move: Move, source: Source, row: Row, internal: set[str]) -> int | None:
    given = row.get("follow_me_number")
    if given is None or text(given) == "":
        return None
    number = whole(given)
    if number is None or number not in _FOLLOW_ME:
        move.report.left_out(*source, f"follow-me number {text(given)} is not one of 100 to 899")
    elif number in _RESERVED or str(number) in internal:
        taken = "reserved" if number in _RESERVED else "an internal number"
        move.report.left_out(*source, f"follow-me number {number} is {taken}")
    else:
        return number
    return None


def _follow_me_enabled(move: Move, source: Source, row: Row) -> bool:
    if not flag(row.get("follow_me_enabled")):
        return False
    if any(_numbers(mapping(step)) for step in listed(row.get("follow_me_steps"))):
        return True
    move.report.repaired(*source, "follow-me is switched off: no step has a number to ring")
    return False


def steps(move: Move, user_ids: set[object]) -> tuple[Row, ...]:
    """Return the follow-me steps of the users, numbered from 1 in their order."""
    rows = sorted(move.theirs.rows("users"), key=lambda row: text(row["id"]))
    owners = {id_of(row): row for row in reversed(rows) if id_of(row) in user_ids}
    return tuple(step for row in owners.values() for step in _steps(move, row))


def _steps(move: Move, row: Row) -> Iterator[Row]:
    source = ("users", row["id"])
    given = row.get("follow_me_steps")
    found = [mapping(step) for step in listed(given)]
    if given is not None and not found and given not in ("", [], "[]"):
        move.report.left_out(*source, "its follow_me_steps are not a list of steps")
    ordered = sorted(enumerate(found, start=1), key=lambda pair: (whole(pair[1].get("step")) or pair[0], pair[0]))
    for place, (_, step) in enumerate(ordered, start=1):
        rings = _rings(move, source, place, step)
        numbers = _dialled(move, source, place, step)
        yield {"user_id": id_of(row), "step": place, "rings": rings, "numbers": numbers}


def _rings(move: Move, source: Source, place: int, step: Row) -> int:
    given = whole(step.get("rings"))
    if given is not None and given in _RINGS:
        return given
    rings = min(max(given if given is not None else 6, _RINGS[0]), _RINGS[-1])
    was = "missing" if given is None else str(given)
    move.report.repaired(*source, f"rings of follow-me step {place}: {was}, now {rings}")
    return rings


def _numbers(step: Row) -> list[str]:
    written = (text(number).translate(_PUNCTUATION) for number in listed(step.get("numbers")))
    return [number for number in dict.fromkeys(written) if _DIALLED.fullmatch(number)]


def _dialled(move: Move, source: Source, place: int, step: Row) -> list[str]:
    for number in listed(step.get("numbers")):
        if not _DIALLED.fullmatch(text(number).translate(_PUNCTUATION)):
            move.report.left_out(*source, f"{text(number)!r} in follow-me step {place} cannot be dialled")
    return _numbers(step)


def phones(move: Move, schemes: Schemes, user_ids: set[object]) -> tuple[Row, ...]:
    """Return the internal phones; their passwords stay where they are."""
    return settle(move, PHONES, _phones(move, schemes, user_ids), lambda _: None)


def _phones(move: Move, schemes: Schemes, user_ids: set[object]) -> Iterator[tuple[Source, Row]]:
    for row in move.theirs.rows("user_internal_phones"):
        source, number = ("user_internal_phones", row["id"]), text(row["phone_number"])
        if id_of(row) is None or not _EXTENSION.fullmatch(number):
            move.report.left_out(*source, f"its id or its number {number!r} is not what an extension can have")
            continue
        owner = whole(row.get("user_id"))
        if owner is not None and owner not in user_ids:
            move.report.left_out(*source, f"its user {owner} is not there; the phone is nobody's")
            owner = None
        outgoing = schemes.by_id(source, "outgoing", row.get("outgoing_schema_id"))
        yield source, {"id": id_of(row), "user_id": owner, "number": number, "outgoing_schema_id": outgoing}
