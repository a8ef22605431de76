"""Metrics in Prometheus format: requests by result and reason, latency, where facts came from, dependencies."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from smart_redirect.usecases.ports import DecisionRecord

_BUCKETS = (
    0.001,
    0.002,
    0.003,
    0.005,
    0.0075,
    0.01,
    0.015,
    0.02,
    0.03,
    0.05,
    0.075,
    0.1,
    0.15,
    0.2,
    0.25,
    0.3,
    0.5,
    1.0,
)


class Metrics:
    """The counters of this process."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._children: dict[tuple[object, ...], Counter] = {}
        self._requests = Counter(
            "smart_redirect_requests",
            "Requests to getcustomerdata by result (routed, named, nothing, refused) and reason.",
            ["result", "reason"],
            registry=self._registry,
        )
        self._latency = Histogram(
            "smart_redirect_decision_seconds",
            "From the first byte of the request to the decision.",
            buckets=_BUCKETS,
            registry=self._registry,
        )
        self._facts = Counter(
            "smart_redirect_facts",
            "Decisions by where the caller's facts came from (database, cache, none).",
            ["source"],
            registry=self._registry,
        )

        self._refused_events = Counter(
            "smart_redirect_events_refused",
            "Call events that were not taken, by reason.",
            ["reason"],
            registry=self._registry,
        )

    def observe(self, record: DecisionRecord) -> None:
        """Count one decision."""
        self._count(self._requests, result_of(record), record.decision.reason.value)
        self._count(self._facts, record.facts_source)
        self._latency.observe(record.total_ms / 1000)

    def _count(self, counter: Counter, *labels: str) -> None:
        """Count; the child of each set of labels is kept, because the library's own look-up takes a lock."""
        child = self._children.get((counter, *labels))
        if child is None:
            child = self._children[counter, *labels] = counter.labels(*labels)
        child.inc()

    def refused(self, reason: str) -> None:
        """Count one request that got no decision."""
        self._requests.labels("refused", reason).inc()

    def refused_event(self, reason: str) -> None:
        """Count one call event that was not taken."""
        self._refused_events.labels(reason).inc()

    def gauge(self, name: str, help_text: str, read: Callable[[], float]) -> None:
        """Show a value that is read when the metrics are."""
        Gauge(name, help_text, registry=self._registry).set_function(read)

    def render(self) -> bytes:
        """Return the exposition text."""
        return generate_latest(self._registry)


def result_of(record: DecisionRecord) -> str:
    """Name what a host was answered."""
    decision = record.decision
    if decision.shadow:
        return "shadow"
    if decision.context:
        return "routed"
    return "named" if decision.name else "nothing"
