"""The history of callers after an import: what past calls add to it; what it says already stays."""

from collections.abc import Iterable, Mapping

from smart_redirect.domain.caller_history import CallerHistory, CallTalk, ends_of
from smart_redirect.domain.platform.calls import PastCall, counted_talks

Histories = Mapping[str, CallerHistory]


def talks_by_caller(calls: Iterable[PastCall], *, count_outgoing: bool) -> dict[str, list[CallTalk]]:
    """Return the talks that count, by caller, callers in the order of their numbers."""
    found: dict[str, list[CallTalk]] = {}
    for call in calls:
        for talk in counted_talks(call, count_outgoing=count_outgoing):
            found.setdefault(call.caller or "", []).append(talk)
    return dict(sorted(found.items()))


def changed_histories(talks: Mapping[str, list[CallTalk]], present: Histories) -> dict[str, CallerHistory]:
    """Return the histories that are to be written, callers in the order of their numbers."""
    extended = ((caller, _extended(present.get(caller), added)) for caller, added in talks.items())
    return {caller: history for caller, history in extended if history is not None and history != present.get(caller)}


def _extended(history: CallerHistory | None, talks: list[CallTalk]) -> CallerHistory | None:
    """Bring in talks; those of a call that is in the history stay as recorded, with whose the extension was then."""
    if history is None:
        return ends_of(talks)
    held = {history.first.call, history.last.call}
    return ends_of((history.first, history.last, *(talk for talk in talks if talk.call not in held)))
