"""Reads the settings of an enterprise from one JSON document: what a query returns, and what a golden case is given."""

from smart_redirect.domain.dialplan import fields
from smart_redirect.domain.dialplan.fields import FieldInvalid, Row
from smart_redirect.domain.dialplan.graph import SchemeKind
from smart_redirect.domain.dialplan.model import Department, Extension, FollowMeStep, Line, Model, Scheme, User
from smart_redirect.domain.dialplan.read_graph import read_graph


def read_model(document: object) -> Model:
    """Return the model; raises FieldInvalid when the document is not of the form that docs/dialplan.md gives."""
    given = fields.row(document, "the document")
    return Model(
        number=fields.text(given, "number"),
        country=fields.text(given, "country", "BY"),
        time_zone=fields.text(given, "time_zone", "Europe/Minsk"),
        recording=fields.flag(given, "recording"),
        lines=tuple(_line(each) for each in fields.rows(given, "lines")),
        extensions=tuple(_extension(each) for each in fields.rows(given, "extensions")),
        users=tuple(_user(each) for each in fields.rows(given, "users")),
        schemes=tuple(_scheme(each) for each in fields.rows(given, "schemes")),
        departments=tuple(_department(each) for each in fields.rows(given, "departments")),
    )


def _line(given: Row) -> Line:
    return Line(
        id=fields.text(given, "id"),
        enabled=fields.flag(given, "enabled"),
        in_scheme=fields.optional_text(given, "in_scheme"),
        number=fields.text(given, "number", ""),
        area_code=fields.text(given, "area_code", ""),
        prefix=fields.text(given, "prefix", ""),
    )


def _extension(given: Row) -> Extension:
    return Extension(
        internal_id=fields.number(given, "internal_id"),
        number=fields.text(given, "number"),
        user_id=fields.optional_number(given, "user_id"),
        out_scheme=fields.optional_text(given, "out_scheme"),
    )


def _user(given: Row) -> User:
    return User(
        id=fields.number(given, "id"),
        follow_me_number=fields.optional_text(given, "follow_me_number"),
        follow_me_enabled=fields.flag(given, "follow_me_enabled"),
        follow_me_steps=tuple(_step(each) for each in fields.rows(given, "follow_me_steps")),
    )


def _step(given: Row) -> FollowMeStep:
    numbers = tuple(fields.text({"number": each}, "number") for each in fields.items(given, "numbers"))
    return FollowMeStep(fields.number(given, "step"), fields.number(given, "rings"), numbers)


def _scheme(given: Row) -> Scheme:
    kind = fields.text(given, "type")
    if kind not in set(SchemeKind):
        raise FieldInvalid(f"type {kind!r} of a scheme is neither incoming nor outgoing")
    return Scheme(
        id=fields.text(given, "id"),
        name=fields.text(given, "name"),
        kind=SchemeKind(kind),
        graph=read_graph(given.get("data")),
        context=fields.optional_text(given, "context"),
    )


def _department(given: Row) -> Department:
    members = tuple(fields.number({"member": each}, "member") for each in fields.items(given, "members"))
    return Department(fields.number(given, "id"), fields.text(given, "number"), members)
