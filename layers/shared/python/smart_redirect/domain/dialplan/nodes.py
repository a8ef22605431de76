"""What the nodes of a scheme do to a call: each node becomes one context."""

import re
from dataclasses import dataclass
from typing import assert_never

from smart_redirect.domain.dialplan import patterns, schedule, text
from smart_redirect.domain.dialplan.directory import Directory, Owner, target
from smart_redirect.domain.dialplan.findings import Findings, Kind
from smart_redirect.domain.dialplan.follow_me import SECONDS_PER_RING
from smart_redirect.domain.dialplan.graph import (
    Dial,
    ExternalLines,
    Graph,
    Greeting,
    Menu,
    Node,
    PatternCheck,
    SchemeKind,
    Start,
    WorkSchedule,
)
from smart_redirect.domain.dialplan.model import Scheme
from smart_redirect.domain.dialplan.plan import ANY_NUMBER, Context, Entry
from smart_redirect.domain.dialplan.priorities import priorities
from smart_redirect.domain.dialplan.schemes import context_name, meaningful
from smart_redirect.domain.dialplan.steps import (
    AskKey,
    Begin,
    CallerMatches,
    CallKind,
    Desk,
    DialledMatches,
    Hangup,
    HideCustomer,
    Jump,
    KeyIs,
    Nothing,
    Play,
    Record,
    Ring,
    RingPhones,
    Step,
    Test,
    TryTrunk,
)

OUTSIDE_S = 60
# A node that loses its last phone keeps its priorities, for the call that rings there meanwhile.
_NOBODY = Ring("", (), 0)
_KEY = re.compile(r"(?:.*[^0-9A-Za-z*#])?([0-9*#])")


class NodeInvalid(Exception):
    """The node cannot be written; the text says why."""


