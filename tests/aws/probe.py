"""A function around the call path's: says what Lambda's init phase and a restore have done, and what is loaded."""

import os
import sys
from typing import Any


def initialised(_event: dict[str, Any], _context: Any) -> int:
    """Return how many connections the init phase has opened."""
    from getcustomerdata.app import handler

    return _connections(handler)


def loaded(event: dict[str, Any], context: Any) -> list[str]:
    """Answer the event; return every module that is loaded then."""
    from getcustomerdata.app import handler

    handler(event, context)
    return sorted(sys.modules)


def restored(_event: dict[str, Any], _context: Any) -> list[int]:
    """Return how many connections a snapshot holds, and how many there are after it was restored."""
    os.environ["AWS_LAMBDA_INITIALIZATION_TYPE"] = "snap-start"
    from snapshot_restore_py import get_after_restore

    from getcustomerdata.app import handler

    before = _connections(handler)
    for function, args, kwargs in get_after_restore():
        function(*args, **kwargs)
    return [before, _connections(handler)]


def _connections(handler: Any) -> int:
    application = handler.runtime.application
    return 0 if application is None else application.connections()
