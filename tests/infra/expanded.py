"""template.yaml as CloudFormation gets it: expanded by AWS's own translator, because linters see little inside SAM.

`python -m tests.infra.expanded` prints it as JSON (`make validate` lints that), with a built bundle's folder the
versions that a deploy of it would publish. The translator lives in .venv-aws, so tests call this module there.
"""

import json
import os
import re
import subprocess
import sys
from functools import lru_cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".venv-aws" / "bin" / "python"
SERVICE_ROLE = "arn:aws:iam::aws:policy/service-role/"
MANAGED = {name: SERVICE_ROLE + name for name in ("AWSLambdaBasicExecutionRole", "AWSLambdaVPCAccessExecutionRole")}


def translate(bundle: Path | None = None) -> Any:
    """Return the template after the SAM transform, its code where `sam package` would have put it.

    SAM names an uploaded package by the checksum of its folder.
    """
    from samtranslator.public.translator import ManagedPolicyLoader
    from samtranslator.translator.transform import transform
    from samtranslator.yaml_helper import yaml_parse

    class Policies(ManagedPolicyLoader):  # type: ignore[misc]
        def load(self) -> dict[str, str]:
            return MANAGED

    os.environ.setdefault("AWS_DEFAULT_REGION", "eu-central-1")
    template = yaml_parse((ROOT / "template.yaml").read_text(encoding="utf-8"))
    for name, resource in template["Resources"].items():
        if resource["Type"] == "AWS::Serverless::LayerVersion":
            resource["Properties"]["ContentUri"] = _uploaded(bundle, name)
        if resource["Type"] == "AWS::Serverless::Function":
            resource["Properties"]["CodeUri"] = _uploaded(bundle, name)
    return transform(template, {}, Policies(None))


def _uploaded(bundle: Path | None, name: str) -> str:
    from samcli.lib.utils.hash import dir_checksum

    return f"s3://bucket/{dir_checksum(str(bundle / name)) if bundle else name}"


def versions(bundle: Path) -> set[str]:
    """Return the logical names of the versions that a deploy of this bundle has: another name is a new version."""
    command = [PYTHON, "-m", "tests.infra.expanded", bundle]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    return set(json.loads(done.stdout))


@lru_cache(maxsize=1)
def expanded() -> dict[str, Any]:
    """Return the template after the SAM transform."""
    done = subprocess.run([PYTHON, "-m", "tests.infra.expanded"], cwd=ROOT, capture_output=True, check=True)
    template: dict[str, Any] = json.loads(done.stdout)
    return template


def of_type(kind: str) -> dict[str, dict[str, Any]]:
    """Return the properties of every resource of a type, by logical name."""
    resources = expanded()["Resources"].items()
    return {name: each.get("Properties", {}) for name, each in resources if each["Type"] == kind}


def named(value: Any) -> str:
    """Return a value with the logical names of resources and parameters in the place of what AWS fills in."""
    if not isinstance(value, dict):
        return str(value)
    [(function, given)] = value.items()
    if function == "Fn::Sub":
        text, own = (given, {}) if isinstance(given, str) else given
        return re.sub(r"\$\{([\w:]+)(\.\w+)?\}", lambda found: named(own.get(found[1], found[1])), text)
    found = {"Ref": given, "Fn::GetAtt": given[0], "Fn::If": given[1]}[function]
    return named(found)


if __name__ == "__main__":
    found = translate(*map(Path, sys.argv[1:]))
    if sys.argv[1:]:
        found = [name for name, each in found["Resources"].items() if each["Type"] == "AWS::Lambda::Version"]
    json.dump(found, sys.stdout, indent=1)
