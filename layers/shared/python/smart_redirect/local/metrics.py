"""Metrics in Prometheus format: requests by result and reason, latency, where facts came from, dependencies."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from itertools import accumulate

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from smart_redirect.usecases.ports import DecisionRecord, Refusal

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


class _Latency(Collector):
    """A histogram that is made when it is read: the client's own takes 1.5 µs and a lock for each observation."""

    def __init__(self) -> None:
        self._counts: dict[str, list[int]] = {}
        self._sums: dict[str, float] = {}

    def observe(self, result: str, seconds: float) -> None:
        """Count one answer."""
        counts = self._counts.get(result)
        if counts is None:
            counts = self._counts[result] = [0] * (len(_BUCKETS) + 1)
        counts[bisect_left(_BUCKETS, seconds)] += 1
        self._sums[result] = self._sums.get(result, 0.0) + seconds

    def collect(self) -> Iterator[Metric]:
        """Give the buckets of each result, each bucket with all that is below it."""
        names = [*(str(each) for each in _BUCKETS), "+Inf"]
        text = "From the first byte of the request to the decision or refusal, by result."
        family = HistogramMetricFamily("smart_redirect_decision_seconds", text, labels=["result"])
        for result, counts in list(self._counts.items()):
            family.add_metric([result], list(zip(names, accumulate(counts), strict=True)), self._sums[result])
        yield family


class _Tallies(Collector):
    """A counter that is made when it is read, like the histogram."""

    def __init__(self, name: str, text: str, labels: tuple[str, ...]) -> None:
        self._about = name, text, labels
        self.of: defaultdict[tuple[str, ...], int] = defaultdict(int)
        """How many, by the values of the labels."""

    def collect(self) -> Iterator[Metric]:
        """Give the count of each combination of labels."""
        name, text, labels = self._about
        family = CounterMetricFamily(name, text, labels=labels)
        for values, count in list(self.of.items()):
            family.add_metric(values, count)
        yield family


class Metrics:
    """The counters of this process."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        text = "Requests to getcustomerdata by result (routed, named, nothing, shadow, refused, failed) and reason."
        self._requests = _Tallies("smart_redirect_requests", text, ("result", "reason"))
        self._latency = _Latency()
        text = "Decisions by where the caller's facts came from (database, cache, none)."
        self._facts = _Tallies("smart_redirect_facts", text, ("source",))
        for each in (self._requests, self._latency, self._facts):
            self._registry.register(each)
        self._refused_events = Counter(
            "smart_redirect_events_refused",
            "Call events that were not taken, by reason.",
            ["reason"],
            registry=self._registry,
        )

    def observe(self, records: Iterable[DecisionRecord]) -> None:
        """Count decisions."""
        requests, facts = self._requests.of, self._facts.of
        for record in records:
            result = result_of(record)
            requests[result, record.decision.reason] += 1
            facts[record.facts_source,] += 1
            self._latency.observe(result, record.total_ms / 1000)

    def refused(self, refusal: Refusal) -> None:
        """Count one request that got no decision: refused, or failed when the fault is ours."""
        result = "failed" if refusal.is_failure else "refused"
        self._requests.of[result, refusal.reason] += 1
        self._latency.observe(result, refusal.total_ms / 1000)

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
