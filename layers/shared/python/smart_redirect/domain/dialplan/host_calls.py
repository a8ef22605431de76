"""Which routines a host's own files call, and which of these no file defines: a Gosub to nowhere drops the call."""

import re
from collections.abc import Iterator

_MACRO = re.compile(r"Macro\(([0-9A-Za-z_-]{1,79})[,)]", re.IGNORECASE)
# With a context: the forms with a label or an extension alone stay in their own.
_GOSUB = re.compile(r"Gosub\(([0-9A-Za-z_-]{1,79}),[^,()]{1,79},", re.IGNORECASE)
_GOSUB_IF = re.compile(r"GosubIf\([^?]{1,200}\?([0-9A-Za-z_-]{1,79}),[^,():]{1,79},", re.IGNORECASE)
_ON_ANSWER = re.compile(r"([MU])\(([0-9A-Za-z_-]{1,79})[\^)]")


def called(application: str) -> Iterator[str]:
    """Yield the contexts that an application runs as routines; names that are made at run time are not known."""
    for name in _MACRO.findall(application):
        yield f"macro-{name}"
    yield from _GOSUB.findall(application)
    yield from _GOSUB_IF.findall(application)
    if application.lower().startswith("dial("):
        for option, name in _ON_ANSWER.findall(application):
            yield f"macro-{name}" if option == "M" else name
