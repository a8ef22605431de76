"""Who is likely to call again soon, told from when each called before."""

import math
from collections.abc import Iterable

# Long enough that who calls each week is told from who called once, short enough that a customer of a month ago is not
# worth a request. Between 2 and 20 days it hardly matters (docs/performance.md, warm hits).
HALF_LIFE_SECONDS = 7 * 86_400.0


def likelihood(ages: Iterable[float], half_life: float = HALF_LIFE_SECONDS) -> float:
    """Return how likely a caller is to call, as a number to rank by; `ages` are seconds since each of his calls.

    Each call counts 1 and loses half of that every half-life. Up to a factor this is the estimate of how often he calls
    now, if that drifts: many calls and recent ones both raise it, in one number, and no time is a sharp border. A clock
    that ran ahead gives an age below zero, which counts as now.
    """
    return sum(math.exp2(-max(0.0, age) / half_life) for age in ages)
