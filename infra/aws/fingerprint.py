"""Writes into each function's package what it runs on, so that any change of that is a new version of the function.

SAM publishes a version when a function's own package is another, and looks at neither layers nor parameters. Without
this file a second deploy would change the layers, publish nothing and leave the traffic on the old code.
"""

import hashlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import yaml
from infra.aws import answers

NAME = "built.json"
FUNCTION = "AWS::Serverless::Function"


def main(given: list[str]) -> int:
    """Mark every function of the bundle in a folder; a Python minor and an architecture are those of the build."""
    folder = Path(given[0])
    built = dict(zip(("python", "architecture"), given[1:], strict=True)) if given[1:] else read(folder)
    write(folder, built, answers.read().parameters)
    return 0


def write(folder: Path, built: dict[str, str], parameters: dict[str, str]) -> None:
    """Write the same mark into each function: what the bundle was built for, and the hash of all that is deployed."""
    kept = {name: built[name] for name in ("python", "architecture")}
    text = json.dumps({**kept, "sha256": _hash(folder, kept, parameters)}, indent=1)
    for name in functions(folder):
        (folder / name / NAME).write_text(f"{text}\n", encoding="utf-8")


def read(folder: Path) -> dict[str, str]:
    """Return the mark of a bundle."""
    mark: dict[str, str] = json.loads((folder / functions(folder)[0] / NAME).read_text(encoding="utf-8"))
    return mark


def functions(folder: Path) -> list[str]:
    """Return the names of the bundle's functions."""
    template = yaml.safe_load((folder / "template.yaml").read_text(encoding="utf-8"))
    return [name for name, each in template["Resources"].items() if each["Type"] == FUNCTION]


def _hash(folder: Path, built: dict[str, str], parameters: dict[str, str]) -> str:
    found = hashlib.sha256(json.dumps([built, sorted(parameters.items())]).encode())
    for path in _files(folder):
        found.update(f"{path.relative_to(folder)} {hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return found.hexdigest()


def _files(folder: Path) -> Iterator[Path]:
    """Yield what is deployed, the template included; bytecode says nothing that its source and Python do not."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name != NAME and "__pycache__" not in path.parts:
            yield path


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
