"""What goes to Lambda is what was tested: the layers' wheels in the versions of the lock file, with their hashes."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LAYERS = ("deps_call", "deps_full")


def pins(path: str) -> dict[str, str]:
    """Each package of a lock file with its version and hashes."""
    text = (ROOT / path).read_text(encoding="utf-8")
    return dict(re.findall(r"^([a-z0-9-]+)==(.+?)(?=^[a-z0-9-]+==|\Z)", text, re.MULTILINE | re.DOTALL))


@pytest.mark.parametrize("layer", LAYERS)
def test_a_layer_has_the_versions_and_hashes_of_the_lock_file(layer: str) -> None:
    tested, shipped = pins("requirements/run.txt"), pins(f"layers/{layer}/requirements.txt")
    assert len(shipped) >= 4
    assert {name: tested.get(name, "").split() for name in shipped} == {
        name: pin.split() for name, pin in shipped.items()
    }


def test_the_full_layer_has_every_dependency_of_the_package() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = {re.split(r"[><=\[]", each)[0] for each in project["dependencies"]}
    assert wanted <= set(pins("layers/deps_full/requirements.txt"))


@pytest.mark.parametrize(
    "path",
    ["requirements/aws.txt", "requirements/runtime.txt", *(f"layers/{each}/requirements.txt" for each in LAYERS)],
)
def test_a_lock_file_names_no_host(path: str) -> None:
    assert not re.search(r"https?://|index-url|find-links", (ROOT / path).read_text(encoding="utf-8"))
