"""Reads a host's own extensions.conf: its contexts, and where its [from-out-office] sends the calls of each line."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from smart_redirect.domain.dialplan.host_calls import called
from smart_redirect.domain.dialplan.patterns import matches
from smart_redirect.domain.dialplan.plan import ANY_NUMBER, FROM_OUT_OFFICE
from smart_redirect.domain.dialplan.pool import Fallbacks

_SECTION = re.compile(r"\[([^\]]+)\]")
_EXTEN = re.compile(r"exten\s*=>?([^,]+),[^,]+,(.+)", re.IGNORECASE)
_SAME = re.compile(r"same\s*=>?[^,]+,(.+)", re.IGNORECASE)
_GOTO = re.compile(r"Goto\(([^,()]+),\s*(?:\$\{(?:EXTEN|INCALL)\}|[0-9]+)\s*,\s*1\)\s*", re.IGNORECASE)
_GOTO_IF = re.compile(
    r"GotoIf\((.+)\?([^,?:()]+),\s*(?:\$\{(?:EXTEN|INCALL)\}|[0-9]+)\s*,\s*1(?::[^:]*)?\)\s*", re.IGNORECASE
)
# With an x before both sides, or none: the x keeps Asterisk from comparing numbers.
_IS_LINE = re.compile(r"\"?(x?)\$\{(?:EXTEN|INCALL)\}\"?\s*==?\s*\"?\1([0-9A-Za-z_+-]+)\"?")
_CONDITION = re.compile(r"\$\[(.*)\]")
# One that does not end goes on to the end of the file.
_BLOCK_COMMENT = re.compile(r";--(?!-).*?(?:--;|\Z)", re.DOTALL)
_OUR_BLOCK = re.compile(r"^;\*{9,}Smart Redirection\*{9,}[ \t]*$", re.MULTILINE)
_OF_LINE = re.compile(r"\$\{(?:EXTEN|INCALL)\}")


@dataclass(frozen=True, slots=True)
class Transition:
    """A jump of [from-out-office]: for the lines named, else for every line that the pattern matches."""

    pattern: str
    lines: tuple[str, ...]
    context: str

    def leads(self, line_id: str) -> str | None:
        """Return the context that this line's calls go to by this jump."""
        if self.lines and line_id not in self.lines:
            return None
        return _OF_LINE.sub(line_id, self.context) if matches(self.pattern, line_id) else None


@dataclass(frozen=True, slots=True)
class HostFile:
    """What the host keeps itself: the names of its contexts, and its transitions in their order.

    `missing` are the routines that no file defines, each after the context that calls it.
    """

    contexts: frozenset[str]
    transitions: tuple[Transition, ...]
    missing: tuple[tuple[str, str], ...] = ()

    def fallbacks(self, line_ids: tuple[str, ...]) -> Fallbacks:
        """Return where calls of these lines go; a jump to a context that the host has not is none."""
        by_line = {line_id: self._own(line_id) for line_id in line_ids}
        return Fallbacks({line: context for line, context in by_line.items() if context}, self._first(line_ids))

    def _own(self, line_id: str) -> str | None:
        """A jump that names the line wins over one for every line, as it comes first in the host's own plan."""
        leading = sorted(self.transitions, key=lambda each: not (each.lines or each.pattern == line_id))
        there = (each.leads(line_id) for each in leading)
        return next((context for context in there if context in self.contexts), None)

    def _first(self, line_ids: tuple[str, ...]) -> str | None:
        lines = {each: each.lines or line_ids for each in self.transitions}
        candidates = (_OF_LINE.sub(line, each.context) for each in self.transitions for line in (*lines[each], ""))
        return next((context for context in candidates if context in self.contexts), None)


def read_host(*texts: str) -> HostFile:
    """Read extensions.conf, and after it the files that it includes, without what stands between our markers."""
    contexts: dict[str, None] = {}
    transitions: list[Transition] = []
    calls: dict[tuple[str, str], None] = {}
    for section, line in _lines(texts):
        contexts[section] = None
        if line is None:
            continue
        calls |= dict.fromkeys((section, routine) for routine in called(line[1]))
        if section == FROM_OUT_OFFICE:
            transitions += _transition(*line)
    missing = sorted(call for call in calls if call[1] not in contexts)
    return HostFile(frozenset(contexts), tuple(transitions), tuple(missing))


def _lines(texts: tuple[str, ...]) -> Iterator[tuple[str, tuple[str, str] | None]]:
    """Yield each section, and each line in it as (extension, application)."""
    for text in texts:
        section, pattern = "", ANY_NUMBER
        for raw in _BLOCK_COMMENT.sub("", _without_our_block(text)).splitlines():
            line = re.split(r"(?<!\\);", raw, maxsplit=1)[0].strip()
            if found := _SECTION.match(line):
                section = found[1]
                yield section, None
            elif found := _EXTEN.fullmatch(line):
                pattern = found[1].strip()
                yield section, (pattern, found[2].strip())
            elif found := _SAME.fullmatch(line):
                yield section, (pattern, found[1].strip())


def _without_our_block(text: str) -> str:
    before, *others = _OUR_BLOCK.split(text)
    return before + others[-1] if len(others) == 2 else text


def _transition(pattern: str, application: str) -> Iterator[Transition]:
    if found := _GOTO.fullmatch(application):
        yield Transition(pattern, (), found[1].strip())
    elif found := _GOTO_IF.fullmatch(application):
        condition = _CONDITION.fullmatch(found[1].strip())
        lines = [_IS_LINE.fullmatch(part.strip()) for part in condition[1].split("|")] if condition else [None]
        if all(lines):
            yield Transition(pattern, tuple(each[2] for each in lines if each), found[2].strip())
