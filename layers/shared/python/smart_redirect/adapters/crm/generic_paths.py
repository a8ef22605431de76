"""Where a value is in an answer whose shape only its owner knows: `a.b`, `a[0].b` and `a[*].b`, `$` for all of it.

This is all of JSONPath that a directory needs. A library would bring filters, scripts and recursion with it, which run
on the word of whoever writes the settings, and a parser generator to read them.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from smart_redirect.adapters.crm.json_values import Json
from smart_redirect.errors import CrmRefused

_STEP = re.compile(r"\.?([^.\[\]*$\s][^.\[\]*$]*)|\[(\d{1,6}|\*)\]")
_LONGEST = 500
Step = str | int | None


@dataclass(frozen=True, slots=True)
class JsonPath:
    """Steps from an answer to a value: a name, a place in an array, or None for each of its members."""

    steps: tuple[Step, ...] = ()

    def all(self, value: Json) -> list[Json]:
        """Return the values there are at the end of the path."""
        found = [value]
        for step in self.steps:
            found = [each for parent in found for each in _taken(parent, step)]
        return [each for each in found if each]

    def first(self, value: Json) -> Json:
        """Return the first of them, or a value that is not there."""
        return next(iter(self.all(value)), Json())


def _taken(parent: Json, step: Step) -> Iterator[Json]:
    if isinstance(step, str):
        yield parent[step]
    elif step is None:
        yield from parent
    elif isinstance(parent.value, list) and step < len(parent.value):
        yield Json(parent.value[step])


def read_path(settings: Mapping[str, object], name: str) -> JsonPath | None:
    """Return the path that a setting gives, None where it is not set; CrmRefused says what cannot be read."""
    text = settings.get(name)
    if text is None or text == "":
        return None
    if not isinstance(text, str) or len(text) > _LONGEST:
        raise CrmRefused(f"the setting {name} must be a path such as data.items[0].name")
    return JsonPath(tuple(_steps(text.strip().removeprefix("$"), name)))


def read_paths(settings: Mapping[str, object], name: str) -> tuple[JsonPath, ...]:
    """Return several paths: a list, or one text with commas in it."""
    given = settings.get(name)
    listed = given.split(",") if isinstance(given, str) else given if isinstance(given, list) else []
    found = (read_path({name: each.strip() if isinstance(each, str) else each}, name) for each in listed)
    return tuple(each for each in found if each is not None)


def _steps(text: str, name: str) -> Iterator[Step]:
    at = 0
    while at < len(text):
        step = _STEP.match(text, at)
        needs_dot = at > 0 and step is not None and step[1] and text[at] != "."
        if step is None or needs_dot:
            raise CrmRefused(
                f"the setting {name} is no path: names with dots between them, [0] and [*] are all there is"
            )
        yield step[1].strip() if step[1] else None if step[2] == "*" else int(step[2])
        at = step.end()
