"""Token buckets: how many requests one key may send, or lines it may cause; time is an argument, in seconds."""

from collections import OrderedDict


class Buckets:
    """One bucket a key, refilled at `rate` a second up to `burst`; the longest unused keys are forgotten."""

    def __init__(self, rate: float, burst: float, capacity: int = 10_000) -> None:
        self._rate = rate
        self._burst = burst
        self._capacity = capacity
        self._levels: OrderedDict[object, tuple[float, float]] = OrderedDict()

    def level(self, key: object, now: float) -> float:
        """Return what the key may still take."""
        level, at = self._levels.get(key, (self._burst, now))
        return min(self._burst, level + (now - at) * self._rate)

    def take(self, key: object, now: float, cost: float = 1) -> bool:
        """Take one, or what the request costs; False when the bucket has less."""
        level = self.level(key, now)
        if level < cost:
            return False
        self._levels[key] = (level - cost, now)
        self._levels.move_to_end(key)
        if len(self._levels) > self._capacity:
            self._levels.popitem(last=False)
        return True

    def give_back(self, key: object, now: float, cost: float = 1) -> None:
        """Return what was taken for nothing."""
        if key in self._levels:
            self._levels[key] = (min(self._burst, self.level(key, now) + cost), now)


class Sparing:
    """Lets `rate` a second of each kind through, `burst` at once, and tells with the next how many it left out.

    Made for kinds of which there are few: what was left out is counted for each of them.
    """

    def __init__(self, rate: float, burst: float) -> None:
        self._buckets = Buckets(rate, burst)
        self._left_out: dict[object, int] = {}

    def take(self, kind: object, now: float) -> int | None:
        """Return how many were left out since the last that was let through; None when this one is left out too."""
        if self._buckets.take(kind, now):
            return self._left_out.pop(kind, 0)
        self._left_out[kind] = self._left_out.get(kind, 0) + 1
        return None
