"""Values that several tests start from."""

from smart_redirect.domain.decision import Candidate, Decision, Reason, Verdict
from smart_redirect.domain.enterprise import Algorithm, Enterprise, Mode
from smart_redirect.usecases.ports import DecisionRecord, Refusal

CONTEXT = "mngr31_0001363_1"


def record(**changed: object) -> DecisionRecord:
    """Return the record of a routed call of a known customer of enterprise 0367."""
    trace = (Candidate(Algorithm.CRM, Verdict.CHOSEN, "RetailCRM", "150", CONTEXT),)
    values: dict[str, object] = {
        "enterprise": Enterprise(1, "0367", mode=Mode.ROUTING_AND_NAME, version=7),
        "host_id": 1,
        "unique_id": "1795417798.0",
        "line_id": "0001363",
        "phone": "+375291112233",
        "decision": Decision(Reason.ROUTED, "Петрова", CONTEXT, Algorithm.CRM, trace, "RetailCRM"),
        "facts_source": "database",
        "settings_age_s": 0.5,
        "read_ms": 0.1,
        "facts_ms": 1.25,
        "total_ms": 1.5,
    }
    return DecisionRecord(**{**values, **changed})  # type: ignore[arg-type]


def refusal(**changed: object) -> Refusal:
    """Return the record of a call of enterprise 0367 from an address that none of its hosts has."""
    values: dict[str, object] = {
        "reason": "AddressRefused",
        "status": 403,
        "address": "203.0.113.1",
        "total_ms": 1.5,
        "enterprise": Enterprise(1, "0367", mode=Mode.ROUTING_AND_NAME),
        "host_id": 1,
        "unique_id": "1795417798.0",
        "line_id": "0001363",
        "phone": "80291112233",
    }
    return Refusal(**{**values, **changed})  # type: ignore[arg-type]
