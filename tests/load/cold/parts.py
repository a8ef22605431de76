"""The call path's cold start in its parts, each timed in the process itself; milliseconds."""

import os
import time
from typing import Any

_started = int(os.environ["STARTED_NS"])
_parts: dict[str, float] = {}
_last = _started


def _mark(part: str) -> None:
    global _last  # noqa: PLW0603  one cold start a process
    now = time.monotonic_ns()
    _parts[part] = (now - _last) / 1e6
    _last = now


_mark("emulator, Python, runtime client")
os.environ.pop("AWS_LAMBDA_INITIALIZATION_TYPE", None)
from getcustomerdata import app  # noqa: E402

_mark("imports")


def handler(event: dict[str, Any], context: Any) -> dict[str, float]:
    """Prepare and answer step by step; return what each step took."""
    _mark("runtime client until the event")
    application = app.handler.runtime.prepare()
    _mark("settings, secrets, assembly")
    app.handler.runtime.loop().run_until_complete(application.connect())
    _mark("connect")
    app.handler(event, context)
    _mark("the call: token and settings, facts, decision, record")
    return _parts
