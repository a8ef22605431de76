"""The routing rules: one call, one snapshot and the caller's facts in; one decision that explains itself out.

Each rule has the name of a row in docs/routing.md. The first rule with an opinion wins.
"""

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import NamedTuple, assert_never

from smart_redirect.domain.closure import is_loaded
from smart_redirect.domain.decision import Candidate, Decision, Reason, Verdict
from smart_redirect.domain.enterprise import (
    Algorithm,
    Connection,
    Enterprise,
    Extension,
    Host,
    Line,
    Mode,
    NamePart,
    first_context,
)
from smart_redirect.domain.facts import NO_FACTS, CallerFacts, Contact, Freshness, Talk
from smart_redirect.domain.responsible import OWN_CONTACTS, contacts_of, known_contacts, outranked, responsible_of


class Question(NamedTuple):
    """All that a decision depends on; `caller` is E.164, or None for a caller without identity."""

    enterprise: Enterprise
    line: Line | None
    caller: str | None
    host: Host | None = None
    facts: CallerFacts = NO_FACTS
    load_dialplan: bool = True
    all_switched_off: bool = False
    settings_too_old: bool = False


def decide(question: Question) -> Decision:
    """Decide one call. Pure and total: the same question gives the same decision, and none raises."""
    line = question.line
    silence = _first_opinion(SILENT_RULES, question)
    if silence is not None or line is None:
        return Decision(silence or Reason.LINE_UNKNOWN)
    shadow = question.enterprise.shadow or line.shadow
    name, source = _name(question, line)
    no_route = _first_opinion(NAME_RULES, question)
    trace = _until_chosen(_candidates(question, line)) if no_route is None else ()
    facts = question.facts
    losers = outranked(question.enterprise, facts, trace, source) if len(facts.contacts) > 1 else ()
    if not trace or trace[-1].verdict is not Verdict.CHOSEN:
        reason = no_route or _why_none(trace)
        return Decision(reason, name=name, trace=trace + losers, name_source=source, shadow=shadow)
    chosen = trace[-1]
    return Decision(Reason.ROUTED, name, chosen.context, chosen.algorithm, trace + losers, source, shadow)


# --- rules that answer nothing at all


def switched_off(question: Question) -> Reason | None:
    """Stop at the emergency switch of the enterprise or of the deployment."""
    off = question.all_switched_off or question.enterprise.switched_off
    return Reason.SWITCHED_OFF if off else None


def mode_off(question: Question) -> Reason | None:
    """Stop when the enterprise has not turned Smart Redirect on."""
    return Reason.MODE_OFF if question.enterprise.mode is Mode.OFF else None


def line_unknown(question: Question) -> Reason | None:
    """Stop when the line is not one of the enterprise's."""
    return Reason.LINE_UNKNOWN if question.line is None else None


def line_disabled(question: Question) -> Reason | None:
    """Stop when Smart Redirect is not enabled on the line."""
    return Reason.LINE_DISABLED if question.line is not None and not question.line.enabled else None


# --- rules that leave the name and answer no route


def mode_name_only(question: Question) -> Reason | None:
    """Give names only when the enterprise says so."""
    return Reason.MODE_NAME_ONLY if question.enterprise.mode is Mode.NAME_ONLY else None


def routing_off_for_line(question: Question) -> Reason | None:
    """Give names only when the line does not route."""
    return Reason.ROUTING_OFF_FOR_LINE if question.line is not None and not question.line.do_routing else None


def dialplan_not_asked(question: Question) -> Reason | None:
    """Give no context to a host that did not ask for one."""
    return None if question.load_dialplan else Reason.NOT_ASKED


def no_caller_identity(question: Question) -> Reason | None:
    """Never route a hidden caller: all of them would share one history."""
    return Reason.NO_IDENTITY if question.caller is None else None


def settings_too_old(question: Question) -> Reason | None:
    """Give names only when the settings could not be verified for too long."""
    return Reason.STALE_SETTINGS if question.settings_too_old else None


def facts_unavailable(question: Question) -> Reason | None:
    """Give no route when neither the database nor a cache knew the caller's facts in time."""
    return Reason.NO_FACTS if question.facts.source is Freshness.NONE else None


Rule = Callable[[Question], Reason | None]
SILENT_RULES: tuple[Rule, ...] = (switched_off, mode_off, line_unknown, line_disabled)
NAME_RULES: tuple[Rule, ...] = (
    mode_name_only,
    routing_off_for_line,
    dialplan_not_asked,
    no_caller_identity,
    settings_too_old,
    facts_unavailable,
)


