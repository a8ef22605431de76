"""Reads docs/routing.md: its rows, and what each phrase of the column `change` does to the base case."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

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
from smart_redirect.domain.facts import NO_FACTS, CallerFacts, Contact, Freshness, Talk
from smart_redirect.domain.routing import Question

PAGE = Path(__file__).parents[2] / "docs" / "routing.md"
LINE = "0001363"
POOL = ContextPool(frozenset({31, 32, 33, 37, 40}), frozenset({LINE}))
BY_NAME = {"retail": Connection(1, "retail"), "bitrix": Connection(2, "bitrix")}
PETROVA = Contact(1, "Петрова", "17")
PARTS = {part.value: part for part in NamePart}


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a table of the page."""

    rule: str
    changes: tuple[str, ...]
    name: str
    context: str | None
    reason: str


def rows() -> Iterator[Row]:
    """Yield every row of the page."""
    for text in PAGE.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", text)[1:-1]]
        if len(cells) == 5 and cells[0] not in {"rule", "---"}:
            rule, change, name, context, reason = cells
            yield Row(rule, tuple(filter(None, change.split("; "))), name, context or None, reason)


def traces() -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield every row of the page that has two columns: the changes, and the trace."""
    for text in PAGE.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in text.split("|")[1:-1]]
        if len(cells) == 2 and cells[0] not in {"change", "---"}:
            yield tuple(filter(None, cells[0].split("; "))), cells[1]


def base() -> Question:
    """Return the base case that the page describes."""
    line = Line(
        LINE,
        name="Приёмная",
        enabled=True,
        do_routing=True,
        algorithms=(Algorithm.CRM, Algorithm.LAST_CALL),
        name_parts=(NamePart.CUSTOMER, NamePart.LINE),
        shop="Немига",
    )
    host = Host(1, "pbx", loaded=POOL)
    enterprise = Enterprise(
        1,
        "0367",
        mode=Mode.ROUTING_AND_NAME,
        lines={LINE: line},
        extensions=(
            Extension("150", 31, 25),
            Extension("151", 33, 25),
            Extension("0152", 32, 26),
            Extension("153", 37, 27),
        ),
        connections=tuple(BY_NAME.values()),
        user_extensions={(1, "17"): "150"},
        hosts={1: host},
    )
    facts = CallerFacts(
        first=Talk("0152", 32, 26, 1.0), last=Talk("153", 37, 27, 2.0), contacts=(PETROVA,), source=Freshness.DATABASE
    )
    return Question(enterprise, line, "+375291112233", host, facts)


def changed(changes: tuple[str, ...]) -> Question:
    """Return the base case with the phrases applied; KeyError for a phrase that nobody knows."""
    question = base()
    for phrase in changes:
        question = _change(question, phrase)
    return question


def _change(question: Question, phrase: str) -> Question:
    if phrase in PHRASES:
        return PHRASES[phrase](question)
    for start, change in STARTS.items():
        if phrase.startswith(start):
            return change(question, phrase.removeprefix(start))
    raise KeyError(phrase)


def _enterprise(question: Question, **values: object) -> Question:
    return question._replace(enterprise=replace(question.enterprise, **values))  # type: ignore[arg-type]


def _line(question: Question, **values: object) -> Question:
    if question.line is None:
        return question
    line = replace(question.line, **values)  # type: ignore[arg-type]
    return _enterprise(question, lines={LINE: line})._replace(line=line)


def _host(question: Question, **values: object) -> Question:
    if 1 not in question.enterprise.hosts:
        return question
    host = replace(question.enterprise.hosts[1], **values)  # type: ignore[arg-type]
    return _enterprise(question, hosts={**question.enterprise.hosts, 1: host})._replace(host=host)


def _facts(question: Question, **values: object) -> Question:
    return question._replace(facts=question.facts._replace(**values))  # type: ignore[arg-type]


def _manager_says(question: Question, extension: str) -> Question:
    changed = _enterprise(question, user_extensions={})
    return _facts(changed, contacts=(PETROVA._replace(responsible_extension=extension),))


def _bitrix_says(question: Question, extension: str) -> Question:
    kovalev = Contact(2, "Ковалёв", "9", extension)
    return _facts(question, contacts=(*question.facts.contacts, kovalev))


def _other_owner(question: Question, told: str, connection_id: int = 1) -> Question:
    name, extension = told.split(" at ")
    other = Contact(connection_id, name, "" if extension == "nobody's" else "9", extension.removesuffix("nobody's"))
    return _facts(question, contacts=(*question.facts.contacts, other))


def _six_others(question: Question) -> Question:
    for number in range(6):
        question = _other_owner(question, f"{number + 1} at 151")
    return question


def _give_153(question: Question) -> Question:
    others = tuple(each for each in question.enterprise.extensions if each.number != "153")
    return _enterprise(question, extensions=(*others, Extension("153", 37, 26)))


def _second_host(question: Question) -> Question:
    return _enterprise(question, hosts={**question.enterprise.hosts, 2: Host(2, "second")})


PHRASES: dict[str, Callable[[Question], Question]] = {
    "enterprise switched off": lambda q: _enterprise(q, switched_off=True),
    "deployment switched off": lambda q: q._replace(all_switched_off=True),
    "line unknown": lambda q: q._replace(line=None),
    "line disabled": lambda q: _line(q, enabled=False),
    "line does not route": lambda q: _line(q, do_routing=False),
    "host did not ask for a context": lambda q: q._replace(load_dialplan=False),
    "caller hidden": lambda q: q._replace(caller=None, facts=CallerFacts(source=Freshness.DATABASE)),
    "settings not verified for too long": lambda q: q._replace(settings_too_old=True),
    "facts not in time": lambda q: q._replace(facts=NO_FACTS),
    "caller new": lambda q: _facts(q, first=None, last=None, contacts=()),
    "no fall-back": lambda q: _line(q, crm_falls_back=False),
    "no manager": lambda q: _facts(q, contacts=(Contact(1, "Петрова"),)),
    "retail knows nobody": lambda q: _facts(q, contacts=()),
    "retail has no name": lambda q: _facts(q, contacts=(PETROVA._replace(name=""),)),
    "six other owners": _six_others,
    "no first call": lambda q: _facts(q, first=None),
    "no algorithms": lambda q: _line(q, algorithms=()),
    "153 given to user 26": _give_153,
    "153 deleted": lambda q: _enterprise(q, extensions=q.enterprise.extensions[:3]),
    "user 27 has 160": lambda q: _enterprise(q, extensions=(*q.enterprise.extensions, Extension("160", 40, 27))),
    "host never reported": lambda q: _host(q, loaded=None),
    "host trusted by rules only": lambda q: _host(q, trust=ContextTrust.RULES, loaded=None),
    "host trusted for names only": lambda q: _host(q, trust=ContextTrust.NAMES_ONLY),
    "host announces a pool without 31": lambda q: _host(
        q, announced=replace(POOL, internal_ids=POOL.internal_ids - {31})
    ),
    "host cannot be told": lambda q: q._replace(host=None),
    "second host never reported": _second_host,
    "enterprise without hosts": lambda q: _enterprise(q, hosts={})._replace(host=None),
    "no parts": lambda q: _line(q, name_parts=()),
    "enterprise in shadow": lambda q: _enterprise(q, shadow=True),
    "line in shadow": lambda q: _line(q, shadow=True),
}

STARTS: dict[str, Callable[[Question, str], Question]] = {
    "mode ": lambda q, mode: _enterprise(q, mode=Mode(mode)),
    "algorithms ": lambda q, names: _line(q, algorithms=tuple(Algorithm(name) for name in names.split(", "))),
    "parts ": lambda q, names: _line(q, name_parts=tuple(PARTS[name] for name in names.split(", "))),
    "connections ": lambda q, names: _enterprise(
        q, connections=tuple(BY_NAME[name] for name in names.split(", ") if name != "none")
    ),
    "manager says ": _manager_says,
    "bitrix says ": _bitrix_says,
    "other owner of bitrix ": lambda q, told: _other_owner(q, told, 2),
    "other owner ": _other_owner,
    "line id ": lambda q, line_id: _line(q, id=line_id),
    "own contact ": lambda q, name: _facts(q, own_name=name),
    "host lacks ": lambda q, context: _host(q, loaded=replace(POOL, missing=frozenset({context}))),
}
