"""Working hours: a period of a schedule as ranges of minutes that a PBX can test, midnight respected."""

import re

from smart_redirect.domain.dialplan.graph import Period
from smart_redirect.domain.dialplan.steps import During

_CLOCK = re.compile(r"([0-9]{1,2}):([0-9]{2})(?::[0-9]{2})?")
_LAST = 24 * 60 - 1


def ranges(period: Period, zone: str) -> tuple[During, ...] | None:
    """Return the ranges of a period, or None when its times cannot be read.

    A period runs from `start` until just before `end`; an end of 23:59, 24:00 or 00:00 is the end of the day, equal
    times are the whole day, and an end before the start is on the next day.
    """
    first, end = minute(period.start), minute(period.end)
    if first is None or end is None or first > _LAST or not period.days:
        return None
    last = _LAST if end in (0, _LAST) else end - 1
    if first == end:
        return (During(0, _LAST, period.days, zone),)
    if first <= last:
        return (During(first, last, period.days, zone),)
    tomorrow = tuple(sorted((day + 1) % 7 for day in period.days))
    return During(first, _LAST, period.days, zone), During(0, last, tomorrow, zone)


def minute(clock: str) -> int | None:
    """Return the minute of the day of HH:MM (24:00 included), or None."""
    found = _CLOCK.fullmatch(clock.strip())
    if not found:
        return None
    hours, minutes = int(found[1]), int(found[2])
    if minutes > 59 or hours > 24 or (hours == 24 and minutes):
        return None
    return hours * 60 + minutes