def _first_opinion(rules: tuple[Rule, ...], question: Question) -> Reason | None:
    for rule in rules:
        reason = rule(question)
        if reason is not None:
            return reason
    return None


# --- the name


def _name(question: Question, line: Line) -> tuple[str, str]:
    """Join the line's chosen parts; also say who knew the customer's name."""
    customer, source = _customer_name(question) if NamePart.CUSTOMER in line.name_parts else ("", "")
    texts = [_text(part, line, customer) for part in line.name_parts]
    return " | ".join([text for text in texts if text]), source


def _text(part: NamePart, line: Line, customer: str) -> str:
    match part:
        case NamePart.LINE:
            return line.name
        case NamePart.CUSTOMER:
            return customer
        case NamePart.SHOP:
            return line.shop
        case _:
            assert_never(part)


def _customer_name(question: Question) -> tuple[str, str]:
    if question.caller is None:
        return "", ""
    for connection, contact in known_contacts(question.enterprise, question.facts):
        if contact.name:
            return contact.name, connection.name
    return (question.facts.own_name, OWN_CONTACTS) if question.facts.own_name else ("", "")


# --- the candidates of a route


def _until_chosen(candidates: Iterator[Candidate]) -> tuple[Candidate, ...]:
    trace = []
    for candidate in candidates:
        trace.append(candidate)
        if candidate.verdict is Verdict.CHOSEN:
            break
    return tuple(trace)


def _why_none(trace: tuple[Candidate, ...]) -> Reason:
    return Reason.ALL_PASSED_OVER if any(each.extension for each in trace) else Reason.NO_CANDIDATE


def _candidates(question: Question, line: Line) -> Iterator[Candidate]:
    for algorithm in effective_algorithms(line):
        match algorithm:
            case Algorithm.CRM:
                yield from _by_crm(question, line)
            case Algorithm.LAST_CALL:
                yield _by_history(question, line, algorithm, question.facts.last)
            case Algorithm.FIRST_CALL:
                yield _by_history(question, line, algorithm, question.facts.first)
            case _:
                assert_never(algorithm)


def effective_algorithms(line: Line) -> tuple[Algorithm, ...]:
    """Return the line's algorithms; `crm` brings `last_call` after it unless told otherwise."""
    wanted = line.algorithms
    if Algorithm.CRM not in wanted or Algorithm.LAST_CALL in wanted or not line.crm_falls_back:
        return wanted
    after = wanted.index(Algorithm.CRM) + 1
    return (*wanted[:after], Algorithm.LAST_CALL, *wanted[after:])


def _by_crm(question: Question, line: Line) -> Iterator[Candidate]:
    for connection in question.enterprise.connections:
        contacts = contacts_of(connection, question.facts)
        if not contacts:
            yield _not_in(connection.name)
        for contact in contacts:
            yield _by_contact(question, line, connection, contact)


@lru_cache(maxsize=1000)
def _not_in(connection: str) -> Candidate:
    """Return the most frequent of all candidates, which is always the same."""
    return Candidate(Algorithm.CRM, Verdict.NOT_IN_CRM, connection)


def _by_contact(question: Question, line: Line, connection: Connection, contact: Contact) -> Candidate:
    found = responsible_of(question.enterprise, connection, contact)
    if isinstance(found, Candidate):
        return found
    return _checked(question, line, (Algorithm.CRM, connection.name), found)


def _by_history(question: Question, line: Line, algorithm: Algorithm, talk: Talk | None) -> Candidate:
    if talk is None:
        return Candidate(algorithm, Verdict.NO_HISTORY)
    extension = _heir(question.enterprise, talk)
    if extension is None:
        return Candidate(algorithm, Verdict.CHANGED_HANDS, "history", talk.extension)
    return _checked(question, line, (algorithm, "history"), extension)


def _heir(enterprise: Enterprise, talk: Talk) -> Extension | None:
    """Find who talked then: the same extension, or the person's smallest when it has changed hands."""
    extension = enterprise.by_internal_id.get(talk.internal_id) if talk.internal_id is not None else None
    if extension is not None and extension.user_id == talk.user_id:
        return extension
    return enterprise.smallest_of_user.get(talk.user_id) if talk.user_id is not None else None


def _checked(question: Question, line: Line, proposed: tuple[Algorithm, str], extension: Extension) -> Candidate:
    """Return the candidate that an algorithm and its source propose; chosen if its context is loaded."""
    algorithm, source = proposed
    context = first_context(extension.internal_id, line.id)
    loaded = is_loaded(question.enterprise, question.host, extension, line)
    verdict = Verdict.CHOSEN if loaded else Verdict.NOT_LOADED
    return Candidate(algorithm, verdict, source, extension.number, context)
