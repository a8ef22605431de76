"""A deploy reaches the traffic: whatever changes is a new version of each function, and what does not is none."""

import re
from pathlib import Path

import pytest
from infra.aws import answers, fingerprint
from infra.aws.check_answers import EXTENSION, wrong

from tests.infra.expanded import PYTHON, ROOT, versions

needs_sam = pytest.mark.skipif(not PYTHON.exists(), reason="needs .venv-aws: make validate")
BUILT = {"python": "3.13", "architecture": "arm64"}
FUNCTIONS = re.findall(r"^  (\w+Function):$", (ROOT / "template.yaml").read_text(encoding="utf-8"), re.MULTILINE)
LAYERS = ["SharedLayer", "DepsCallLayer", "DepsFullLayer"]
ARN = f"arn:aws:lambda:eu-west-1:123456789012:layer:{EXTENSION['arm64']}:12"
ANSWERED = """
[default.global.parameters]
stack_name = "calls"

[default.deploy.parameters]
region = "eu-west-1"
parameter_overrides = "CallPathMemory=\\"3008\\" DatabaseUrl=\\"postgresql://h/d?sslmode=verify-full\\" VpcId=\\"\\""
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A bundle as `sam build` leaves it, each function and layer with one file."""
    lines = [f"  {name}: {{Type: {fingerprint.FUNCTION}}}" for name in FUNCTIONS]
    (tmp_path / "template.yaml").write_text("\n".join(["Resources:", *lines]), encoding="utf-8")
    for name in (*FUNCTIONS, *LAYERS):
        (tmp_path / name).mkdir()
        (tmp_path / name / "app.py").write_text("print(1)")
    return tmp_path


def published(folder: Path, **parameters: str) -> set[str]:
    """Mark the bundle as a deploy does, and return the versions that come of it."""
    fingerprint.write(folder, BUILT, parameters)
    return versions(folder)


@needs_sam
def test_the_same_bundle_with_the_same_answers_publishes_nothing(folder: Path) -> None:
    first = published(folder, CallPathMemory="1769")
    assert published(folder, CallPathMemory="1769") == first
    assert len(first) == len(FUNCTIONS)


@needs_sam
@pytest.mark.parametrize("changed", [*LAYERS, "UpkeepFunction", "template.yaml"])
def test_a_change_anywhere_in_the_bundle_is_a_new_version_of_every_function(folder: Path, changed: str) -> None:
    first = published(folder)
    path = folder / changed if changed.endswith(".yaml") else folder / changed / "app.py"
    path.write_text(f"{path.read_text()}\n# another\n")
    assert published(folder).isdisjoint(first)


@needs_sam
def test_another_answer_is_a_new_version_of_every_function(folder: Path) -> None:
    first = published(folder, CallPathBudgetMs="220")
    assert published(folder, CallPathBudgetMs="150").isdisjoint(first)


def test_bytecode_makes_no_new_version_but_what_it_was_built_for_does(folder: Path) -> None:
    (folder / "SharedLayer" / "__pycache__").mkdir()
    fingerprint.write(folder, BUILT, {})
    first = fingerprint.read(folder)
    (folder / "SharedLayer" / "__pycache__" / "app.pyc").write_bytes(b"1")
    fingerprint.write(folder, BUILT, {})
    assert fingerprint.read(folder) == first
    fingerprint.write(folder, {**BUILT, "architecture": "x86_64"}, {})
    assert fingerprint.read(folder)["sha256"] != first["sha256"]


def test_answers_are_read_as_sam_writes_them(tmp_path: Path) -> None:
    (tmp_path / "samconfig.toml").write_text(ANSWERED)
    kept = answers.read(tmp_path / "samconfig.toml")
    assert (kept.stack, kept.options["region"]) == ("calls", "eu-west-1")
    url = "postgresql://h/d?sslmode=verify-full"
    assert kept.parameters == {"CallPathMemory": "3008", "DatabaseUrl": url, "VpcId": ""}


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("RuntimeVersion", "python3.12", "the bundle is built for python3.13"),
        ("Architecture", "x86_64", "the bundle is built for arm64"),
        (
            "SecretsExtensionLayerArn",
            ARN.replace("-Arm64", ""),
            "must name AWS-Parameters-and-Secrets-Lambda-Extension-Arm64",
        ),
        ("SecretsExtensionLayerArn", ARN.replace("west", "central"), "is a layer of eu-central-1"),
        ("SecretsExtensionLayerArn", "arn:aws:lambda:::awslayer:AmazonLinux1803", "must name"),
    ],
)
def test_an_answer_that_does_not_fit_the_bundle_is_refused(name: str, value: str, complaint: str) -> None:
    fits = {"RuntimeVersion": "python3.13", "Architecture": "arm64", "SecretsExtensionLayerArn": ARN}
    assert list(wrong(BUILT, fits, "eu-west-1")) == []
    assert complaint in "".join(wrong(BUILT, {**fits, name: value}, "eu-west-1"))
