"""A decision record as one JSON object: the line of the log and the row of the table come from here."""

import json
from typing import Any

from smart_redirect.domain.decision import Candidate
from smart_redirect.domain.phone import mask
from smart_redirect.usecases.ports import DecisionRecord

# Made once: json.dumps with arguments makes an encoder for each call.
_ENCODE = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False).encode


def as_object(record: DecisionRecord, decided_at: float, *, full_phones: bool = False) -> dict[str, Any]:
    """Return the record's fields; the phone is masked unless the enterprise or the deployment says otherwise."""
    decision = record.decision
    show = full_phones or record.enterprise.full_phones
    return {
        "at": round(decided_at, 3),
        "enterprise": record.enterprise.number,
        "host": record.host_id,
        "call": storable(record.unique_id),
        "line": storable(record.line_id),
        "phone": storable(record.phone if show else mask(record.phone)),
        "mode": record.enterprise.mode.value,
        "shadow": decision.shadow,
        "name": decision.name,
        "context": decision.context,
        "algorithm": decision.algorithm.value if decision.algorithm else None,
        "reason": decision.reason.value,
        "trace": [_candidate(each) for each in decision.trace],
        "sources": sources(record),
        "ms": timings(record),
    }


def storable(text: str) -> str:
    """Cut a text that a host sent to 64 characters, without what UTF-8 or PostgreSQL cannot hold."""
    return text[:64].encode("utf-8", "replace").decode("utf-8").replace("\0", "")


def _candidate(candidate: Candidate) -> dict[str, str]:
    fields = {
        "algorithm": candidate.algorithm.value,
        "source": candidate.source,
        "extension": candidate.extension,
        "context": candidate.context,
        "verdict": candidate.verdict.value,
    }
    return {name: text for name, text in fields.items() if text}


def sources(record: DecisionRecord) -> dict[str, Any]:
    """Say where the facts came from and how old the settings were, in seconds."""
    return {
        "facts": record.facts_source,
        "name": record.decision.name_source,
        "settings_version": record.enterprise.version,
        "settings_age_s": round(record.settings_age_s, 3),
    }


def timings(record: DecisionRecord) -> dict[str, float]:
    """Return the milliseconds of each stage."""
    return {
        "read": round(record.read_ms, 3),
        "facts": round(record.facts_ms, 3),
        "total": round(record.total_ms, 3),
    }


def as_line(record: DecisionRecord, decided_at: float, *, full_phones: bool = False) -> str:
    """Return the record as one line of JSON, without a line end."""
    return _ENCODE(as_object(record, decided_at, full_phones=full_phones))
