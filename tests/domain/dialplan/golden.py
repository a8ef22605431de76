"""Golden cases: one folder each, with the settings of an enterprise and the text that they must become, to the byte.

`python -m tests.domain.dialplan.golden [CASE …]` writes the texts anew, on purpose; read the difference before you
commit it.
"""

import json
import sys
from dataclasses import dataclass
from datetime import datetime
from itertools import product
from pathlib import Path

from smart_redirect.domain.dialplan.build import build
from smart_redirect.domain.dialplan.dialects import Dialect, Shape
from smart_redirect.domain.dialplan.host import HostFile, read_host
from smart_redirect.domain.dialplan.model import Model
from smart_redirect.domain.dialplan.plan import Dialplan, Shelter
from smart_redirect.domain.dialplan.read import read_model
from smart_redirect.domain.dialplan.render import render
from smart_redirect.domain.dialplan.tombstones import Retired
from smart_redirect.domain.dialplan.validate import validate

FOLDER = Path(__file__).parents[2] / "golden" / "dialplan"
INFRA = Path(__file__).parents[3] / "infra" / "asterisk"
INCLUDED = (INFRA / "asterisk16" / "extensions_custom.conf", INFRA / "common" / "smart_redirect_calls.conf")
FORMS = tuple(product(Dialect, Shape))


@dataclass(frozen=True, slots=True)
class Case:
    """A folder: model.json, and if there are any host.conf (the host's own file, which includes ours) and retired.json."""

    folder: Path

    @property
    def name(self) -> str:
        return self.folder.name

    def model(self) -> Model:
        return read_model(json.loads((self.folder / "model.json").read_text()))

    def host(self) -> HostFile | None:
        file = self.folder / "host.conf"
        return read_host(file.read_text(), *(each.read_text() for each in INCLUDED)) if file.exists() else None

    def retired(self) -> tuple[Retired, ...]:
        file = self.folder / "retired.json"
        return tuple(_retired(row) for row in json.loads(file.read_text())) if file.exists() else ()

    def build(self) -> Dialplan:
        return build(self.model(), self.retired(), self.host())

    def texts(self) -> dict[str, str]:
        """What the case must become: file name → text."""
        made = self.build()
        texts = {f"{dialect}-{shape}.conf": render(made, dialect, shape) for dialect, shape in FORMS}
        found = validate(made, Dialect.ASTERISK_16)
        return {**texts, "findings.txt": "".join(f"{finding}\n" for finding in found)}


def _retired(row: dict[str, str]) -> Retired:
    at = datetime.fromisoformat(row["retired_at"])
    return Retired(row["context"], at, Shelter(row["shelter"]), row.get("line", ""), int(row.get("priorities", 0)))


CASES = tuple(Case(folder) for folder in sorted(FOLDER.iterdir()) if folder.is_dir())


def main(names: list[str]) -> None:
    for case in CASES:
        if names and case.name not in names:
            continue
        for name, text in case.texts().items():
            (case.folder / name).write_text(text)


if __name__ == "__main__":
    main(sys.argv[1:])
