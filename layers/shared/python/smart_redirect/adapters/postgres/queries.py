"""Named SQL: reads a .sql file beside this module into a mapping from query name to text."""

import re
from functools import cache
from pathlib import Path

_NAME = re.compile(r"^-- name: (\w+)$", re.MULTILINE)


@cache
def load(file: str) -> dict[str, str]:
    """Return the queries of `<file>.sql`; each begins with a line `-- name: <query>`."""
    text = (Path(__file__).parent / f"{file}.sql").read_text(encoding="utf-8")
    parts = _NAME.split(text)[1:]
    return {name: body.strip() for name, body in zip(parts[::2], parts[1::2], strict=True)}
