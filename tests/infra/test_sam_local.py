"""`sam local` can start: its functions have layers that are on this machine, and a way to the database on it."""

import json
import subprocess
import tomllib

import pytest

from tests.infra.expanded import PYTHON, ROOT, expanded, of_type

pytestmark = pytest.mark.skipif(not PYTHON.exists(), reason="needs .venv-aws: make validate")
PROGRAM = """
import json
from samcli.lib.providers.sam_function_provider import SamFunctionProvider
from samcli.lib.providers.sam_stack_provider import SamLocalStackProvider
stacks, _ = SamLocalStackProvider.get_stacks("template.yaml")
functions = SamFunctionProvider(stacks).get_all()
print(json.dumps({each.name: [layer.is_defined_within_template and layer.name for layer in each.layers] for each in functions}))
"""


def test_every_function_has_its_layers_and_none_of_aws() -> None:
    done = subprocess.run([PYTHON, "-c", PROGRAM], cwd=ROOT, capture_output=True, text=True, check=True)
    layers = json.loads(done.stdout)
    assert len(layers) == len(of_type("AWS::Lambda::Function"))
    assert {len(each) for each in layers.values()} == {2}
    assert {name for each in layers.values() for name in each} == {"SharedLayer", "DepsCallLayer", "DepsFullLayer"}


@pytest.mark.parametrize("command", ["local_invoke", "local_start_api"])
def test_containers_find_the_database_of_this_machine(command: str) -> None:
    given = tomllib.loads((ROOT / "samconfig.toml").read_text(encoding="utf-8"))["default"][command]["parameters"]
    variables = json.loads((ROOT / given["env_vars"]).read_text(encoding="utf-8"))["Parameters"]
    assert "@host.docker.internal:" in variables["DATABASE_URL"]
    assert given["add_host"] == ["host.docker.internal:host-gateway"]
    assert variables["SMART_REDIRECT_SECRETS"] == ""


def test_a_deploy_without_the_extension_is_refused_by_a_rule() -> None:
    default = expanded()["Parameters"]["SecretsExtensionLayerArn"]["Default"]
    [assertion] = expanded()["Rules"]["SecretsAreReadByTheExtension"]["Assertions"]
    assert default in json.dumps(assertion["Assert"])
