"""The decision log of Lambda: one JSON line a call on stdout, collected by a log subscription."""

import json
import sys
import time
from typing import TextIO

from smart_redirect.adapters.decision_json import as_line
from smart_redirect.usecases.ports import DecisionRecord


class StdoutLog:
    """Writes each record at once: Lambda freezes whatever is left for later."""

    def __init__(self, stream: TextIO | None = None, *, full_phones: bool = False) -> None:
        self._stream = stream
        self._full_phones = full_phones

    def write(self, record: DecisionRecord) -> None:
        """Write one record."""
        self._print(as_line(record, time.time(), full_phones=self._full_phones))

    def refused(self, reason: str) -> None:
        """Write one refusal."""
        self._print(json.dumps({"at": round(time.time(), 3), "refused": reason}, separators=(",", ":")))

    def _print(self, line: str) -> None:
        print(line, file=self._stream or sys.stdout, flush=True)
