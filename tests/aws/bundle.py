"""The built bundle as Lambda sees it: each function's folder, its layers merged into /opt, its handler and variables."""

import os
import subprocess
import sys
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
# `make test-aws LAMBDA_PY=3.13` runs the bundle on another Python than the tests.
MINOR = os.environ.get("LAMBDA_PY") or f"{sys.version_info.major}.{sys.version_info.minor}"
FOR_THIS_MACHINE = ROOT / ".aws-sam" / f"emulated-{MINOR}"
FOR_LAMBDA = ROOT / ".aws-sam" / "build"
RUNTIME = ROOT / ".aws-sam" / f"runtime-{MINOR}"


def interpreter() -> Path:
    """Return the Python that runs the bundle: outside of any virtual environment."""
    if not os.environ.get("LAMBDA_PY"):
        return Path(sys.base_prefix) / "bin" / "python3"
    command = [ROOT / "infra" / "aws" / "find-python", MINOR]
    return Path(subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip())


@dataclass(frozen=True, slots=True)
class Function:
    """One function of a built bundle; `variables` that refer to other resources are left to who starts it."""

    name: str
    handler: str
    timeout: int
    code: Path
    layers: tuple[Path, ...]
    variables: dict[str, str]

    def merge_layers(self, opt: Path) -> Path:
        """Link what the layers hold into one folder, as Lambda lays them into /opt; return its python folder."""
        for layer in self.layers:
            for each in layer.glob("*/*"):
                place = opt / each.relative_to(layer)
                place.parent.mkdir(parents=True, exist_ok=True)
                place.symlink_to(each)
        return opt / "python"


@dataclass(frozen=True, slots=True)
class Bundle:
    """A folder that `sam build` made."""

    folder: Path

    def function(self, name: str, conditions: Collection[str] = ()) -> Function:
        """Return a function by its logical name, with the layers that it has when these conditions are true."""
        template = yaml.safe_load((self.folder / "template.yaml").read_text(encoding="utf-8"))
        common, own = template["Globals"]["Function"], template["Resources"][name]["Properties"]
        variables = {**_variables(common, template), **_variables(own, template)}
        listed = [*common["Layers"], *own["Layers"]]
        chosen = [_chosen(each["Fn::If"], conditions) if "Fn::If" in each else each for each in listed]
        layers = [each["Ref"] for each in chosen if each["Ref"].endswith("Layer")]
        paths = tuple(self.folder / each for each in layers)
        timeout = own.get("Timeout", common["Timeout"])
        return Function(name, own["Handler"], timeout, self.folder / name, paths, variables)


def _chosen(choice: list[Any], conditions: Collection[str]) -> dict[str, str]:
    condition, then, otherwise = choice
    found: dict[str, str] = then if condition in conditions else otherwise
    return found


def _variables(properties: dict[str, Any], template: dict[str, Any]) -> dict[str, str]:
    """Return the variables with a value of their own, or one of a parameter with a default."""
    found = {}
    for name, value in properties.get("Environment", {}).get("Variables", {}).items():
        parameter = template["Parameters"].get(value["Ref"], {}) if isinstance(value, dict) and "Ref" in value else {}
        text = parameter.get("Default", "") if isinstance(value, dict) else value
        if text != "":
            found[name] = str(text)
    return found
