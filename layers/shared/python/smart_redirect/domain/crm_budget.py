"""How many requests a connection may send: the limits that the vendors publish, and what the settings say over them."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rate:
    """A bucket that holds `burst` requests and gains `per_second`; `reserve` of them are for live look-ups only.

    `look_up` is how many requests one look-up may need: with a smaller reserve a walk would leave it half done.
    """

    per_second: float
    burst: int
    reserve: int = 1
    look_up: int = 1

    @property
    def slice(self) -> int:
        """How many a process takes at once: a second's worth, if the bucket can have it."""
        return max(1, min(int(self.per_second), self.burst - self.reserve))


# The vendors' limits are 10 a second, a bucket of 50 that loses 2 a second, 7 a second, 11 in 3 seconds (a user's
# token counts four times from December 2026 on), and 10 a second. A bucket that is full gives `burst` at once and goes
# on at its rate; what a sync has taken and not yet sent comes on top. What a look-up has taken does not: it has sent
# one of it at once, and keeps the rest no longer than the bucket takes to gain that one. All together stay within
# each limit, whichever moment the vendor counts from.
PUBLISHED: Mapping[str, Rate] = {
    "retailcrm": Rate(7.0, 3, 2, 2),
    "bitrix24": Rate(2.0, 49, 10, 2),
    "amocrm": Rate(4.0, 3, 2, 2),
    "moysklad": Rate(8 / 3, 3, 2, 2),
    "uon": Rate(7.0, 2, 1, 1),
}
_CAREFUL = Rate(5.0, 5, 1, 1)


def rate_of(vendor: str, settings: Mapping[str, object]) -> Rate:
    """Return the rate of a connection; `requests_per_second` and `burst` of its settings win."""
    published = PUBLISHED.get(vendor, _CAREFUL)
    per_second = _positive(settings.get("requests_per_second"), published.per_second)
    burst = max(1, int(_positive(settings.get("burst"), published.burst)))
    look_up = max(published.look_up, _formats(settings.get("formats")))
    return Rate(per_second, burst, min(max(published.reserve, look_up), burst - 1), min(look_up, burst))


def _formats(given: object) -> int:
    """Return how many ways of writing a phone somebody's own CRM is asked by, each in a request of its own."""
    return len(given.split(",")) if isinstance(given, str) else len(given) if isinstance(given, list) else 1


def _positive(value: object, otherwise: float) -> float:
    usable = isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < 10_000
    return float(value) if usable and isinstance(value, int | float) else otherwise
