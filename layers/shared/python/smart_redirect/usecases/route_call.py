"""The call path: who is calling and where should the call go, decided before the deadline, whatever is down."""

from collections.abc import Callable
from typing import NamedTuple

from smart_redirect.domain.call import CallRequest
from smart_redirect.domain.decision import Decision
from smart_redirect.domain.enterprise import Enterprise, Host, Line, Mode
from smart_redirect.domain.facts import NO_FACTS, CallerFacts, Freshness
from smart_redirect.domain.phone import mask
from smart_redirect.domain.responsible import silent_connections, with_looked_up
from smart_redirect.domain.routing import Question, decide
from smart_redirect.errors import DatabaseUnavailable, TokenUnknown
from smart_redirect.usecases.facts_cache import FactsCache
from smart_redirect.usecases.ports import (
    CallerFactsSource,
    Clock,
    DecisionLog,
    DecisionRecord,
    FactsQuestion,
    Missed,
    MissFiller,
    Normalise,
)
from smart_redirect.usecases.snapshots import Held, Snapshots

# Shorter than any full number of a caller.
_LONGEST_SHOWN = 8


class Asked(NamedTuple):
    """An admitted request; times are of the event loop's clock, in seconds."""

    request: CallRequest
    host: Host | None
    held: Held
    token_hash: bytes
    started: float
    read_at: float
    deadline: float
    readmit: Callable[[Enterprise], Host | None] | None = None
    """Tells the asking host once more, by settings that have just changed."""


class _Known(NamedTuple):
    """What is known when the decision is made."""

    held: Held
    host: Host | None
    facts: CallerFacts
    caller: str | None
    line: Line | None


class RouteCall:
    """Answers one call with one round trip to the caller's facts."""

    def __init__(
        self,
        snapshots: Snapshots,
        callers: CallerFactsSource,
        cache: FactsCache,
        log: DecisionLog,
        normalise: Normalise,
    ) -> None:
        self._snapshots = snapshots
        self._callers = callers
        self._cache = cache
        self._log = log
        self._normalise = normalise
        self.clock: Clock = snapshots.clock
        self.live: MissFiller | None = None
        """Asked when the mirror does not know a caller; None: nobody is."""

    async def __call__(self, asked: Asked) -> Decision:
        """Return the decision by `asked.deadline`; RequestRefused if settings say so that have just changed."""
        known = await self._learn(asked)
        enterprise = known.held.enterprise
        if self.live is not None and self.live.may_know(enterprise) and (connections := _silent(known)):
            known = await self._fill(self.live, asked.deadline, known, connections)
        question = Question(
            enterprise,
            known.line,
            known.caller,
            known.host,
            known.facts,
            asked.request.load_dialplan,
            known.held.all_switched_off,
            self._snapshots.is_too_old(known.held),
        )
        decision = decide(question)
        self._log.write(self._record(asked, known, decision))
        return decision

    async def _learn(self, asked: Asked) -> _Known:
        held = asked.held
        line, caller = self._identify(held.enterprise, asked.request)
        question = FactsQuestion(held.enterprise.id, caller, self._snapshots.wanted_version(held))
        try:
            answer = await self._callers.ask(question, asked.deadline)
        except DatabaseUnavailable:
            facts = self._cache.get(held.enterprise.id, caller) if caller else NO_FACTS
            return _Known(held, asked.host, facts, caller, line)
        if answer is None:
            self._snapshots.drop(held.enterprise.id)
            raise TokenUnknown
        if caller:
            self._cache.put(held.enterprise.id, caller, answer.facts, answer.cache_epoch)
        current = self._snapshots.verified(held, answer)
        if current is held:
            return _Known(held, asked.host, answer.facts, caller, line)
        return self._learn_again(asked, current, answer.facts, caller)

    def _learn_again(self, asked: Asked, current: Held, facts: CallerFacts, asked_for: str | None) -> _Known:
        """Read the request once more by settings that have just changed."""
        if asked.token_hash not in current.enterprise.tokens:
            raise TokenUnknown
        line, caller = self._identify(current.enterprise, asked.request)
        host = asked.readmit(current.enterprise) if asked.readmit else _current_host(current.enterprise, asked.host)
        return _Known(current, host, facts if caller == asked_for else NO_FACTS, caller, line)

    async def _fill(self, live: MissFiller, deadline: float, known: _Known, connections: frozenset[int]) -> _Known:
        enterprise = known.held.enterprise
        call = Missed(enterprise, known.caller or "", self._cache.epoch_of(enterprise.id), connections)
        contacts = await live(call, deadline)
        return known._replace(facts=with_looked_up(known.facts, contacts))

    def _identify(self, enterprise: Enterprise, request: CallRequest) -> tuple[Line | None, str | None]:
        line = enterprise.lines.get(request.line_id)
        caller = self._normalise(request.phone, enterprise.country, line.area_code if line else "")
        if caller is not None and enterprise.is_own(request.phone, caller):
            return line, None
        return line, caller

    def _record(self, asked: Asked, known: _Known, decision: Decision) -> DecisionRecord:
        now = self.clock()
        return DecisionRecord(
            known.held.enterprise,
            known.host.id if known.host else None,
            asked.request.unique_id,
            known.line.id if known.line else shown_line(asked.request.line_id),
            known.caller or asked.request.phone,
            decision,
            known.facts.source,
            settings_age_s=now - known.held.verified_at,
            read_ms=(asked.read_at - asked.started) * 1000,
            facts_ms=(now - asked.read_at) * 1000,
            total_ms=(now - asked.started) * 1000,
        )


def _silent(known: _Known) -> frozenset[int]:
    """Return the connections whose mirrors lack a caller on whom the answer may depend."""
    enterprise, line, facts = known.held.enterprise, known.line, known.facts
    is_silent = enterprise.mode is Mode.OFF or enterprise.switched_off or line is None or not line.enabled
    if is_silent or not known.caller or facts.source is not Freshness.DATABASE:
        return frozenset()
    return silent_connections(enterprise, facts)


def shown_line(trunk_id: str) -> str:
    """Mask what is no line of ours: a comma in a caller's name puts the rest of it, or a number, into TrunkId."""
    return trunk_id if trunk_id.isdecimal() and len(trunk_id) <= _LONGEST_SHOWN else mask(trunk_id)


def _current_host(enterprise: Enterprise, host: Host | None) -> Host | None:
    return enterprise.hosts.get(host.id) if host is not None else None
