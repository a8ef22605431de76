"""template.yaml as CloudFormation gets it: expanded by AWS's own translator, because linters see little inside SAM.

`python -m tests.infra.expanded` prints it as JSON (`make validate` lints that). The translator lives in .venv-aws,
so tests call this module there.
"""

import json
import os
import subprocess
import sys
from functools import lru_cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".venv-aws" / "bin" / "python"
SERVICE_ROLE = "arn:aws:iam::aws:policy/service-role/"
MANAGED = {name: SERVICE_ROLE + name for name in ("AWSLambdaBasicExecutionRole", "AWSLambdaVPCAccessExecutionRole")}


def translate() -> Any:
    """Return the template after the SAM transform, its code where `sam package` would have put it."""
    from samtranslator.public.translator import ManagedPolicyLoader
    from samtranslator.translator.transform import transform
    from samtranslator.yaml_helper import yaml_parse

    class Policies(ManagedPolicyLoader):  # type: ignore[misc]
        def load(self) -> dict[str, str]:
            return MANAGED

    os.environ.setdefault("AWS_DEFAULT_REGION", "eu-central-1")
    template = yaml_parse((ROOT / "template.yaml").read_text(encoding="utf-8"))
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::LayerVersion":
            resource["Properties"]["ContentUri"] = "s3://bucket/layer"
    template["Globals"]["Function"]["CodeUri"] = "s3://bucket/functions"
    return transform(template, {}, Policies(None))


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


if __name__ == "__main__":
    json.dump(translate(), sys.stdout, indent=1)
