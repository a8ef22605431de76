"""How much a section of the bench measures."""

from enum import StrEnum
from typing import TypeVar

T = TypeVar("T")


class Size(StrEnum):
    """All that the page tells, a minute's worth of it, or just enough to see that the section still runs."""

    WHOLE = "whole"
    QUICK = "quick"
    TINY = "tiny"

    def of(self, whole: T, quick: T, tiny: T) -> T:
        """Return what is measured at this size."""
        return {Size.WHOLE: whole, Size.QUICK: quick, Size.TINY: tiny}[self]
