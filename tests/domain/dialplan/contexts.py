"""Reads a written dialplan the way Asterisk does: its sections, its jumps, its lines."""

import re

_SECTION = re.compile(r"^\[([^\]]+)\]$", re.MULTILINE)
_GOTO = re.compile(r"Goto\(([^,$]+),\$\{(?:EXTEN|SR_DIALLED)\},(?:1|lines)\)")
_CONDITIONAL = re.compile(r"Goto(?:If|IfTime)\(.*\?([^,?$]+),\$\{EXTEN\},1\)$", re.MULTILINE)
_LOCAL = re.compile(r"Local/[0-9]+@([^&,)\n]+)")
_FORMS = (
    re.compile(r"\[[0-9A-Za-z_.-]+\]"),
    re.compile(r"exten => (?:h|s|_\+?X\.|[0-9]+),1,[A-Za-z]+\(.*\)"),
    re.compile(r" same => n(?:\(lines\))?,[A-Za-z]+\(.*\)"),
    re.compile(r";\*{30}Smart Redirection\*{42}"),
    re.compile(r""),
)


def sections(text: str) -> list[str]:
    """Return the names of the contexts, in their order."""
    return [name for name in _SECTION.findall(text) if name not in ("general", "globals")]


def without_digest(names: list[str]) -> set[str]:
    """Return the names, that of the release without its hash."""
    return {re.sub(r"^(sr-release-).*", r"\1", name) for name in names}


def gotos(text: str) -> set[str]:
    """Return every context that a call can be sent to by name."""
    return {*_GOTO.findall(text), *_CONDITIONAL.findall(text), *_LOCAL.findall(text)}


def odd_lines(text: str) -> list[str]:
    """Return the lines that are of no form that the generator writes."""
    return [line for line in text.split("\n") if not any(form.fullmatch(line) for form in _FORMS)]
