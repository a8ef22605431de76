"""A decision record, or a refusal, as one line of JSON: a line of the log, from which the table's row is made."""

from functools import lru_cache
from json.encoder import encode_basestring as quoted

from smart_redirect.domain.decision import Candidate
from smart_redirect.domain.enterprise import Enterprise
from smart_redirect.domain.phone import mask
from smart_redirect.usecases.ports import DecisionRecord, Refusal


def as_line(record: DecisionRecord, decided_at: float, *, full_phones: bool = False) -> str:
    """Return the record as JSON without a line end; times in milliseconds, ages in seconds.

    The phone is masked unless the enterprise or the deployment says otherwise. Written by hand, because a generic
    encoder costs a tenth of a call (docs/performance.md).
    """
    decision, enterprise = record.decision, record.enterprise
    phone = record.phone if full_phones or enterprise.full_phones else mask(record.phone)
    return (
        f'{{"at":{decided_at:.3f},"enterprise":{quoted(enterprise.number)},"host":{_number(record.host_id)},'
        f'"call":{storable(record.unique_id)},"line":{storable(record.line_id)},"phone":{storable(phone)},'
        f'"mode":"{enterprise.mode}","shadow":{"true" if decision.shadow else "false"},'
        f'"name":{storable(decision.name, 400)},"context":{_optional(decision.context)},'
        f'"algorithm":{_optional(decision.algorithm)},'
        f'"reason":"{decision.reason}","trace":[{_trace(decision.trace)}],'
        f'"sources":{{"facts":"{record.facts_source}","name":{quoted(decision.name_source)},'
        f'"settings_version":{enterprise.version},"settings_age_s":{record.settings_age_s:.3f}}},'
        f'"ms":{{"read":{record.read_ms:.3f},"facts":{record.facts_ms:.3f},"total":{record.total_ms:.3f}}}}}'
    )


def refusal_line(refusal: Refusal, refused_at: float, *, full_phones: bool = False) -> str:
    """Return a refusal as such a line: the table has a row for it if the enterprise is known."""
    enterprise = refusal.enterprise
    full = full_phones or (enterprise is not None and enterprise.full_phones)
    phone = refusal.phone if full else mask(refusal.phone)
    return (
        f'{{"at":{refused_at:.3f},{_unanswered(enterprise, refusal.host_id) if enterprise else ""}'
        f'"call":{storable(refusal.unique_id)},"line":{storable(refusal.line_id)},"phone":{storable(phone)},'
        f'"reason":{quoted(refusal.reason)},'
        f'"sources":{{"address":{storable(refusal.address)},"status":{refusal.status},'
        f'"left_out":{refusal.left_out or 0}}},"ms":{{"total":{refusal.total_ms:.3f}}}}}'
    )


def _unanswered(enterprise: Enterprise, host_id: int | None) -> str:
    """Say whose host was answered nothing."""
    return (
        f'"enterprise":{quoted(enterprise.number)},"host":{_number(host_id)},"mode":"{enterprise.mode}","shadow":false,'
        '"name":"","context":null,"algorithm":null,"trace":[],'
    )


def storable(text: str, most: int = 64) -> str:
    """Quote a text from outside, cut to `most` characters, without what UTF-8 or PostgreSQL cannot hold."""
    cut = text[:most]
    if not cut.isprintable():
        cut = cut.encode("utf-8", "replace").decode("utf-8").replace("\0", "")
    return quoted(cut)


def _optional(text: str | None) -> str:
    return "null" if text is None else quoted(text)


def _number(value: int | None) -> str:
    return "null" if value is None else str(value)


@lru_cache(maxsize=10_000)
def _trace(trace: tuple[Candidate, ...]) -> str:
    """Quote the candidates; the same few come again and again."""
    return ",".join(map(_candidate, trace))


def _candidate(candidate: Candidate) -> str:
    fields = {
        "algorithm": candidate.algorithm,
        "source": candidate.source,
        "extension": candidate.extension,
        "context": candidate.context,
        "verdict": candidate.verdict,
        "name": candidate.name,
    }
    return "{" + ",".join(f'"{name}":{storable(text)}' for name, text in fields.items() if text) + "}"
