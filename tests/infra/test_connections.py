"""What `make deploy` counts on is what the functions may open."""

import json
import subprocess
import sys

import pytest
from infra.aws.answers import ROOT

from tests.infra.expanded import PYTHON, of_type

pytestmark = pytest.mark.skipif(not PYTHON.exists(), reason="needs .venv-aws: make validate")
CHECK = [PYTHON, "-m", "infra.aws.check_connections"]


def counted(*parameters: str) -> dict[str, int]:
    """What the check counts for each function."""
    said = subprocess.run([*CHECK, *parameters], cwd=ROOT, capture_output=True, text=True, check=False).stdout
    lines = [line.split() for line in said.splitlines() if line.endswith("Function")]
    return {name: int(count) for count, name in lines}


@pytest.mark.parametrize(("reserved", "fits"), [("50", True), ("500", False), ("0", False)])
def test_more_connections_than_the_database_grants_are_not_deployed(reserved: str, fits: bool) -> None:
    command = [*CHECK, f"CallPathReserved={reserved}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode == 0, done.stderr) == (fits, "")


def test_an_environment_is_counted_with_the_connections_that_it_may_open() -> None:
    functions = of_type("AWS::Lambda::Function")
    handlers = {name: each["Handler"] for name, each in functions.items() if name != "GetCustomerDataFunction"}
    command = [sys.executable, "-m", "tests.infra.connections", json.dumps(handlers)]
    printed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    opened = json.loads(printed.splitlines()[-1])
    program = "import json, infra.aws.check_connections as it; print(json.dumps(it.EACH))"
    said = subprocess.run([PYTHON, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert opened == json.loads(said)


def test_a_call_path_that_asks_crms_has_another_connection() -> None:
    assert counted("CallPathReserved=10")["GetCustomerDataFunction"] == 10
    assert counted("CallPathReserved=10", "CallPathAsksCrms=true")["GetCustomerDataFunction"] == 20


def test_the_migrations_are_the_hook_of_every_other_function_at_once() -> None:
    hooked = len(of_type("AWS::CodeDeploy::DeploymentGroup"))
    assert counted()["MigrateFunction"] == hooked == len(of_type("AWS::Lambda::Function")) - 1
