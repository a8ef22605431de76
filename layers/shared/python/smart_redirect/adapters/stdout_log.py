"""The decision log of Lambda: one JSON line a call on stdout, collected by a log subscription.

Each line is a metric too, in CloudWatch's embedded metric format, written by hand: the library costs a tenth of a cold
start. CloudWatch takes percentiles from the single values.
"""

import json
import sys
import time
from json.encoder import encode_basestring as quoted
from typing import TextIO

from smart_redirect.adapters.decision_json import as_line
from smart_redirect.usecases.ports import DecisionRecord

NAMESPACE = "SmartRedirect"
CALL_MILLISECONDS, REFUSED = "CallMilliseconds", "Refused"


class StdoutLog:
    """Writes each record at once: Lambda freezes whatever is left for later. `function` is the metrics' dimension."""

    def __init__(self, stream: TextIO | None = None, *, full_phones: bool = False, function: str = "") -> None:
        self._stream = stream
        self._full_phones = full_phones
        self._function = quoted(function)

    def write(self, record: DecisionRecord) -> None:
        """Write one record."""
        now = time.time()
        line = as_line(record, now, full_phones=self._full_phones)
        self._print(line, self._metric(CALL_MILLISECONDS, "Milliseconds", f"{record.total_ms:.3f}", now))

    def refused(self, reason: str) -> None:
        """Write one refusal."""
        now = time.time()
        line = json.dumps({"at": round(now, 3), "refused": reason}, separators=(",", ":"))
        self._print(line, self._metric(REFUSED, "Count", "1", now))

    def _metric(self, name: str, unit: str, value: str, now: float) -> str:
        metric = (
            f'{{"Namespace":"{NAMESPACE}","Dimensions":[["function"]],"Metrics":[{{"Name":"{name}","Unit":"{unit}"}}]}}'
        )
        about = f'{{"Timestamp":{int(now * 1000)},"CloudWatchMetrics":[{metric}]}}'
        return f'"function":{self._function},"{name}":{value},"_aws":{about}'

    def _print(self, line: str, metric: str) -> None:
        print(f"{line[:-1]},{metric}}}", file=self._stream or sys.stdout, flush=True)