@dataclass(frozen=True)
class Writing:
    """One scheme being written: its rows, the directory, and where findings go."""

    scheme: Scheme
    book: Directory
    found: Findings

    @property
    def graph(self) -> Graph:
        """The scheme's nodes."""
        return self.scheme.graph

    def context(self, node: Node) -> Context:
        """Return the context of a node; one that cannot be written ends the call and is noted."""
        row = f"{self.scheme.row}, node {node.id!r} ({node.type})"
        try:
            steps = self._steps(node, row)
        except NodeInvalid as invalid:
            self.found.error(Kind.SCHEME, row, str(invalid))
            steps = (Hangup(),)
        entry = Entry(ANY_NUMBER, steps)
        inbound = self.scheme.kind is SchemeKind.INCOMING
        return Context(context_name(self.scheme, node), (entry,), row, inbound=inbound)

    def _steps(self, node: Node, row: str) -> tuple[Step, ...]:
        content = node.content
        match content:
            case Greeting():
                return (Play(_sound(content.sound)), self._only_output(node))
            case Dial():
                return (*self._phones(content, row), self._only_output(node))
            case WorkSchedule():
                return self._branches(node, [self._hours(period, content) for period in range(len(content.periods))])
            case PatternCheck():
                return self._branches(node, [(self._match(each),) for each in content.patterns])
            case Menu():
                return self._menu(node, content)
            case ExternalLines():
                return self._trunks(content)
            case Start():
                return (Hangup(),)
            case _:
                assert_never(content)

    def _jump(self, node_id: str, when: Test | None = None) -> Step:
        node = meaningful(self.graph, node_id)
        return Jump(context_name(self.scheme, node), when) if node else _end(when)

    def _only_output(self, node: Node) -> Step:
        if len(node.outputs) > 1:
            raise NodeInvalid(f"has {len(node.outputs)} outputs instead of one")
        return self._jump(node.outputs[0].target) if node.outputs else Hangup()

    def _branches(self, node: Node, tests: list[tuple[Test, ...]]) -> tuple[Step, ...]:
        if len(node.outputs) != len(tests) + 1:
            wanted = f"{len(tests)} and one for the rest"
            raise NodeInvalid(f"has {len(node.outputs)} outputs instead of {wanted}")
        steps = [
            self._jump(output.target, test)
            for output, several in zip(node.outputs, tests, strict=False)
            for test in several
        ]
        return (*steps, self._jump(node.outputs[-1].target))

    def _hours(self, at: int, content: WorkSchedule) -> tuple[Test, ...]:
        zone = self.book.model.time_zone
        if not text.is_time_zone(zone):
            raise NodeInvalid(f"time zone {zone!r} of the enterprise cannot be written")
        found = schedule.ranges(content.periods[at], zone)
        if found is None:
            raise NodeInvalid(f"period {at + 1} has no days, or times that are not HH:MM")
        return found

    def _match(self, pattern: str) -> Test:
        expression = patterns.expression(pattern)
        if expression is None:
            raise NodeInvalid(f"pattern {pattern!r} is not one of digits, X, Z, N, [0-9], and . or ! at its end")
        kind = CallerMatches if self.scheme.kind is SchemeKind.INCOMING else DialledMatches
        return kind(expression)

    def _phones(self, content: Dial, row: str) -> tuple[Step, ...]:
        if not 1 <= content.rings <= 60:
            raise NodeInvalid(f"waitingRings {content.rings} is not from 1 to 60")
        if content.music and not text.is_music_class(content.music):
            raise NodeInvalid(f"music {content.music!r} cannot be written")
        targets = [target(person.phone, Owner(row, person.user_id), self.book, self.found) for person in content.people]
        usable = tuple(dict.fromkeys(each for each in targets if each is not None))
        if not usable:
            self.found.warn(Kind.NOTHING_TO_RING, row, "is passed: it has nothing to ring")
            return (Nothing(),) * priorities((RingPhones(_NOBODY),))
        desks = [each.number for each in usable if isinstance(each, Desk)]
        owners = [self.book.smallest(each.user_id) for each in content.people if each.user_id is not None]
        local = min(desks or [each for each in owners if each], key=text.numeric, default="")
        return (RingPhones(Ring(local, usable, content.rings * SECONDS_PER_RING), content.music),)

    def _menu(self, node: Node, content: Menu) -> tuple[Step, ...]:
        keys = [(_KEY.fullmatch(output.handle), output) for output in node.outputs]
        others = [output for key, output in keys if key is None]
        pressed = [(key[1], output) for key, output in keys if key is not None]
        if any(key == "#" for key, _ in pressed):
            raise NodeInvalid("asks for the key #, which ends the reading of keys")
        if len(others) > 1 or len({key for key, _ in pressed}) != len(pressed):
            raise NodeInvalid("has two outputs for one key, or for no key")
        ask = AskKey(_sound(content.sound) if content.sound else "", content.seconds)
        jumps = [self._jump(output.target, KeyIs(key)) for key, output in pressed]
        return (ask, *jumps, self._jump(others[0].target) if others else Hangup())

    def _trunks(self, content: ExternalLines) -> tuple[Step, ...]:
        lines = {line.id: line for line in self.book.lines}
        for missing in [line for line in content.lines if line not in lines]:
            raise NodeInvalid(f"line {missing!r} is not a line of this enterprise that can be written")
        if not content.lines:
            raise NodeInvalid("has no lines")
        record: Step = Record() if self.book.model.recording else Nothing()
        tries = [
            TryTrunk(line, lines[line].prefix, text.number(lines[line].number) or "", OUTSIDE_S)
            for line in content.lines
        ]
        return (Begin(CallKind.OUTBOUND, content.lines[0]), HideCustomer(), record, *tries, Hangup())


def _sound(name: str) -> str:
    sound = text.sound(name)
    if sound is None:
        raise NodeInvalid(f"sound {name!r} cannot be written: letters, digits, spaces and _ - . / only")
    return sound


def _end(when: Test | None) -> Step:
    if when is not None:
        raise NodeInvalid("an output leads to nodes that do nothing and have no way out")
    return Hangup()
