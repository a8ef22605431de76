"""The limits that vendors publish, as they count them: a window that slides, or a bucket that loses so many a second."""

from collections import deque
from dataclasses import dataclass, field
from typing import Protocol

# Sums of fractions of a second are a little off.
_SLACK = 1e-6


class Limit(Protocol):
    """What a vendor allows."""

    def allows(self, now: float) -> bool:
        """Count a request at this second and tell whether it was one too many."""


@dataclass
class Window:
    """So many requests in any so many seconds."""

    requests: int
    seconds: float
    counted: deque[float] = field(default_factory=deque)

    def allows(self, now: float) -> bool:
        self.counted.append(now)
        while self.counted[0] <= now - self.seconds + _SLACK:
            self.counted.popleft()
        return len(self.counted) <= self.requests


@dataclass
class Bucket:
    """Each request is one more in the bucket, which holds so many and loses so many a second."""

    holds: int
    per_second: float
    level: float = 0.0
    seen_at: float = 0.0

    def allows(self, now: float) -> bool:
        self.level = max(0.0, self.level - (now - self.seen_at) * self.per_second) + 1
        self.seen_at = now
        return self.level <= self.holds + _SLACK
