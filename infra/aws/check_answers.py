"""Refuses to deploy a bundle that was built for another Python or processor than was answered, or a wrong extension.

CloudFormation would take all of it, and each function would fail at its first event.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

from infra.aws import answers, fingerprint

EXTENSION = {
    "arm64": "AWS-Parameters-and-Secrets-Lambda-Extension-Arm64",
    "x86_64": "AWS-Parameters-and-Secrets-Lambda-Extension",
}
DEFAULTS = {"RuntimeVersion": "python3.13", "Architecture": "arm64"}


def main(given: list[str]) -> int:
    """Print what does not fit; 1 if there is anything."""
    kept = answers.read()
    if not kept.parameters:
        print("no answers in samconfig.toml: let `make deploy` save them there, all that follows reads them")
        return 1
    found = [*wrong(fingerprint.read(Path(given[0])), kept.parameters, kept.options.get("region"))]
    print("".join(f"{each}\n" for each in found), end="")
    return int(bool(found))


def wrong(built: dict[str, str], parameters: dict[str, str], region: str | None) -> Iterator[str]:
    """Yield a sentence for each answer that does not fit the bundle or the region."""
    answered = {**DEFAULTS, **parameters}
    if answered["RuntimeVersion"] != f"python{built['python']}":
        yield f"the bundle is built for python{built['python']}, RuntimeVersion is {answered['RuntimeVersion']}: PY=…"
    if answered["Architecture"] != built["architecture"]:
        yield f"the bundle is built for {built['architecture']}, Architecture is {answered['Architecture']}: ARCH=…"
    arn = answered.get("SecretsExtensionLayerArn", "").split(":")
    wanted = EXTENSION[answered["Architecture"]]
    if arn[6:7] != [wanted]:
        yield f"SecretsExtensionLayerArn must name {wanted}, which is AWS's for {answered['Architecture']}"
    elif region and arn[3] != region:
        yield f"SecretsExtensionLayerArn is a layer of {arn[3]}, and the stack is in {region}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
