"""The decision log of Lambda: one JSON line a call on stdout, collected by a log subscription.

Each line is a metric too, in CloudWatch's embedded metric format, written by hand: the library costs a tenth of a cold
start. CloudWatch takes percentiles from the single values.
"""

import json
import sys
import time
from functools import cache
from json.encoder import encode_basestring as quoted
from typing import TextIO

from smart_redirect.adapters.decision_json import as_line, refusal_line
from smart_redirect.usecases.ports import DecisionRecord, Refusal

NAMESPACE = "SmartRedirect"
CALL_MILLISECONDS, REFUSED, REFUSED_MILLISECONDS = "CallMilliseconds", "Refused", "RefusedMilliseconds"
_UNITS = {CALL_MILLISECONDS: "Milliseconds", REFUSED: "Count", REFUSED_MILLISECONDS: "Milliseconds"}


class StdoutLog:
    """Writes each record at once: Lambda freezes whatever is left for later. `function` is the metrics' dimension."""

    def __init__(self, stream: TextIO | None = None, *, full_phones: bool = False, function: str = "") -> None:
        self._stream = stream
        self.full_phones = full_phones
        self._function = quoted(function)
        self._request = ""

    def begin(self, request: str, gateway: str) -> None:
        """Have the next lines name their request: by Lambda's id, which its own log has, and by that of the gateway."""
        self._request = f'"request":{quoted(request)},"gateway_request":{quoted(gateway)},'

    def write(self, record: DecisionRecord) -> None:
        """Write one record."""
        now = time.time()
        line = as_line(record, now, full_phones=self.full_phones)
        self._print(line, now, _defined(CALL_MILLISECONDS), f'"{CALL_MILLISECONDS}":{record.total_ms:.3f}')

    def refused(self, refusal: Refusal) -> None:
        """Write one refusal, unless it is left out; with the next of its kind it is counted.

        The time of a failure of ours is a call's, that of other refusals is apart: whoever tries tokens would hide it.
        """
        if refusal.left_out is None:
            return
        now, took = time.time(), CALL_MILLISECONDS if refusal.is_failure else REFUSED_MILLISECONDS
        line = refusal_line(refusal, now, full_phones=self.full_phones)
        values = f'"{REFUSED}":{1 + refusal.left_out},"{took}":{refusal.total_ms:.3f}'
        self._print(line, now, f"{_defined(REFUSED)},{_defined(took)}", values)

    def refused_event(self, reason: str) -> None:
        """Write that a call event was not taken."""
        now = time.time()
        line = json.dumps({"at": round(now, 3), "refused": reason}, separators=(",", ":"))
        self._print(line, now, _defined(REFUSED), f'"{REFUSED}":1')

    def _print(self, line: str, now: float, metrics: str, values: str) -> None:
        """Print a record with its metrics: their definitions, and their values as members of the line."""
        metric = f'{{"Namespace":"{NAMESPACE}","Dimensions":[["function"]],"Metrics":[{metrics}]}}'
        about = f'"_aws":{{"Timestamp":{int(now * 1000)},"CloudWatchMetrics":[{metric}]}}'
        text = f'{line[:-1]},{self._request}"function":{self._function},{values},{about}}}'
        print(text, file=self._stream or sys.stdout, flush=True)


@cache
def _defined(name: str) -> str:
    return f'{{"Name":"{name}","Unit":"{_UNITS[name]}"}}'
