"""Reads what CRMs send: JSON whose members may be missing, null or of another type than the documents say."""

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass

from smart_redirect.errors import CrmMalformed

_LONGEST_ID = 200
# Four times the longest page that a vendor documents; each row takes 0.04 ms, during which no call goes on.
MOST_ROWS = 1000


@dataclass(frozen=True, slots=True)
class Json:
    """A value; what is not there is a value too, and its members are not there either."""

    value: object = None

    def __getitem__(self, name: str) -> "Json":
        """Return a member of an object."""
        return Json(self.value.get(name)) if isinstance(self.value, dict) else Json()

    def __iter__(self) -> Iterator["Json"]:
        """Go through an array; nothing when it is none."""
        yield from map(Json, self.value if isinstance(self.value, list) else ())

    def __bool__(self) -> bool:
        """Tell whether it is there: null is not."""
        return self.value is not None

    def rows(self, name: str, most: int = MOST_ROWS) -> tuple["Json", ...]:
        """Return an array that the documents promise; CrmMalformed when it is not there, or longer than any page."""
        found = self[name].value
        if not isinstance(found, list):
            raise CrmMalformed(f"its answer has no list of {name}")
        if len(found) > most:
            raise CrmMalformed(f"its answer has more {name} than a page may have")
        return tuple(map(Json, found))

    @property
    def text(self) -> str:
        """The text without spaces around it; empty when it is none. Whole numbers are text too: 17, and 17.0."""
        if isinstance(self.value, str):
            return self.value.strip()
        if isinstance(self.value, float) and self.value.is_integer():
            return str(int(self.value))
        return str(self.value) if isinstance(self.value, int) and not isinstance(self.value, bool) else ""

    @property
    def id(self) -> str | None:
        """The id as text, whatever type it has; None for null, false and what is empty."""
        return self.text[:_LONGEST_ID] or None

    @property
    def number(self) -> float | None:
        """The number, also one that is written as text; None when it is none."""
        if isinstance(self.value, bool) or not isinstance(self.value, int | float | str):
            return None
        try:
            found = float(self.value)
        except (ValueError, OverflowError):
            return None
        return found if math.isfinite(found) else None

    @property
    def count(self) -> int | None:
        """The number without its fraction."""
        return None if self.number is None else int(self.number)

    @property
    def is_true(self) -> bool:
        """Whether it says yes: true, 1, "1", "Y" or "true"."""
        return self.value is True or self.text.lower() in {"1", "y", "true"}


def read_json(body: bytes) -> Json:
    """Read a body; CrmMalformed for what is no JSON, such as an HTML page. An empty one is a value not there."""
    if not body.strip():
        return Json()
    try:
        return Json(json.loads(body))
    except (ValueError, RecursionError):
        raise CrmMalformed("its answer is no JSON") from None
