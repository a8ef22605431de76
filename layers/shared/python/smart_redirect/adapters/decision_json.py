"""A decision record as one line of JSON: the line of the log, and the row of the table is made from it."""

from functools import lru_cache
from json.encoder import encode_basestring as quoted

from smart_redirect.domain.decision import Candidate
from smart_redirect.domain.phone import mask
from smart_redirect.usecases.ports import DecisionRecord


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
