"""`make deploy`, as far as it gets without an account: SAM reads and writes the answers where every other step reads them."""

import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
from infra.aws import answers

from tests.fakes.managed_stack import ManagedStack
from tests.infra.expanded import PYTHON, ROOT

pytestmark = pytest.mark.skipif(not PYTHON.exists(), reason="needs .venv-aws: make validate")


@pytest.fixture
def samconfig(tmp_path: Path) -> Path:
    """A copy of the checkout's file, so that no test answers anything for the operator; a bundle is beside it."""
    (tmp_path / "build").mkdir()
    shutil.copy(ROOT / "template.yaml", tmp_path / "build")
    for name in ("functions", "layers"):
        (tmp_path / "build" / name).symlink_to(ROOT / name)
    return Path(shutil.copy(ROOT / "samconfig.toml", tmp_path))


def steps(*options: str) -> list[str]:
    """The commands of `make deploy` after the build."""
    command = ["make", "-n", "--no-print-directory", "-o", "build", "-o", "validate", *options, "deploy"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return [line for line in done.stdout.splitlines() if "infra.aws" in line or "sam deploy" in line]


def run(command: str, said: str = "") -> str:
    """Run one of them where nothing can be reached; return what SAM said before it failed."""
    words = shlex.split(f"{command} --debug")
    with ManagedStack() as managed:
        environment = {**os.environ, **managed.variables()}
        done = subprocess.run(words, cwd=ROOT, env=environment, input=said, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def test_a_deploy_asks_checks_marks_and_migrates_in_this_order() -> None:
    words = (
        "answers asked|--guided --no-execute-changeset|check_answers|check_connections|fingerprint|deploy|after_deploy"
    )
    found = " ".join(re.sub(r"\S*/", "", step) for step in steps())
    assert re.search(".*".join(words.split("|")), found)
    assert not [step for step in steps() if "sam deploy" in step and f"--config-file {ROOT}/samconfig.toml" not in step]


def test_sam_reads_the_answers_of_the_checkout(samconfig: Path) -> None:
    last = [step for step in steps(f"BUILD={samconfig.parent}/build") if "sam deploy" in step][-1]
    said = run(last)
    assert f"Config file location: {ROOT}/samconfig.toml" in said
    assert "'stack_name': 'smart-redirect'" in said


def test_answers_of_the_first_run_are_where_the_next_steps_read_them(samconfig: Path) -> None:
    options = f"BUILD={samconfig.parent}/build", f"SAMCONFIG={samconfig}", "ASK=1"
    text = (ROOT / "template.yaml").read_text(encoding="utf-8")
    parameters = re.findall(r"^  (\w+):", text[text.index("\nParameters:") : text.index("\nRules:")], re.MULTILINE)
    chosen = [{"SubnetIds": "subnet-1,subnet-2", "CallPathMemory": "3008"}.get(name, "") for name in parameters]
    lines = ["calls", "eu-west-1", *chosen, *[""] * 9]
    said = run(steps(*options)[0], "\n".join(lines))
    kept = answers.read(samconfig)
    assert (kept.stack, kept.options["region"]) == ("calls", "eu-west-1"), said
    assert (kept.parameters["SubnetIds"], kept.parameters["CallPathMemory"]) == ("subnet-1,subnet-2", "3008")
    assert set(kept.parameters) == set(parameters)
