"""What the operator answered at the first `make deploy`: samconfig.toml keeps it, and every step reads it from there.

`python -m infra.aws.answers asked` ends in 1 until somebody was asked; without `asked` it prints the options that tell
other commands of SAM which stack is meant.
"""

import re
import shlex
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
KEPT = ROOT / "samconfig.toml"


@dataclass(frozen=True, slots=True)
class Answers:
    """Options of `sam deploy`, and the parameters of the stack that are not left at their default."""

    options: dict[str, Any]
    parameters: dict[str, str]

    @property
    def stack(self) -> str:
        """The stack's name."""
        return str(self.options["stack_name"])

    def session(self) -> Any:
        """Return a session of boto3 for the account and region that were answered."""
        import boto3

        return boto3.Session(region_name=self.options.get("region"), profile_name=self.options.get("profile"))


def read(path: Path = KEPT) -> Answers:
    """Return what is kept; without parameters nobody has been asked yet."""
    kept = tomllib.loads(path.read_text(encoding="utf-8"))["default"]
    options = {**kept["global"]["parameters"], **kept.get("deploy", {}).get("parameters", {})}
    overrides = options.pop("parameter_overrides", [])
    words = overrides if isinstance(overrides, list) else shlex.split(overrides)
    return Answers(options, dict(each.split("=", 1) for each in words if re.match(r"\w+=", each)))


def main(given: list[str]) -> int:
    """Say by the exit status whether the parameters were answered, or print which stack it is."""
    answers = read()
    if given == ["asked"]:
        return int(not answers.parameters)
    options = [(name, answers.options.get(name)) for name in ("stack_name", "region", "profile")]
    print(" ".join(f"--{name.replace('_', '-')} {shlex.quote(value)}" for name, value in options if value))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
